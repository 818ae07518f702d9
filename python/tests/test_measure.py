"""Firmware of a quantized model, built and run in the emulator."""

import json

import numpy as np
import pytest
import spinney_ml as sp
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier

X, y = load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def iris():
    """A forest on floats: codings of it follow from the training rows, which firmware never sees."""
    forest = RandomForestClassifier(n_estimators=4, max_depth=4, random_state=0).fit(X[::2], y[::2])
    return sp.load(forest).quantize(X[::2])


def test_the_image_is_of_this_model(iris):
    found = iris.measure(X[1::2], chip="STM32F030F4", encoding="table")
    assert found.mismatches == 0
    assert found.n_rows == len(X[1::2])
    assert (found.core, found.encoding) == ("cortex-m0", "table")
    tables = iris.size("STM32F030F4")[0]
    assert tables.table_bytes < found.model_flash_bytes < found.flash_bytes <= 16 * 1024
    assert 0 < found.instructions_mean <= found.instructions_max
    assert found.report["certificate"]["checked"]
    used = [it for it in found.report["features"] if it["coding"] != "not used"]
    assert len(used) == iris.facts["inputs"]


def test_a_kept_model_is_the_same(iris, tmp_path):
    kept = iris.save(tmp_path / "kept.json")
    again = sp.QuantModel.from_bytes(kept.read_bytes())
    assert again == iris
    assert sp.load(kept).kind == "random-forest"
    iris.save(kept)
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(sp.QuantizationError, match="which Spinney did not write"):
        iris.save(tmp_path / "other.json")
    changed = json.loads(kept.read_bytes())
    changed["codings"][0]["affine"]["offset"] += 1
    with pytest.raises(ValueError, match="others than were saved"):
        sp.QuantModel.from_bytes(json.dumps(changed).encode())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, "chip: found none"),
        ({"chip": "STM32F0"}, "STM32F0"),
        ({"chip": "STM32F030F4", "encoding": "tables"}, "encoding"),
    ],
)
def test_what_is_refused(iris, arguments, told):
    with pytest.raises(sp.QuantizationError, match=told):
        iris.measure(X, **arguments)


def test_a_machine_without_tools(iris, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(sp.MeasurementError, match="setup"):
        iris.measure(np.asarray(X[:4]), chip="STM32F030F4")


def test_an_image_that_did_not_run(iris, monkeypatch):
    from spinney_ml import _project

    whole = _project.run

    def without_a_run(*arguments):
        report = whole(*arguments)
        report["device"] = None
        for verdict in report["verdicts"]:
            if verdict["gate"] == "parity":
                verdict["note"] = "the emulator ended it after 300 s"
        return report

    monkeypatch.setattr(_project, "run", without_a_run)
    with pytest.raises(sp.MeasurementError, match="ended it after 300 s"):
        iris.measure(X[1:9], chip="STM32F030F4", encoding="table")


def test_a_search_takes_numbers_of_numpy(iris):
    from spinney_ml._project import _value

    assert _value(np.int64(3)) == "3"
    assert _value([np.float32(0.5), "a"]) == '[0.5, "a"]'
