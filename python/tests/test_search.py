"""The best model for a budget."""

import pytest
import spinney_ml as sp


@pytest.fixture(scope="module")
def found(digits):
    return sp.search(
        digits.X,
        digits.y,
        chip="nRF51822_xxAA",
        flash="8K",
        sensors="u8",
        trials=4,
        folds=3,
        space={"kind": ["extra-trees"], "n_trees": [5, 10, 20], "max_leaf_nodes": [32, 64]},
    )


def test_the_best_meets_the_budget(found):
    assert found.best.is_measured
    assert found.best.flash_bytes <= 8 * 1024
    assert found.best.score > 0.85
    assert found.test["failed_gates"] == []
    assert found.best.flash_bytes in [it.flash_bytes for it in found.front]
    assert found.n_trials == 4


def test_its_estimator(found, digits):
    fitted = found.estimator().fit(digits.X, digits.y)
    assert fitted.quant_.model.n_trees == found.best.keys["model.n_trees"]
    assert fitted.score(digits.X_test, digits.y_test) > 0.85
    smallest = min(found.front, key=lambda it: it.flash_bytes)
    assert found.estimator(smallest).fit(digits.X, digits.y).quant_.model.kind == "extra-trees"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"chip": "STM32F0"}, "chip"),
        ({"flash": "8Q"}, "flash"),
        ({"objective": "speed"}, "objective"),
        ({"space": {"n_trees": [0]}}, "n_trees"),
    ],
)
def test_what_is_refused(digits, arguments, told):
    arguments = {"chip": "nRF51822_xxAA", **arguments}
    with pytest.raises(sp.QuantizationError, match=told):
        sp.search(digits.X, digits.y, **arguments)


def test_other_labels_than_rows(digits):
    with pytest.raises(ValueError, match="y: found the shape"):
        sp.search(digits.X, digits.y[1:], chip="nRF51822_xxAA")
