"""Estimators for scikit-learn: Spinney's own trainers, and any model as its device predicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import BaseDecisionTree
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from . import _spinney
from ._load import load
from ._model import Model, QuantModel, Sensor
from .errors import QuantizationError

Array = npt.NDArray[Any]

# scikit-learn fits them to missing readings, and their sides are not read.
_BAGGED = (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)


def train(kind: str, X: Any, y: Any, **params: Any) -> SpinneyForestClassifier | SpinneyGaussianNB:
    """Fit one of Spinney's own classifiers.

    Parameters
    ----------
    kind : {"decision-tree", "random-forest", "extra-trees", "gaussian-nb"}
        Which.
    X : array-like or frame of shape (n_rows, n_features)
        Readings.
    y : array-like of shape (n_rows,)
        Classes.
    **params
        As of `SpinneyForestClassifier`, or of `SpinneyGaussianNB`.

    Returns
    -------
    SpinneyForestClassifier or SpinneyGaussianNB
        Fitted; its ``model_`` is what ``load`` gives.

    Examples
    --------
    >>> import spinney_ml as sp
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> forest = sp.train("random-forest", X, y, n_trees=20, max_depth=4, random_state=0)
    >>> bool(forest.score(X, y) > 0.95)
    True
    """
    if kind == "gaussian-nb":
        return SpinneyGaussianNB(**params).fit(X, y)
    return SpinneyForestClassifier(kind, **params).fit(X, y)


class _SpinneyClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """What Spinney's classifiers have in common: a float model that predicts."""

    model_: Model
    classes_: Array

    def _rows_and_classes(self, X: Any, y: Any) -> tuple[Array, Array, list[str], list[str] | None]:
        X, y = validate_data(self, X, y, dtype=np.float64, order="C")
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("y: found one class, expected at least two to tell apart")
        classes = [str(name) for name in self.classes_.tolist()]
        if len({name.strip() for name in classes} - {""}) < len(classes):
            classes = [str(index) for index in range(len(classes))]
        names = getattr(self, "feature_names_in_", None)
        labels = np.ascontiguousarray(labels.reshape(-1), dtype=np.int64)
        return X, labels, classes, None if names is None else [str(name) for name in names]

    def _keep(self, core: _spinney.Model) -> None:
        self.model_ = Model(core, self.classes_)

    def predict(self, X: Any) -> Array:
        """Predict the class of each row.

        Parameters
        ----------
        X : array-like or frame of shape (n_rows, n_features)
            Readings.

        Returns
        -------
        ndarray of shape (n_rows,)
            Classes.
        """
        check_is_fitted(self)
        return self.model_.predict(self._readings(X))

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Class probabilities.

        Parameters
        ----------
        X : array-like or frame of shape (n_rows, n_features)
            Readings.

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
            In the order of ``classes_``.
        """
        check_is_fitted(self)
        return self.model_.predict_proba(self._readings(X))

    def _readings(self, X: Any) -> Any:
        return validate_data(self, X, reset=False, dtype=[np.float64, np.float32], order="C")


class SpinneyForestClassifier(_SpinneyClassifier):
    """A decision tree, random forest or extra-trees ensemble by Spinney's own trainer.

    The same rows and seed give the same bytes on every machine, with any number of threads.

    Parameters
    ----------
    kind : {"random-forest", "extra-trees", "decision-tree"}
        Which.
    n_trees : int
        Number of trees; of a decision tree there is one.
    max_depth : int, optional
        Most splits from root to leaf.
    min_samples_split, min_samples_leaf : int
        Fewest rows that a split may divide, and a leaf may hold.
    max_leaf_nodes : int, optional
        Most leaves of a tree.
    max_features : {"sqrt", "log2"}, int, float or None, optional
        How many features a split chooses from: a count, a share, or all (``None``). ``"auto"`` is all
        of a decision tree, and the root of their number for forests.
    criterion : {"gini", "entropy", "log_loss"}
        What a split is chosen by.
    bootstrap : bool, optional
        Whether each tree sees rows drawn with replacement; of random forests alone if not given.
    max_samples : float, optional
        The share of rows that is drawn.
    class_weight : "balanced" or dict, optional
        Weights of classes.
    min_impurity_decrease, ccp_alpha : float
        Least gain of a split, and the price of a leaf in pruning.
    random_state : int, RandomState or None
        The seed.

    Attributes
    ----------
    model_ : Model
        The float model, to be quantized.
    classes_ : ndarray
        The classes.
    """

    def __init__(
        self,
        kind: str = "random-forest",
        *,
        n_trees: int = 100,
        max_depth: int | None = None,
        min_samples_split: int = 2,
        min_samples_leaf: int = 1,
        max_leaf_nodes: int | None = None,
        max_features: str | int | float | None = "auto",
        criterion: str = "gini",
        bootstrap: bool | None = None,
        max_samples: float | None = None,
        class_weight: str | Mapping[Any, float] | None = None,
        min_impurity_decrease: float = 0.0,
        ccp_alpha: float = 0.0,
        random_state: Any = None,
    ) -> None:
        self.kind = kind
        self.n_trees = n_trees
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.max_leaf_nodes = max_leaf_nodes
        self.max_features = max_features
        self.criterion = criterion
        self.bootstrap = bootstrap
        self.max_samples = max_samples
        self.class_weight = class_weight
        self.min_impurity_decrease = min_impurity_decrease
        self.ccp_alpha = ccp_alpha
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> SpinneyForestClassifier:
        """Fit to labelled rows.

        Parameters
        ----------
        X : array-like or frame of shape (n_rows, n_features)
            Readings.
        y : array-like of shape (n_rows,)
            Classes.

        Returns
        -------
        SpinneyForestClassifier
            Itself.
        """
        rows, labels, classes, names = self._rows_and_classes(X, y)
        for name, least in [
            ("n_trees", 1),
            ("min_samples_split", 2),
            ("min_samples_leaf", 1),
            ("max_depth", 1),
            ("max_leaf_nodes", 2),
        ]:
            _at_least(name, getattr(self, name), least, name.startswith("max"))
        balanced, weights = self._weights()
        core = _spinney.train_forest(
            rows,
            labels,
            classes,
            names,
            kind=self.kind,
            n_trees=1 if self.kind == "decision-tree" else int(self.n_trees),
            max_depth=self.max_depth,
            min_samples_split=self.min_samples_split,
            min_samples_leaf=self.min_samples_leaf,
            max_leaf_nodes=self.max_leaf_nodes,
            max_features=self._features(),
            criterion=self.criterion,
            bootstrap=self.kind == "random-forest" if self.bootstrap is None else self.bootstrap,
            max_samples=self.max_samples,
            balanced=balanced,
            class_weights=weights,
            min_impurity_decrease=self.min_impurity_decrease,
            ccp_alpha=self.ccp_alpha,
            seed=_seed(self.random_state),
        )
        self._keep(core)
        return self

    def _features(self) -> tuple[str, float]:
        asked = self.max_features
        if asked == "auto":
            asked = None if self.kind == "decision-tree" else "sqrt"
        if asked is None:
            return "all", 0.0
        if isinstance(asked, str):
            return asked, 0.0
        if isinstance(asked, Integral):
            return "count", float(asked)
        return "fraction", float(asked)

    def _weights(self) -> tuple[bool, list[float] | None]:
        asked = self.class_weight
        if asked is None or asked == "balanced":
            return asked is not None, None
        if not isinstance(asked, Mapping):
            raise ValueError(f'class_weight: found {asked!r}, expected "balanced" or a dict')
        classes = self.classes_.tolist()
        if unknown := [name for name in asked if name not in classes]:
            raise ValueError(f"class_weight: found {unknown}, expected classes of y: {classes}")
        return False, [float(asked.get(name, 1.0)) for name in classes]


class SpinneyGaussianNB(_SpinneyClassifier):
    """Gaussian naive Bayes, as scikit-learn fits it.

    Parameters
    ----------
    var_smoothing : float
        The share of the largest variance of any feature that is added to each.

    Attributes
    ----------
    model_ : Model
        The float model, to be quantized.
    classes_ : ndarray
        The classes.
    """

    def __init__(self, *, var_smoothing: float = 1e-9) -> None:
        self.var_smoothing = var_smoothing

    def fit(self, X: Any, y: Any) -> SpinneyGaussianNB:
        """Fit to labelled rows.

        Parameters
        ----------
        X : array-like or frame of shape (n_rows, n_features)
            Readings.
        y : array-like of shape (n_rows,)
            Classes.

        Returns
        -------
        SpinneyGaussianNB
            Itself.
        """
        rows, labels, classes, names = self._rows_and_classes(X, y)
        self._keep(_spinney.train_bayes(rows, labels, classes, names, self.var_smoothing))
        return self


class _Quantized(MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    """Fits an estimator, quantizes it on the same rows, and predicts as the device does."""

    quant_: QuantModel
    estimator_: Any

    def __init__(
        self,
        estimator: Any,
        *,
        sensors: Mapping[str, Sensor] | str | None = None,
        leaves: str = "soft",
        votes: str = "q15",
        coding: str = "auto",
        codes: str = "auto",
        chip: str | None = None,
    ) -> None:
        self.estimator = estimator
        self.sensors = sensors
        self.leaves = leaves
        self.votes = votes
        self.coding = coding
        self.codes = codes
        self.chip = chip

    def _fit(self, X: Any, y: Any) -> None:
        X, y = validate_data(
            self, X, y, dtype=[np.float64, np.float32], order="C", ensure_all_finite=self._finite()
        )
        self.estimator_ = clone(self.estimator).fit(X, y)
        self.quant_ = load(self.estimator_).quantize(
            X,
            sensors=self.sensors,
            leaves=self.leaves,
            votes=self.votes,
            coding=self.coding,
            codes=self.codes,
            chip=self.chip,
        )

    def predict(self, X: Any) -> Array:
        """Predict as the device does.

        Parameters
        ----------
        X : array-like or frame of shape (n_rows, n_features)
            Readings.

        Returns
        -------
        ndarray of shape (n_rows,)
            Classes, or values.
        """
        check_is_fitted(self)
        return self.quant_.predict(self._readings(X))

    def _readings(self, X: Any) -> Any:
        return validate_data(
            self,
            X,
            reset=False,
            dtype=[np.float64, np.float32],
            order="C",
            ensure_all_finite=self._finite(),
        )

    def _finite(self) -> bool | str:
        return "allow-nan" if _knows_gaps(self.estimator) else True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = _knows_gaps(self.estimator)
        return tags


class QuantizedClassifier(ClassifierMixin, _Quantized):  # type: ignore[misc]
    """A classifier as its device predicts: fit, quantized on the same rows, and in fixed point.

    It stands in pipelines and searches, so that what is scored is what ships.

    Parameters
    ----------
    estimator : classifier
        Any that ``load`` reads.
    sensors, leaves, votes, coding, codes, chip
        As of ``Model.quantize``.

    Attributes
    ----------
    quant_ : QuantModel
        In fixed point, with its certificate on the training rows.
    estimator_ : classifier
        The fitted estimator.
    classes_ : ndarray
        The classes.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> import spinney_ml as sp
    >>> X, y = load_iris(return_X_y=True)
    >>> tree = DecisionTreeClassifier(max_depth=3, random_state=0)
    >>> bool(cross_val_score(sp.QuantizedClassifier(tree), X, y).mean() > 0.9)
    True
    """

    classes_: Array

    def fit(self, X: Any, y: Any) -> QuantizedClassifier:
        """Fit the estimator, and quantize it.

        Parameters
        ----------
        X : array-like or frame of shape (n_rows, n_features)
            Readings.
        y : array-like of shape (n_rows,)
            Classes.

        Returns
        -------
        QuantizedClassifier
            Itself.
        """
        self._fit(X, y)
        self.classes_ = np.asarray(self.quant_.classes_)
        return self

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Class probabilities as the device computes them, scaled to add up to one.

        Parameters
        ----------
        X : array-like or frame of shape (n_rows, n_features)
            Readings.

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
            In the order of ``classes_``. The device's own, of ``quant_``, are whole units of 1/32,768,
            whose sum may be off by a few of them.
        """
        check_is_fitted(self)
        found = self.quant_.predict_proba(self._readings(X))
        scaled: npt.NDArray[np.float64] = found / found.sum(axis=1, keepdims=True)
        return scaled


