"""The console script: the verbs of the Rust tool."""

import json
import subprocess
import sys

import numpy as np
import pytest
from conftest import REPOSITORY

MODEL = str(REPOSITORY / "examples" / "models" / "digits_rf.skops")


def spinney(*arguments, cwd=None):
    command = [sys.executable, "-m", "spinney_ml", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd)


def test_inspect():
    done = spinney("inspect", MODEL)
    assert done.returncode == 0
    assert "RandomForestClassifier (random-forest)" in done.stdout
    described = json.loads(spinney("inspect", MODEL, "--json").stdout)
    assert described["n_trees"] == 10


def test_convert(tmp_path):
    header = tmp_path / "digits.h"
    rows = str(REPOSITORY / "data" / "digits_test.csv")
    arguments = ["convert", MODEL, "--rows", rows, "--label", "digit", "--sensor", "u8"]
    done = spinney(*arguments, "--c99", str(header))
    assert done.returncode == 0, done.stderr
    assert "digits_predict" in header.read_text()
    assert "certificate: splits every-input, votes listed; 1 row may" in done.stdout
    done = spinney("convert", MODEL, "--sensor", "hue=u8", "--c99", str(header))
    assert done.returncode == 2
    assert "--sensor: found \"hue\", which no feature is called" in done.stderr


def test_report(tmp_path, digits, quant):
    quant.save(tmp_path / "digits.json")
    np.savez(tmp_path / "test.npz", X=digits.X_test, y=digits.y_test)
    arguments = ["report", "digits.json", "--test", "test.npz", "--label", "y"]
    done = spinney(*arguments, "-o", "report.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["accuracy"]["q15"] == quant.score(digits.X_test, digits.y_test)
    assert [form["name"] for form in report["forms"]] == ["packed", "table"]
    done = spinney("report", "report.json", "-o", "report.html", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Certificate" in (tmp_path / "report.html").read_text()


def test_chips_and_help(tmp_path):
    assert "STM32F030F4" in spinney("chips", "search", "stm32f030").stdout
    done = spinney("--help")
    assert done.returncode == 0
    assert "Usage: spinney" in done.stdout
    assert spinney("--version").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["inspect", "missing.skops"], "missing.skops"),
        (["inspekt", MODEL], "unrecognized subcommand"),
        (["pipeline", "run"], "found no pipeline.toml"),
    ],
)
def test_faults_are_2(arguments, told, tmp_path):
    done = spinney(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert told in done.stderr
