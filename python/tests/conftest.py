"""Data sets that scikit-learn ships, split once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits
from sklearn.model_selection import train_test_split

REPOSITORY = Path(__file__).resolve().parents[2]


class Split:
    """Training and test rows."""

    def __init__(self, X, y):
        parts = train_test_split(X, y, test_size=0.3, random_state=0)
        self.X, self.X_test, self.y, self.y_test = parts


@pytest.fixture(scope="session")
def digits() -> Split:
    return Split(*load_digits(return_X_y=True))


@pytest.fixture(scope="session")
def diabetes() -> Split:
    return Split(*load_diabetes(return_X_y=True, scaled=False))


@pytest.fixture(scope="session")
def forest(digits):
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(n_estimators=10, max_depth=8, random_state=0).fit(
        digits.X, digits.y
    )


@pytest.fixture(scope="session")
def quant(forest, digits):
    import spinney_ml as sp

    return sp.load(forest).quantize(digits.X, sensors="u8")


@pytest.fixture(scope="session")
def gaps(digits) -> Split:
    """Digits with readings that are missing."""
    X = np.concatenate([digits.X, digits.X_test]).copy()
    X[np.random.default_rng(0).random(X.shape) < 0.05] = np.nan
    return Split(X, np.concatenate([digits.y, digits.y_test]))