class QuantizedRegressor(RegressorMixin, _Quantized):  # type: ignore[misc]
    """A regressor as its device predicts: fit, quantized on the same rows, and in fixed point.

    Parameters
    ----------
    estimator : regressor
        Any that ``load`` reads.
    sensors, leaves, votes, coding, codes, chip
        As of ``Model.quantize``.

    Attributes
    ----------
    quant_ : QuantModel
        In fixed point, with its certificate on the training rows.
    estimator_ : regressor
        The fitted estimator.
    """

    def fit(self, X: Any, y: Any) -> QuantizedRegressor:
        """Fit the estimator, and quantize it.

        Parameters
        ----------
        X : array-like or frame of shape (n_rows, n_features)
            Readings.
        y : array-like of shape (n_rows,)
            Values.

        Returns
        -------
        QuantizedRegressor
            Itself.
        """
        self._fit(X, y)
        return self


def scorers(*names: str, chip: str | None = None) -> dict[str, Callable[..., float]]:
    """Scorers of what ships, for ``cross_validate`` and searches over any classifier or regressor.

    Parameters
    ----------
    *names : {"q15_score", "q15_accuracy", "agreement", "flash_bytes"}
        ``"q15_accuracy"``: accuracy of the device; ``"q15_score"``: the same, and R² of a regressor.
        ``"agreement"``: the share of rows on which fixed point gives what float gives.
        ``"flash_bytes"``: bytes of the smallest form's tables, negative, since more is better.
    chip : str, optional
        Whose core the tables are for.

    Returns
    -------
    dict of str to callable
        Each takes a fitted estimator, rows and labels. A `QuantizedClassifier` or
        `QuantizedRegressor` is taken as it is; any other is loaded and quantized without rows, so that
        ranges are those of its thresholds.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import cross_validate
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> import spinney_ml as sp
    >>> X, y = load_iris(return_X_y=True)
    >>> tree = sp.QuantizedClassifier(DecisionTreeClassifier(max_depth=3, random_state=0))
    >>> found = cross_validate(tree, X, y, scoring=sp.scorers("q15_accuracy", "flash_bytes"))
    >>> bool(found["test_q15_accuracy"].mean() > 0.9), bool(found["test_flash_bytes"].max() < 0)
    (True, True)
    """

    def flash(estimator: Any, X: Any, y: Any = None) -> int:
        return -min(form.total_bytes for form in _quantized(estimator).size(chip))

    known: dict[str, Callable[..., float]] = {
        "q15_score": _score,
        "q15_accuracy": _score,
        "agreement": _agreement,
        "flash_bytes": flash,
    }
    for name in names:
        if name not in known:
            raise QuantizationError("scorers", repr(name), f"some of {sorted(known)}")
    return {name: known[name] for name in names}


