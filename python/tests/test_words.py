"""Categories and gaps in frames: words are the model's own, and every row is as the library has it."""

import datetime
import pickle

import lightgbm as lgb
import numpy as np
import pandas as pd
import polars as pl
import pytest
import spinney_ml as sp
import xgboost as xgb
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.tree import DecisionTreeClassifier

N_ROWS = 400
ORDERS = {
    "sorted numbers": ["1", "12", "3", "7"],
    "numbers": ["7", "12", "1", "3"],
    "words": ["seven", "one", "three", "twelve"],
    "with points": ["1.0", "1.5", "-2.5", "7.25"],
    "bool": ["False", "True"],
}
LIBRARIES = {
    "xgboost": lambda: xgb.XGBClassifier(n_estimators=5, enable_categorical=True),
    "xgboost, one against all": lambda: xgb.XGBClassifier(
        n_estimators=5, enable_categorical=True, max_cat_to_onehot=10
    ),
    "lightgbm": lambda: lgb.LGBMClassifier(
        n_estimators=5, verbose=-1, min_data_per_group=1, cat_smooth=1
    ),
    "scikit-learn": lambda: HistGradientBoostingClassifier(
        max_iter=5, categorical_features="from_dtype"
    ),
}


def framed(words, more=()):
    """Numbers beside a column of categories, in the order of ``words``, and classes of both."""
    random = np.random.default_rng(3)
    a = random.normal(size=N_ROWS)
    k = random.choice(words, N_ROWS)
    of = pd.Categorical(k, categories=[*words, *more])
    return pd.DataFrame({"a": a, "k": of}), (np.isin(k, words[::2]) ^ (a > 0)) * 1


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("words", ORDERS)
def test_words_are_the_places_of_the_model(words, library):
    frame, y = framed(ORDERS[words])
    fitted = LIBRARIES[library]().fit(frame, y)
    expected = fitted.predict(frame)
    model = sp.load(fitted)
    q = model.quantize(frame)
    kept = sp.QuantModel.from_bytes(q.to_bytes())
    agree = np.delete(np.arange(N_ROWS), q.certificate.listed_rows)
    assert len(agree) > 0.95 * N_ROWS
    text = frame["k"].astype(str)
    of_other_order = pd.Categorical(text, categories=[*ORDERS[words][::-1], "unused"])
    for rows in [
        frame,
        frame.assign(k=of_other_order),
        frame.assign(k=text),
        frame.assign(k=text.astype(object)),
        frame.assign(k=text.astype("string"), a=frame["a"].astype("Float64")),
        frame.assign(label="w")[["label", "k", "a"]],
        frame.assign(k=text).to_numpy(dtype=object),
        pl.DataFrame({"a": frame["a"].to_numpy(), "k": text.tolist()}),
        pl.DataFrame({"a": frame["a"].to_numpy(), "k": text.tolist()}).cast({"k": pl.Categorical}),
        pl.DataFrame({"a": frame["a"].to_numpy(), "k": text.tolist()}).cast(
            {"k": pl.Enum(ORDERS[words][::-1])}
        ),
    ]:
        assert np.array_equal(model.predict(rows), expected)
        assert np.array_equal(kept.predict(rows)[agree], expected[agree])
    row = int(agree[0])
    assert kept.explain(dict(frame.iloc[row])).data["q15"] == str(expected[row])


@pytest.mark.parametrize(
    ("library", "known"),
    [
        *[(library, [7, 12, 1, 3]) for library in LIBRARIES],
        # XGBoost refuses these itself.
        *[(it, [True, False]) for it in ["lightgbm", "scikit-learn"]],
        *[(it, [1.5, -2.5]) for it in ["lightgbm", "scikit-learn"]],
    ],
)
def test_categories_that_are_no_text(library, known):
    frame, y = framed(known)
    fitted = LIBRARIES[library]().fit(frame, y)
    model = sp.load(fitted)
    for rows in [frame, frame.assign(k=pd.Categorical(frame["k"], categories=sorted(known)))]:
        assert np.array_equal(model.predict(rows), fitted.predict(frame))


@pytest.mark.parametrize("library", LIBRARIES)
def test_gaps_among_words(library):
    frame, y = framed(ORDERS["numbers"])
    frame.loc[::7, "k"] = None
    frame.loc[::5, "a"] = None
    fitted = LIBRARIES[library]().fit(frame, y)
    model = sp.load(fitted)
    text = frame["k"].astype(object)
    for rows in [
        frame,
        frame.assign(k=text),
        frame.assign(k=text.astype("string"), a=frame["a"].astype("Float64")),
        pl.DataFrame({"a": frame["a"].tolist(), "k": text.where(text.notna(), None).tolist()}),
    ]:
        assert np.array_equal(model.predict(rows), fitted.predict(frame))
    nothing = frame.assign(k=pd.Categorical([None] * N_ROWS, categories=ORDERS["numbers"]))
    for rows in [nothing, frame.assign(k=None), frame.assign(k=np.nan)]:
        assert np.array_equal(model.predict(rows), fitted.predict(nothing))


