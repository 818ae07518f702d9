"""What is loaded predicts what its own library predicts, and fixed point what float does."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import spinney_ml as sp
from conftest import REPOSITORY
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from xgboost import XGBClassifier, XGBRegressor

SMALL = {"n_estimators": 8, "max_depth": 5, "random_state": 0}
CLASSIFIERS = [
    DecisionTreeClassifier(max_depth=6, random_state=0),
    RandomForestClassifier(**SMALL),
    ExtraTreesClassifier(**SMALL),
    GradientBoostingClassifier(n_estimators=4, max_depth=3, random_state=0),
    HistGradientBoostingClassifier(max_iter=4, random_state=0),
    AdaBoostClassifier(DecisionTreeClassifier(max_depth=3, random_state=0), n_estimators=5, random_state=0),
    GaussianNB(var_smoothing=1e-2),
    make_pipeline(StandardScaler(), RandomForestClassifier(**SMALL)),
    XGBClassifier(n_estimators=5, max_depth=4),
    LGBMClassifier(n_estimators=5, verbose=-1),
]
REGRESSORS = [
    DecisionTreeRegressor(max_depth=6, random_state=0),
    RandomForestRegressor(**SMALL),
    ExtraTreesRegressor(**SMALL),
    GradientBoostingRegressor(n_estimators=10, random_state=0),
    HistGradientBoostingRegressor(max_iter=10, random_state=0),
    XGBRegressor(n_estimators=10, max_depth=4),
    LGBMRegressor(n_estimators=10, verbose=-1),
]


def name(estimator):
    return type(estimator).__name__


@pytest.mark.parametrize("estimator", CLASSIFIERS, ids=name)
def test_classifiers(estimator, digits):
    estimator.fit(digits.X, digits.y)
    model = sp.load(estimator)
    assert model.task == "classify"
    expected = estimator.predict(digits.X_test)
    assert np.array_equal(model.predict(digits.X_test), expected)
    assert model.predict(digits.X_test).dtype == expected.dtype
    proba = estimator.predict_proba(digits.X_test)
    assert np.allclose(model.predict_proba(digits.X_test), proba, atol=2e-6)
    q = model.quantize(digits.X)
    found = q.certify(digits.X_test)
    differing = np.flatnonzero(q.predict(digits.X_test) != expected)
    # What is proven holds: rows that differ are among those that are listed.
    assert set(differing) <= set(found.listed_rows)
    assert len(differing) < 0.01 * len(expected)
    assert q.score(digits.X_test, digits.y_test) > 0.6


@pytest.mark.parametrize("estimator", REGRESSORS, ids=name)
def test_regressors(estimator, diabetes):
    estimator.fit(diabetes.X, diabetes.y)
    model = sp.load(estimator)
    assert model.task == "regress"
    assert model.classes_ is None
    expected = estimator.predict(diabetes.X_test)
    assert np.allclose(model.predict(diabetes.X_test), expected, rtol=1e-6)
    q = model.quantize(diabetes.X)
    assert q.predict(diabetes.X_test).shape == expected.shape
    spread = np.ptp(diabetes.y)
    assert np.abs(q.predict(diabetes.X_test) - expected).max() < 1e-3 * spread
    assert q.score(diabetes.X_test, diabetes.y_test) == pytest.approx(
        estimator.score(diabetes.X_test, diabetes.y_test), abs=1e-3
    )
    with pytest.raises(ValueError, match="gives values"):
        q.predict_proba(diabetes.X_test)


def test_a_detector(digits):
    detector = IsolationForest(n_estimators=10, random_state=0).fit(digits.X)
    model = sp.load(detector)
    assert model.task == "detect"
    assert np.array_equal(model.predict(digits.X_test), detector.predict(digits.X_test))
    q = model.quantize(digits.X)
    differing = np.flatnonzero(q.predict(digits.X_test) != detector.predict(digits.X_test))
    assert set(differing) <= set(q.certify(digits.X_test).listed_rows)


def test_missing_readings(gaps):
    boosting = HistGradientBoostingClassifier(max_iter=5, random_state=0).fit(gaps.X, gaps.y)
    model = sp.load(boosting)
    assert np.array_equal(model.predict(gaps.X_test), boosting.predict(gaps.X_test))
    q = model.quantize(gaps.X)
    differing = np.flatnonzero(q.predict(gaps.X_test) != boosting.predict(gaps.X_test))
    assert set(differing) <= set(q.certify(gaps.X_test).listed_rows)


def test_boosters(digits):
    import lightgbm
    import xgboost

    rows = xgboost.DMatrix(digits.X, digits.y)
    booster = xgboost.train({"objective": "multi:softprob", "num_class": 10}, rows, 3)
    found = sp.load(booster).predict(digits.X_test)
    expected = booster.predict(xgboost.DMatrix(digits.X_test)).argmax(axis=1)
    assert np.array_equal(found, expected)
    params = {"objective": "multiclass", "num_class": 10, "verbose": -1}
    booster = lightgbm.train(params, lightgbm.Dataset(digits.X, digits.y), 3)
    expected = booster.predict(digits.X_test).argmax(axis=1)
    assert np.array_equal(sp.load(booster).predict(digits.X_test), expected)


@pytest.mark.parametrize(
    "labels",
    [["no", "yes"], [False, True], [3, 7], [1.0, 2.0], [-1, 1]],
    ids=["text", "bool", "int", "float", "signs"],
)
def test_classes_keep_their_types(labels, digits):
    y = np.array(labels)[(digits.y > 4).astype(int)]
    tree = DecisionTreeClassifier(max_depth=3, random_state=0).fit(digits.X, y)
    model = sp.load(tree)
    assert model.classes_.dtype == tree.classes_.dtype
    assert np.array_equal(model.quantize(digits.X).predict(digits.X_test), tree.predict(digits.X_test))
    import skops.io

    # From a file only the text of classes is known; numbers and booleans are made of it.
    of_file = sp.load(skops.io.dumps(tree))
    assert np.array_equal(of_file.predict(digits.X_test), tree.predict(digits.X_test))


def test_files(tmp_path):
    path = REPOSITORY / "examples" / "models" / "digits_rf.skops"
    model = sp.load(path)
    assert model.describe()["origin"]["estimator"] == "RandomForestClassifier"
    assert str(model).startswith("format      skops")
    assert model.classes_.tolist() == list(range(10))
    model.save(tmp_path / "model.json")
    again = sp.load(str(tmp_path / "model.json"))
    assert again.predict(np.zeros((1, 64))) == model.predict(np.zeros((1, 64)))
    assert sp.load(model) is model


@pytest.mark.parametrize(
    ("what", "told"),
    [
        (LogisticRegression(max_iter=5000), "LogisticRegression cannot be imported"),
        (b"\x80\x04\x95 a pickle", "pickle or joblib file, which runs code"),
        (b"", "the file: found nothing, expected a model"),
        (object(), "fit an estimator of scikit-learn, XGBoost or LightGBM"),
        (b"PK\x03\x04 damaged", "found"),
    ],
    ids=["linear", "pickle", "empty", "object", "damaged"],
)
def test_what_is_not_read_says_what_to_do(what, told, digits):
    if isinstance(what, LogisticRegression):
        what.fit(digits.X / 16, digits.y)
    with pytest.raises(sp.UnsupportedModelError) as raised:
        sp.load(what)
    assert told in str(raised.value)
    assert raised.value.where and raised.value.found and raised.value.expected
    assert isinstance(raised.value, ValueError)


@pytest.mark.parametrize(
    ("estimator", "told"),
    [
        (XGBRegressor(n_estimators=2, missing=0.0), "put NaN in its place"),
        (XGBClassifier(n_estimators=2, objective="binary:logitraw"), 'objective="binary:logistic"'),
    ],
    ids=["missing", "logitraw"],
)
def test_what_xgboost_does_not_save_is_refused(estimator, told, digits):
    with pytest.raises(sp.UnsupportedModelError, match=told):
        sp.load(estimator.fit(digits.X, digits.y > 4))


def test_what_is_not_fitted_is_refused():
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        sp.load(RandomForestClassifier())


def test_what_catboost_saves():
    fixtures = REPOSITORY / "crates" / "import" / "tests" / "fixtures" / "catboost-1.2.10.zip"
    with zipfile.ZipFile(fixtures) as archive:
        saved = archive.read("logloss.json")
        with np.load(archive.open("logloss.json.npz")) as kept:
            rows, labels = kept["X"], kept["labels"]

    class Fitted:
        """What there is of CatBoost's estimators, without the package."""

        tree_count_ = 1
        classes_ = np.unique(labels).astype(int)

        def save_model(self, path, format):
            assert format == "json"
            Path(path).write_bytes(saved)

    model = sp.load(Fitted())
    assert np.array_equal(model.predict(rows), labels.astype(int))


@pytest.mark.parametrize(
    ("names", "classes"),
    [(["01", "02"], ["01", "02"]), (["1_0", "2"], ["1_0", "2"]), (["7", "2"], [7, 2]), (["0.5", "2.0"], [0.5, 2.0])],
)
def test_classes_of_a_file_are_numbers_where_they_are_written_so(names, classes, tmp_path):
    text = (
        '{"format":"spinney-model","version":1,"kind":"decision-tree","features":[{"name":"a"}],'
        f'"classes":["{names[0]}","{names[1]}"],"trees":[{{"nodes":[{{"feature":0,"threshold":1.5,'
        '"left":1,"right":2},{"value":[1,0]},{"value":[0,1]}]}]}'
    )
    model = sp.load(text.encode())
    assert model.classes_.tolist() == classes
    # What was saved is whole, in place of what was there, and through a link.
    kept, link = tmp_path / "kept.json", tmp_path / "link.json"
    link.symlink_to(kept)
    model.save(link)
    model.save(link)
    assert link.is_symlink()
    assert sp.load(kept).classes_.tolist() == classes
    assert sorted(it.name for it in tmp_path.iterdir()) == ["kept.json", "link.json"]
