"""The Python of the documentation's pages runs, and prints what the page says."""

import re

import pytest
from conftest import REPOSITORY

PAGES = ["docs/python.md", "docs/from-emlearn.md", "python/README.md"]


@pytest.mark.parametrize("page", PAGES)
def test_blocks_run(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = (REPOSITORY / page).read_text()
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert blocks
    scope = {}
    for block in blocks:
        exec(compile(block, page, "exec"), scope)
        printed = capsys.readouterr().out
        # What a comment behind a call of print shows is what it prints.
        for shown in re.findall(r"^print\(.*certificate\).*# (splits .*)$", block, re.MULTILINE):
            assert shown in printed
    assert (tmp_path / "digits.h").is_file()