def _quantized(estimator: Any) -> QuantModel:
    if isinstance(estimator, _Quantized):
        check_is_fitted(estimator)
        return estimator.quant_
    return load(estimator).quantize()


def _score(estimator: Any, X: Any, y: Any) -> float:
    return _quantized(estimator).score(X, y)


def _agreement(estimator: Any, X: Any, y: Any = None) -> float:
    quant = _quantized(estimator)
    return float(np.mean(quant.predict(X) == quant.model.predict(X)))


def _knows_gaps(estimator: Any) -> bool:
    """Whether readings may be missing: boosting learns a side for them that Spinney reads."""
    allows = bool(get_tags(estimator).input_tags.allow_nan)
    return allows and not isinstance(estimator, (*_BAGGED, BaseDecisionTree))


def _at_least(name: str, value: Any, least: int, may_be_none: bool) -> None:
    if value is None and may_be_none:
        return
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name}: found {value!r}, expected an integer of at least {least}")


def _seed(random_state: Any) -> int:
    if isinstance(random_state, Integral) and not isinstance(random_state, bool):
        if random_state < 0:
            raise ValueError(f"random_state: found {random_state}, expected at least 0")
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31))


__all__ = [
    "QuantizedClassifier",
    "QuantizedRegressor",
    "SpinneyForestClassifier",
    "SpinneyGaussianNB",
    "scorers",
    "train",
]
