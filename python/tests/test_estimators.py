"""Estimators: scikit-learn's own checks, and the places that estimators stand in."""

import numpy as np
import pytest
import spinney_ml as sp
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks


def expected_to_fail(estimator):
    if getattr(estimator, "kind", None) != "decision-tree":
        return {}
    # It sets min_weight_fraction_leaf, which this estimator has not; a whole tree fits every row.
    return {"check_class_weight_classifiers": "takes no min_weight_fraction_leaf"}


@parametrize_with_checks(
    [
        sp.SpinneyForestClassifier(n_trees=10, random_state=0),
        sp.SpinneyForestClassifier("decision-tree", random_state=0),
        sp.SpinneyGaussianNB(),
        sp.QuantizedClassifier(RandomForestClassifier(n_estimators=10, random_state=0)),
        sp.QuantizedRegressor(RandomForestRegressor(n_estimators=10, random_state=0)),
    ],
    expected_failed_checks=expected_to_fail,
)
def test_scikit_learn_accepts(estimator, check):
    check(estimator)


def test_training_is_reproducible(digits):
    params = {"n_trees": 5, "max_depth": 6, "random_state": 7}
    for kind in ["random-forest", "extra-trees", "decision-tree"]:
        one = sp.train(kind, digits.X, digits.y, **params)
        two = sp.train(kind, digits.X, digits.y, **params)
        assert one.model_._float.to_json() == two.model_._float.to_json()
        assert one.model_.kind == kind
        assert one.score(digits.X_test, digits.y_test) > 0.75
        q = sp.load(one).quantize(digits.X)
        assert q.score(digits.X_test, digits.y_test) > 0.75


def test_naive_bayes_is_scikit_learns(digits):
    from sklearn.naive_bayes import GaussianNB

    ours = sp.train("gaussian-nb", digits.X, digits.y, var_smoothing=1e-2)
    theirs = GaussianNB(var_smoothing=1e-2).fit(digits.X, digits.y)
    assert np.allclose(ours.predict_proba(digits.X), theirs.predict_proba(digits.X), atol=1e-9)


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"kind": "oak"}, 'kind: found "oak"'),
        ({"n_trees": 0}, "n_trees: found 0, expected an integer of at least 1"),
        ({"n_trees": 2.5}, "n_trees: found 2.5"),
        ({"max_depth": -1}, "max_depth: found -1"),
        ({"criterion": "luck"}, "criterion: found luck"),
        ({"max_features": "many"}, "max_features: found many"),
        ({"class_weight": "heavy"}, "class_weight: found 'heavy'"),
        ({"class_weight": {3: 2.0, 12: 5.0}}, "class_weight: found \\[12\\], expected classes of y"),
        ({"random_state": -1}, "random_state: found -1"),
        ({"ccp_alpha": -1.0}, "the trainer:"),
    ],
)
def test_odd_parameters_are_named(params, told, digits):
    with pytest.raises(ValueError, match="(?s)" + told.replace("(", "\\(")):
        sp.SpinneyForestClassifier(**params).fit(digits.X, digits.y)


def test_weights(digits):
    y = np.where(digits.y == 8, "eight", "other")
    plain = sp.train("decision-tree", digits.X, y, max_depth=3, random_state=0)
    heavy = sp.train(
        "decision-tree", digits.X, y, max_depth=3, random_state=0, class_weight={"eight": 50.0}
    )
    eights = digits.X_test[digits.y_test == 8]
    assert (heavy.predict(eights) == "eight").sum() > (plain.predict(eights) == "eight").sum()
    assert heavy.classes_.tolist() == ["eight", "other"]


def test_the_wrapper_fits_in(digits):
    tree = DecisionTreeClassifier(max_depth=6, random_state=0)
    wrapped = sp.QuantizedClassifier(tree, sensors="u8", chip="STM32F030F4")
    scores = cross_val_score(wrapped, digits.X, digits.y, cv=3)
    assert np.array_equal(scores, cross_val_score(tree, digits.X, digits.y, cv=3))
    # Behind a scaler, what is quantized is what the scaler gives.
    pipeline = make_pipeline(MinMaxScaler(), clone(wrapped).set_params(sensors=None))
    search = GridSearchCV(
        pipeline, {"quantizedclassifier__estimator__max_depth": [2, 6]}, cv=3
    ).fit(digits.X, digits.y)
    assert search.best_params_ == {"quantizedclassifier__estimator__max_depth": 6}
    best = search.best_estimator_[-1]
    assert best.quant_.certificate.votes == "every-input"
    assert best.quant_.size()[0].total_bytes > 0


def test_scorers_of_what_ships(digits):
    from sklearn.model_selection import cross_validate

    names = ("q15_accuracy", "agreement", "flash_bytes")
    forest = RandomForestClassifier(n_estimators=4, max_depth=5, random_state=0)
    scoring = sp.scorers(*names, chip="STM32F030F4")
    found = cross_validate(forest, digits.X, digits.y, cv=2, scoring=scoring)
    quantized = sp.QuantizedClassifier(forest, sensors="u8")
    same = cross_validate(quantized, digits.X, digits.y, cv=2, scoring=scoring, return_estimator=True)
    assert (same["test_agreement"] > 0.98).all() and (found["test_agreement"] > 0.95).all()
    for at, fitted in enumerate(same["estimator"]):
        smallest = min(form.total_bytes for form in fitted.quant_.size("STM32F030F4"))
        assert same["test_flash_bytes"][at] == -smallest
    with pytest.raises(sp.QuantizationError, match="some of"):
        sp.scorers("f1")
