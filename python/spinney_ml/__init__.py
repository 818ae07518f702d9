"""Models from scikit-learn, XGBoost and LightGBM to proven fixed point for microcontrollers.

>>> import spinney_ml as sp
>>> from sklearn.datasets import load_iris
>>> from sklearn.ensemble import RandomForestClassifier
>>> X, y = load_iris(return_X_y=True)
>>> clf = RandomForestClassifier(n_estimators=10, max_depth=4, random_state=0).fit(X, y)
>>> q = sp.load(clf).quantize(X)
>>> print(q.certificate)
splits every-row, votes every-row; 0 of 150 rows are listed
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._load import load
from ._measure import Measured
from ._model import Certificate, Explanation, Form, Model, QuantModel
from ._search import Candidate, Found, search
from ._spinney import __version__
from .errors import MeasurementError, QuantizationError, SpinneyError, UnsupportedModelError

if TYPE_CHECKING:
    from .estimators import (
        QuantizedClassifier,
        QuantizedRegressor,
        SpinneyForestClassifier,
        SpinneyGaussianNB,
        scorers,
        train,
    )

__all__ = [
    "Candidate",
    "Certificate",
    "Explanation",
    "Form",
    "Found",
    "Measured",
    "MeasurementError",
    "Model",
    "QuantModel",
    "QuantizationError",
    "QuantizedClassifier",
    "QuantizedRegressor",
    "SpinneyError",
    "SpinneyForestClassifier",
    "SpinneyGaussianNB",
    "UnsupportedModelError",
    "__version__",
    "load",
    "scorers",
    "search",
    "train",
]

_ESTIMATORS = {
    "QuantizedClassifier",
    "QuantizedRegressor",
    "SpinneyForestClassifier",
    "SpinneyGaussianNB",
    "scorers",
    "train",
}


def __getattr__(name: str) -> Any:
    # scikit-learn takes a second to import, which who only predicts need not wait for.
    if name in _ESTIMATORS:
        from . import estimators

        return getattr(estimators, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