def test_a_word_that_the_model_does_not_know():
    frame, y = framed(ORDERS["numbers"], more=["99"])
    known_alone = frame["k"].cat.set_categories(ORDERS["numbers"])
    model = sp.load(LIBRARIES["lightgbm"]().fit(frame.assign(k=known_alone), y))
    model.predict(frame)
    known = "'7', '12', '1', '3'"
    for odd in ["99", "7.0"]:
        text = frame["k"].astype(object)
        text[5] = odd
        of_text = frame.assign(k=text)
        for rows in [of_text, frame.assign(k=text.astype("category")), of_text.to_numpy()]:
            told = rf"found '{odd}' in column \"?[k1]\"? \(row 5\), expected one of .*: {known}$"
            with pytest.raises(ValueError, match=told):
                model.predict(rows)
    for odd in [frame["k"].astype(int), frame["k"].astype(float), frame["k"].cat.codes]:
        told = rf'found numbers in column "k", expected the words .*: {known}; '
        with pytest.raises(TypeError, match=told):
            model.predict(frame.assign(k=odd))


def test_places_of_words_that_are_no_numbers():
    frame, y = framed(ORDERS["words"])
    fitted = LIBRARIES["lightgbm"]().fit(frame, y)
    places = frame.assign(k=frame["k"].cat.codes)
    for rows in [places, places.to_numpy(), places.astype("Float64")]:
        assert np.array_equal(sp.load(fitted).predict(rows), fitted.predict(frame))


def test_xgboost_that_knows_places_alone():
    frame, y = framed(ORDERS["numbers"])
    fitted = xgb.XGBClassifier(n_estimators=5, feature_types=["q", "c"], enable_categorical=True)
    fitted.fit(frame.assign(k=frame["k"].cat.codes).to_numpy(), y)
    model = sp.load(fitted)
    q = model.quantize(frame)
    assert not q.certificate.listed_rows
    for rows in [
        frame,
        frame.assign(k=frame["k"].cat.reorder_categories(ORDERS["sorted numbers"])),
        frame.assign(k=frame["k"].astype(int).astype("category")),
        frame.assign(k=frame["k"].cat.codes),
    ]:
        expected = fitted.predict(rows)
        for it in [model, q, q.model, *pickle.loads(pickle.dumps([model, q]))]:
            assert np.array_equal(it.predict(rows), expected)
    for text in [frame["k"].astype(object), frame["k"].astype("string")]:
        told = r"found '.*' in column \"k\" \(row 0\), .* what XGBoost was"
        with pytest.raises(TypeError, match=told):
            model.predict(frame.assign(k=text))
    with pytest.raises(TypeError, match='found categories in column "k", .* hand over the codes'):
        sp.QuantModel.from_bytes(q.to_bytes()).predict(frame)


@pytest.fixture(scope="module")
def holed():
    """Rows with gaps, a model that knows them, and its classes."""
    random = np.random.default_rng(3)
    values = random.normal(size=(200, 3)).astype(np.float32)
    values[random.random(values.shape) < 0.1] = np.nan
    frame = pd.DataFrame(values, columns=["a", "b", "c"])
    y = (np.nan_to_num(values[:, 0]) > 0) * 1
    fitted = HistGradientBoostingClassifier(max_iter=5).fit(frame, y)
    return frame, sp.load(fitted), fitted.predict(frame)


def test_gaps_of_frames_are_nan(holed):
    frame, model, expected = holed
    as_bool = frame.assign(b=pd.array(frame["b"] > 0, dtype="boolean"))
    for rows in [
        frame.convert_dtypes(),
        frame.astype("Float32"),
        frame.astype({"a": "Float64"}),
        frame.astype(object).where(frame.notna(), None),
        frame.astype(object).where(frame.notna(), pd.NA),
        frame.assign(label="w", when=datetime.date(2020, 1, 1)),
        pl.DataFrame(frame.to_dict("list")).with_columns(pl.all().fill_nan(None), z=pl.lit("w")),
    ]:
        assert np.array_equal(model.predict(rows), expected)
    assert np.array_equal(
        model.predict(as_bool), model.predict(frame.assign(b=(frame["b"] > 0) * 1.0))
    )


def test_what_is_no_number_is_refused_by_column(holed):
    frame, model, _ = holed
    days = pd.date_range("2020", periods=len(frame))
    for odd, found in [
        (days, "datetime64.*"),
        (days.tz_localize("UTC"), "datetime64.*UTC.*"),
        (days - days[0], "timedelta64.*"),
        (days.to_period("D"), "Period.*row 0.*"),
        (days.date, "datetime.date.*row 0.*"),
        (["w"] * len(frame), "'w'.*row 0.*"),
        ([[1]] * len(frame), ".*row 0.*"),
    ]:
        with pytest.raises(TypeError, match=f"found {found}.*expected numbers; make") as told:
            model.predict(frame.assign(b=odd))
        assert 'column "b"' in str(told.value)
    with pytest.raises(TypeError, match='found Date.* in column "b", expected numbers'):
        model.predict(pl.DataFrame(frame.assign(b=days.date).to_dict("list")))


def test_gaps_that_the_model_does_not_know():
    frame = pd.DataFrame({"a": [1.0, None, 2.0, 3.0]})
    model = sp.load(DecisionTreeClassifier().fit(frame.fillna(0), [0, 0, 1, 1]))
    with pytest.raises(ValueError, match='found NaN in row 1, feature "a"'):
        model.predict(frame.astype("Float64"))


def test_gaps_where_nothing_is_asked():
    frame = pd.DataFrame({"a": [1.0, None] * 20})
    fitted = HistGradientBoostingClassifier(max_iter=2).fit(frame, [0, 1, 1, 0] * 10)
    model = sp.load(fitted)
    assert model.n_splits == 0
    for it in [model, model.quantize(frame), model.quantize()]:
        assert np.array_equal(it.predict(frame), fitted.predict(frame))
