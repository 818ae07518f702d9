"""Types: the package by mypy, strictly, and the stub against the extension itself."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import spinney_ml

PACKAGE = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    "arguments",
    [
        ["mypy", "--config-file", "pyproject.toml", "-p", "spinney_ml"],
        ["mypy.stubtest", "spinney_ml._spinney", "--mypy-config-file", "pyproject.toml"],
    ],
    ids=["mypy", "stubtest"],
)
def test_types(arguments, tmp_path):
    module, *rest = arguments
    command = [sys.executable, "-m", module, *rest]
    # What is installed, in a place where it is looked at as sources are.
    shutil.copytree(Path(spinney_ml.__file__).parent, tmp_path / "spinney_ml")
    shutil.copy(PACKAGE / "pyproject.toml", tmp_path)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_docstrings_run():
    import doctest

    import spinney_ml
    import spinney_ml._load
    import spinney_ml._model
    import spinney_ml.estimators

    modules = [spinney_ml, spinney_ml._load, spinney_ml._model, spinney_ml.estimators]
    results = [doctest.testmod(module) for module in modules]
    assert sum(it.attempted for it in results) >= 25
    assert sum(it.failed for it in results) == 0


def test_what_is_public_says_what_it_is():
    import inspect

    import spinney_ml

    silent = []
    for name in spinney_ml.__all__:
        thing = getattr(spinney_ml, name)
        if name == "__version__":
            continue
        members = inspect.getmembers(thing) if inspect.isclass(thing) else []
        own = [m for n, m in members if not n.startswith("_") and callable(m)]
        for it in [thing, *own]:
            if "spinney_ml" in (getattr(it, "__module__", "") or "") and not it.__doc__:
                silent.append(f"{name}: {it}")
    assert not silent
