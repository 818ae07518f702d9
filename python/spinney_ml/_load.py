"""From whatever was trained to bytes that Spinney's importer reads. No pickle is ever read."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _spinney
from ._model import Model
from .errors import UnsupportedModelError

Classes = npt.NDArray[Any]


def load(model: Any) -> Model:
    """Read a fitted model, from memory or from a file.

    Parameters
    ----------
    model : estimator, Booster, path, bytes
        A fitted estimator of scikit-learn (also a ``Pipeline``), XGBoost, LightGBM or CatBoost, or a
        booster of XGBoost or LightGBM; the path or the bytes of a file: skops, XGBoost's JSON and
        UBJSON, LightGBM's text and JSON, CatBoost's JSON, ONNX, and Spinney's own JSON.

    Returns
    -------
    Model
        The float model. It predicts what its library predicts.

    Raises
    ------
    UnsupportedModelError
        A model that is not read, with what to do instead; a damaged file, with the place.

    Examples
    --------
    >>> import spinney_ml as sp
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = sp.load(DecisionTreeClassifier(max_depth=2, random_state=0).fit(X, y))
    >>> model.kind, model.n_trees, model.n_splits
    ('decision-tree', 1, 2)
    """
    if isinstance(model, Model):
        return model
    own = getattr(model, "model_", None)
    if isinstance(own, Model):
        return own
    if isinstance(model, (bytes, bytearray, memoryview)):
        return _of_bytes(bytes(model), None)
    if isinstance(model, (str, os.PathLike)):
        return _of_bytes(Path(model).read_bytes(), None)
    return _of_bytes(_bytes_of(model), getattr(model, "classes_", None))


def _of_bytes(data: bytes, classes: Any) -> Model:
    core = _spinney.Model.read(data)
    return Model(core, classes_of(core, classes))


def _bytes_of(model: Any) -> bytes:
    """A fitted model in the lossless format of its own library."""
    from_xgboost = getattr(model, "get_booster", None)
    booster = from_xgboost() if callable(from_xgboost) else model
    if hasattr(booster, "save_raw"):
        _refuse_what_xgboost_does_not_save(model)
        return bytes(booster.save_raw(raw_format="ubj"))
    booster = getattr(model, "booster_", model)
    if hasattr(booster, "model_to_string"):
        return str(booster.model_to_string()).encode()
    if hasattr(model, "save_model") and hasattr(model, "tree_count_"):
        # CatBoost writes JSON to files alone.
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.json")
            model.save_model(str(path), format="json")
            return path.read_bytes()
    if not hasattr(model, "get_params"):
        raise UnsupportedModelError(
            "the model",
            f"an object of {type(model).__module__}.{type(model).__qualname__}",
            "fit an estimator of scikit-learn, XGBoost or LightGBM, or name a file",
        )
    import skops.io
    from sklearn.utils.validation import check_is_fitted

    check_is_fitted(model)
    try:
        return bytes(skops.io.dumps(model))
    except Exception as error:
        raise UnsupportedModelError(
            "the model",
            f"a {type(model).__name__} that skops cannot save ({error})",
            "fit one of scikit-learn's trees, forests, boosting or GaussianNB",
        ) from error


def _refuse_what_xgboost_does_not_save(model: Any) -> None:
    missing = getattr(model, "missing", None)
    if missing is not None and not np.isnan(missing):
        raise UnsupportedModelError(
            "the model",
            f"missing={missing}, which XGBoost does not save",
            "put NaN in its place before fit, and leave `missing` out",
        )
    if hasattr(model, "classes_") and model.objective == "binary:logitraw":
        raise UnsupportedModelError(
            "the model",
            "an XGBClassifier of binary:logitraw, which takes the second class above a margin of 0.5",
            'fit with objective="binary:logistic", whose margins are the same',
        )


def classes_of(core: _spinney.Model, known: Any) -> Classes | None:
    """The classes as their library has them; from a file, numbers where all are written as such."""
    if core.task == "regress":
        return None
    if core.task == "detect":
        # As scikit-learn has it: 1 is normal, -1 an alarm.
        return np.array([1, -1])
    names = core.outputs
    if known is not None and len(known) == len(names):
        return np.asarray(known)
    for convert in (int, float):
        try:
            values = np.array([convert(name) for name in names])
        except ValueError:
            continue
        # What is written otherwise, such as "01", is text.
        if [str(it) for it in values.tolist()] == names:
            return values
    if set(names) == {"False", "True"}:
        return np.array([name == "True" for name in names])
    return np.array(names)
