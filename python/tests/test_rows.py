"""Rows of all kinds: what is meant is predicted, what is not is refused in words, nothing crashes."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
import spinney_ml as sp
from sklearn.tree import DecisionTreeClassifier


def test_every_layout_gives_the_same(quant, digits):
    X = digits.X_test
    expected = quant.predict(X)
    wide = np.zeros((len(X), 2 * X.shape[1]))
    wide[:, ::2] = X
    read_only = X.copy()
    read_only.flags.writeable = False
    for rows in [
        X.astype(np.float32),
        X.astype(np.uint8),
        X.astype(np.int64),
        X.astype(np.float16),
        X.astype(">f8"),
        np.asfortranarray(X),
        wide[:, ::2],
        X[::-1][::-1],
        read_only,
        X.astype(object),
        X.astype(str),
        X.tolist(),
        np.ma.masked_array(X),
        np.asmatrix(X),
        pd.DataFrame(X),
        pl.DataFrame(X),
        X.view(type("Mine", (np.ndarray,), {})),
    ]:
        assert np.array_equal(quant.predict(rows), expected)
        assert np.array_equal(quant.model.predict(rows), expected)
    assert np.array_equal(read_only, X)


def test_plain_rows_are_not_copied(quant, digits):
    from spinney_ml._rows import readings

    for dtype in [np.float32, np.float64]:
        rows = np.ascontiguousarray(digits.X_test, dtype=dtype)
        assert np.shares_memory(readings(rows), rows)


HOSTILE = [
    (lambda X: np.where(X == 16, np.nan, X), ValueError, "contains NaN: found NaN in row"),
    (lambda X: np.where(X == 16, np.inf, X), ValueError, "contains infinity"),
    (lambda X: np.where(X == 16, 1e300, X), ValueError, "too large for dtype.* found 1e300 in"),
    (lambda X: X[:, :5], ValueError, "X has 5 features, but the model is expecting 64"),
    (lambda X: X[0], ValueError, "Expected 2D array, got 1D array"),
    (lambda X: X[0, 0], ValueError, "Expected 2D array, got 0D array"),
    (lambda X: X[None], ValueError, "Expected 2D array, got 3D array"),
    (lambda X: [[1, 2], [3]], ValueError, "inhomogeneous"),
    (lambda X: scipy.sparse.csr_matrix(X), TypeError, "sparse"),
    (lambda X: scipy.sparse.coo_array(X), TypeError, "sparse"),
    (lambda X: np.ma.masked_array(X, X == 16), ValueError, "masked"),
    (lambda X: X.astype(complex), ValueError, "Complex data not supported"),
    (lambda X: X.astype("datetime64[s]"), TypeError, "dtype datetime64"),
    (lambda X: np.full(X.shape, "wide"), TypeError, "found .*'wide'.* in row 0, column 0"),
    (lambda X: np.full(X.shape, None), ValueError, "contains NaN: found NaN in row 0"),
    (lambda X: np.full(X.shape, b"\x00"), TypeError, "row 0"),
    (lambda X: np.full(X.shape, 10**400, dtype=object), TypeError, "row 0, column 0"),
    (lambda X: np.zeros(3, dtype=[("a", "f8")]), ValueError, "1D"),
    (lambda X: None, ValueError, "0D"),
    (lambda X: {"a": 1}, ValueError, "0D"),
    (lambda X: "rows.csv", ValueError, "0D"),
]


@pytest.mark.parametrize("asked", ["quant", "float"])
@pytest.mark.parametrize(("hostile", "exception", "told"), HOSTILE)
def test_what_is_not_meant_is_refused(hostile, exception, told, asked, quant, digits):
    model = quant if asked == "quant" else quant.model
    with pytest.raises(exception, match=told):
        model.predict(hostile(digits.X_test))


def test_no_rows(quant):
    nothing = np.empty((0, 64))
    assert quant.predict(nothing).shape == (0,)
    assert quant.predict_proba(nothing).shape == (0, 10)
    assert quant.scores(nothing).shape == (0, 10)
    with pytest.raises(ValueError, match="found 0 rows"):
        quant.model.quantize(nothing)
    with pytest.raises(ValueError, match="found no rows"):
        quant.score(nothing, np.empty(0))
    with pytest.raises(ValueError, match="features"):
        quant.predict(np.empty((0, 0)))


def test_rows_of_odd_strides(quant, digits):
    one = np.broadcast_to(digits.X_test[:1], (1000, 64))
    assert np.unique(quant.predict(one)).tolist() == quant.predict(digits.X_test[:1]).tolist()
    buffer = np.zeros(8 * 64 * 3 + 1, dtype=np.uint8)[1:]
    unaligned = buffer.view(np.float64).reshape(3, 64)
    assert len(quant.predict(unaligned)) == 3


@pytest.fixture(scope="module")
def named(digits):
    frame = pd.DataFrame(digits.X[:, 20:24], columns=["left", "right", "up", "down"])
    tree = DecisionTreeClassifier(max_depth=4, random_state=0).fit(frame, digits.y)
    return frame, sp.load(tree)


def test_columns_are_found_by_name(named):
    frame, model = named
    assert model.feature_names == ["left", "right", "up", "down"]
    q = model.quantize(frame, sensors={"*t": "u8", "up": "i16", "down": (0, 16)})
    expected = q.predict(frame.to_numpy())
    shuffled = frame[["down", "left", "up", "right"]]
    for rows in [
        frame,
        shuffled,
        shuffled.assign(more=1.0),
        pl.from_pandas(shuffled),
        frame.astype("Int64"),
        frame.astype("float32"),
    ]:
        assert np.array_equal(q.predict(rows), expected)
    assert q.explain(dict(frame.iloc[0])).data["q15"] == str(expected[0])
    with pytest.raises(ValueError, match='none called "up"'):
        q.predict(frame.drop(columns="up"))
    with pytest.raises(TypeError, match="found 'far' in column \"up\""):
        q.predict(frame.astype(object).replace({"up": {frame["up"].iloc[0]: "far"}}))
    with pytest.raises(sp.QuantizationError, match='found "x0", which no feature is called'):
        model.quantize(frame, sensors={"x0": "u8"})
