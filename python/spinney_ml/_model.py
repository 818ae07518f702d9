"""Float and quantized models."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _spinney
from ._card import card
from ._measure import Measured, measure
from ._rows import Readings, readings
from .errors import QuantizationError

Array = npt.NDArray[Any]
Sensor = str | tuple[float, float] | Mapping[str, Any]


@dataclass(frozen=True)
class Certificate:
    """What is proven about agreement of float and fixed point.

    Attributes
    ----------
    splits : {"every-input", "every-row", "listed"} or None
        ``"every-input"``: no value that a sensor can deliver is sent another way at any split.
        ``"every-row"``: none of the rows is. ``"listed"``: ``flips`` has the rows. ``None`` for naive
        Bayes, which has no splits.
    votes : {"every-input", "every-row", "listed"}
        The same for sums of votes or scores.
    n_rows : int
        Rows that were looked at.
    flips : tuple of dict
        Splits that some reading passes differently, each with that interval and its rows.
    rows_at_risk : tuple of int
        Rows whose decision lies within the proven error bound.
    remedies : tuple of dict
        What would remove the flips, per feature.
    """

    splits: str | None
    votes: str
    n_rows: int
    flips: tuple[dict[str, Any], ...] = ()
    rows_at_risk: tuple[int, ...] = ()
    remedies: tuple[dict[str, Any], ...] = field(default=(), repr=False)

    @property
    def listed_rows(self) -> tuple[int, ...]:
        """Rows on which float and fixed point may differ; on all others they agree, as proven."""
        parting = {row for flip in self.flips for row in flip["rows"]}
        return tuple(sorted(parting.union(self.rows_at_risk)))

    def __str__(self) -> str:
        splits = "" if self.splits is None else f"splits {self.splits}, "
        listed = len(self.listed_rows)
        return f"{splits}votes {self.votes}; {listed} of {self.n_rows} rows are listed"


@dataclass(frozen=True)
class Form:
    """A form of the tables, with its exact bytes. Code comes on top; a build tells how much.

    Attributes
    ----------
    encoding : {"table", "packed"}
        As ``save`` takes it.
    form : str
        The width of a split in words.
    table_bytes : int
        Splits and leaves.
    coding_bytes : int
        What makes codes of readings.
    votes : str or None
        The precision of votes.
    """

    encoding: str
    form: str
    table_bytes: int
    coding_bytes: int
    votes: str | None

    @property
    def total_bytes(self) -> int:
        """Bytes of all tables."""
        return self.table_bytes + self.coding_bytes


class Explanation:
    """One row through float and fixed point: readings, codes, paths and scores.

    ``str`` gives it in lines of text, ``data`` as the JSON of ``spinney explain --json``.
    """

    def __init__(self, text: str, data: dict[str, Any]) -> None:
        self._text = text
        self.data = data

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"<Explanation: float {self.data['float']}, Q15 {self.data['q15']}>"


class _Predicts:
    """What float and quantized models have in common."""

    _core: _spinney.Model | _spinney.Quantized
    _float: _spinney.Model
    _by_codes: bool | None
    classes_: Array | None

    @property
    def kind(self) -> str:
        """The kind of model, such as ``"random-forest"``."""
        return self._float.kind

    @property
    def task(self) -> str:
        """``"classify"``, ``"regress"`` or ``"detect"``."""
        return self._float.task

    @property
    def feature_names(self) -> list[str]:
        """Names of the features, in the order of a row."""
        return self._float.feature_names

    @property
    def n_features_in_(self) -> int:
        """Number of features of a row."""
        return len(self._float.feature_names)

    @property
    def n_trees(self) -> int:
        """Number of trees; 0 of naive Bayes."""
        return self._float.n_trees

    @property
    def n_splits(self) -> int:
        """Number of splits over all trees."""
        return self._float.n_splits

    def predict(self, X: Any) -> Array:
        """Predict the class of each row, or its value where the model is a regressor.

        Parameters
        ----------
        X : array-like or frame of shape (n_rows, n_features)
            Readings. Float32 and float64 arrays that are C-contiguous are not copied; columns of a
            pandas or polars frame are found by their names, if the model was fitted on names. Words
            are the model's categories of the same text, and nulls are NaN.

        Returns
        -------
        ndarray of shape (n_rows,)
            Classes in the type of ``classes_``; of a detector 1, or -1 for an alarm; values of a
            regressor, of shape (n_rows, n_targets) where there are several targets.
        """
        if self.classes_ is None:
            return self.predict_value(X)
        rows = self._readings(X)
        return self.classes_[self._core.classes(rows)]

    def predict_value(self, X: Any) -> Array:
        """Predict the value of each row, of a regressor.

        Parameters
        ----------
        X : array-like or frame of shape (n_rows, n_features)
            As for ``predict``.

        Returns
        -------
        ndarray of shape (n_rows,) or (n_rows, n_targets)
            In the unit of the target.
        """
        if self.classes_ is not None:
            raise ValueError(f"found a {self.kind} that gives classes; predict(X) has them")
        values = self._core.values(self._readings(X))
        return values[:, 0] if values.shape[1] == 1 else values

    def score(self, X: Any, y: Any) -> float:
        """Accuracy of a classifier or detector, R² of a regressor.

        Parameters
        ----------
        X : array-like or frame of shape (n_rows, n_features)
            Readings.
        y : array-like of shape (n_rows,)
            What the rows are known to be.

        Returns
        -------
        float
            As scikit-learn's ``score``.
        """
        known = np.asarray(y)
        found = self.predict(X)
        if known.shape != found.shape:
            raise ValueError(f"y: found the shape {known.shape}, expected {found.shape}")
        if not len(known):
            raise ValueError("X: found no rows, expected at least one")
        if self.classes_ is not None:
            return float(np.mean(found == known))
        spread = np.sum((known - known.mean(axis=0)) ** 2, axis=0)
        errors = np.sum((known - found) ** 2, axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            r2 = np.where(spread > 0, 1 - errors / spread, np.where(errors > 0, 0.0, 1.0))
        return float(np.mean(r2))

    def _readings(self, X: Any) -> Readings:
        return readings(X, self._float, self._by_codes)

    def __sklearn_is_fitted__(self) -> bool:
        return True


class Model(_Predicts):
    """A float model, the reference that fixed point is compared with. ``load`` makes it.

    Attributes
    ----------
    classes_ : ndarray or None
        The classes, in the order of ``predict_proba``; ``None`` of a regressor.
    """

    def __init__(
        self, core: _spinney.Model, classes: Array | None, by_codes: bool | None = None
    ) -> None:
        self._core = core
        self._float = core
        # Kept beside the model, which does not say it once it is Spinney's own.
        self._by_codes = core.has_places_alone if by_codes is None else by_codes
        self.classes_ = classes

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Class probabilities, as the model's library gives them.

        Parameters
        ----------
        X : array-like or frame of shape (n_rows, n_features)
            As for ``predict``.

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
            In the order of ``classes_``.
        """
        if self.classes_ is None:
            raise ValueError(f"found a {self.kind} that gives values; predict(X) has them")
        return self._float.probabilities(self._readings(X))

    def describe(self) -> dict[str, Any]:
        """What the model holds: its origin, features, thresholds, trees and leaves.

        Returns
        -------
        dict
            As ``spinney inspect --json`` prints it; ``print(model)`` shows it as text.
        """
        described: dict[str, Any] = json.loads(self._float.json())
        return described

    def quantize(
        self,
        X: Any = None,
        *,
        sensors: Mapping[str, Sensor] | str | None = None,
        leaves: str = "soft",
        votes: str = "q15",
        coding: str = "auto",
        codes: str = "auto",
        outputs: Sequence[str] = ("class",),
        chip: str | None = None,
    ) -> QuantModel:
        """Bring the model to fixed point, and prove where that may differ from float.

        Parameters
        ----------
        X : array-like or frame of shape (n_rows, n_features), optional
            Training rows. Sensors and ranges are told from them, and codings are chosen so that none
            of them is decided differently.
        sensors : dict or str, optional
            What sensors deliver, by a feature's name or a pattern with ``*``: a type (``"u8"``,
            ``"i8"``, ``"u16"``, ``"i16"``, ``"i32"``, ``"f32"``), a range ``(low, high)``, or a dict
            with ``type``, ``range`` and ``coding``. One type alone is that of all features.
        leaves : {"soft", "hard"}
            Whether leaves vote with their proportions, as in scikit-learn, or for one class.
        votes : {"q15", "8-bit", "32-bit", "auto"}
            The precision of soft votes, and of the values of boosting, regression and detection, which
            alone take 32 bits.
        coding : {"auto", "identity", "affine", "rank"}
            How readings become codes, where ``sensors`` does not say.
        codes : {"auto", "8-bit", "16-bit"}
            The width of codes.
        outputs : sequence of {"class", "scores", "probabilities"}
            What the device delivers.
        chip : str, optional
            Its name, for ``size`` and ``save``; ``spinney chips search`` lists them.

        Returns
        -------
        QuantModel
            With the certificate on ``X``.

        Raises
        ------
        QuantizationError
            What fixed point does not hold, or an argument that is none, with what was expected.

        Examples
        --------
        >>> import spinney_ml as sp
        >>> from sklearn.datasets import load_digits
        >>> from sklearn.ensemble import RandomForestClassifier
        >>> X, y = load_digits(return_X_y=True)
        >>> forest = RandomForestClassifier(n_estimators=5, max_depth=5, random_state=0).fit(X, y)
        >>> q = sp.load(forest).quantize(X, sensors="u8")
        >>> q.certificate.splits
        'every-input'
        """
        known = {"class", "scores", "probabilities"}
        for output in outputs:
            if output not in known:
                raise QuantizationError("outputs", repr(output), f"some of {sorted(known)}")
        about_chip = None if chip is None else json.loads(_spinney.chip(chip))
        rows = None if X is None else self._readings(X)
        core = _spinney.Quantized.make(
            self._float,
            rows,
            _declared(sensors),
            leaves=leaves,
            votes=votes,
            coding=coding,
            codes=codes,
            outputs=list(outputs),
        )
        made = QuantModel(core, self.classes_, about_chip, by_codes=self._by_codes)
        if rows is not None:
            made._certificate = made.certify(rows)
        return made

    def save(self, path: str | Path) -> None:
        """Write the model as Spinney's own JSON, which ``load`` and ``pipeline.toml`` read.

        Parameters
        ----------
        path : path
            The file, which is replaced.
        """
        _replace(Path(path), self._float.to_json().encode())

    def __str__(self) -> str:
        return self._float.text()

    def __repr__(self) -> str:
        return f"<spinney_ml.Model: {self.kind}, {self.n_features_in_} features, {self.n_trees} trees>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Model, (self._float, self.classes_, self._by_codes)


class QuantModel(_Predicts):
    """A model in fixed point, which predicts bit for bit what the device does.

    ``Model.quantize`` makes it. It does not change; pickle, joblib and copy keep it by its bytes.

    Attributes
    ----------
    classes_ : ndarray or None
        The classes, in the order of ``predict_proba``; ``None`` of a regressor.
    """

    _core: _spinney.Quantized

    def __init__(
        self,
        core: _spinney.Quantized,
        classes: Array | None,
        chip: dict[str, Any] | None = None,
        certificate: Certificate | None = None,
        by_codes: bool | None = None,
    ) -> None:
        self._core = core
        self._float = core.model()
        self._by_codes = by_codes
        self.classes_ = classes
        self._chip = chip
        self._certificate = certificate

    @property
    def model(self) -> Model:
        """The float model that it was made of."""
        return Model(self._float, self.classes_, self._by_codes)

    @property
    def certificate(self) -> Certificate:
        """What is proven, on the rows that ``quantize`` got; ``certify`` takes others."""
        if self._certificate is None:
            raise QuantizationError(
                "certificate", "a model quantized without rows", "quantize(X), or certify(X)"
            )
        return self._certificate

    def certify(self, X: Any) -> Certificate:
        """Prove on which rows float and fixed point agree.

        Parameters
        ----------
        X : array-like or frame of shape (n_rows, n_features)
            Rows, such as those of a test set.

        Returns
        -------
        Certificate
            Row numbers in it count from 0 in ``X``.
        """
        rows = self._readings(X)
        found = json.loads(self._core.certificate(rows))
        return Certificate(
            splits=found["splits"],
            votes=found["votes"],
            n_rows=len(rows),
            flips=tuple(found["flips"]),
            rows_at_risk=tuple(found["rows_at_risk"]),
            remedies=tuple(found["remedies"]),
        )

    def explain(self, row: Any) -> Explanation:
        """Show one row in float and in fixed point, and where they part.

        Parameters
        ----------
        row : array-like of shape (n_features,) or (1, n_features)
            Readings.

        Returns
        -------
        Explanation
            ``print`` it.
        """
        if isinstance(row, Mapping):
            row = np.array([row[name] for name in self.feature_names], dtype=object)
        array = row if hasattr(row, "columns") else np.asarray(row)
        rows = self._readings(array.reshape(1, -1) if array.ndim == 1 else array)
        if len(rows) != 1:
            raise ValueError(f"found {len(rows)} rows, expected one")
        return Explanation(self._core.explain_text(rows), json.loads(self._core.explain_json(rows)))

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Class probabilities as the device computes them, in steps of 1/32,768.

        Parameters
        ----------
        X : array-like or frame of shape (n_rows, n_features)
            As for ``predict``.

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
            In the order of ``classes_``.
        """
        if self.classes_ is None:
            raise ValueError(f"found a {self.kind} that gives values; predict(X) has them")
        return self._core.probabilities(self._readings(X)) / 32768.0

    def scores(self, X: Any) -> npt.NDArray[np.int64]:
        """The integers that the device adds up: votes, sums of leaves, or scores of naive Bayes.

        Parameters
        ----------
        X : array-like or frame of shape (n_rows, n_features)
            As for ``predict``.

        Returns
        -------
        ndarray of shape (n_rows, n_outputs)
            One per class, or per target.
        """
        return self._core.scores(self._readings(X))

    def size(self, chip: str | None = None) -> list[Form]:
        """Exact bytes of the tables by form, without a compiler.

        Parameters
        ----------
        chip : str, optional
            Another chip than ``quantize`` got.

        Returns
        -------
        list of Form
            Code comes on top, as does ``encoding="branches"``, which is code alone: a build tells.
        """
        forms = json.loads(self._core.forms(self._on(chip)))
        return [Form(**form) for form in forms]

    def measure(
        self, X: Any, *, chip: str | None = None, encoding: str = "auto"
    ) -> Measured:
        """Build the firmware, run these rows through it in the emulator, and say what it takes.

        That is what ``spinney pipeline run`` does; it needs a Rust toolchain and QEMU, which
        ``spinney setup`` installs, and takes seconds, the first time for a core a minute or two.

        Parameters
        ----------
        X : array-like or frame of shape (n_rows, n_features)
            Rows, such as those of a test set.
        chip : str, optional
            Another chip than ``quantize`` got.
        encoding : {"auto", "table", "packed", "branches"}
            How trees are written; "auto" builds them all, and takes the smallest.

        Returns
        -------
        Measured
            Bytes of flash, RAM and stack, and instructions per prediction.

        Raises
        ------
        MeasurementError
            What the machine lacks.
        """
        on = self._on(chip)
        if on is None:
            raise QuantizationError("chip", "none", 'one, such as chip="STM32F030F4"')
        rows = self._readings(X)
        classes = None
        if self._core.model().task == "classify":
            names = self._float.outputs
            classes = [names[index] for index in self._core.classes(rows)]
        return measure(self, rows, classes, on, encoding)

    def save(
        self,
        path: str | Path,
        *,
        name: str | None = None,
        encoding: str = "table",
        chip: str | None = None,
    ) -> Path:
        """Write the model as one C99 header, which needs nothing but a compiler, or keep it.

        Parameters
        ----------
        path : path
            A header, which ends in ``.h``; or a file that ends in ``.json``, which holds what
            ``to_bytes`` gives: ``path`` in the ``[model]`` of a pipeline.toml takes it as it was
            quantized. A file that Spinney did not write is not replaced.
        name : str, optional
            In front of every function; the file's own name if not given.
        encoding : {"table", "branches"}
            Tables, or generated ``if`` and ``else``.
        chip : str, optional
            Another chip than ``quantize`` got.

        Returns
        -------
        pathlib.Path
            The file.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> import spinney_ml as sp
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.naive_bayes import GaussianNB
        >>> X, y = load_iris(return_X_y=True)
        >>> q = sp.load(GaussianNB().fit(X, y)).quantize(X)
        >>> header = q.save(pathlib.Path(tempfile.mkdtemp()) / "iris.h")
        >>> "iris_predict" in header.read_text()
        True
        """
        path = Path(path)
        if path.suffix not in (".h", ".json"):
            expected = "the name of a header, which ends in .h, or of a file that ends in .json"
            raise QuantizationError("path", f'"{path}"', expected)
        mark = "Generated by Spinney" if path.suffix == ".h" else '"spinney-conversion"'
        if path.exists() and mark not in _head(path):
            raise QuantizationError(
                "path", f'"{path}", which Spinney did not write', "a place that is free"
            )
        if path.suffix == ".json":
            _replace(path, self.to_bytes())
            return path
        _, text, _ = self._core.header(name or path.stem, encoding, self._on(chip))
        _replace(path, text.encode())
        return path

    def save_crate(
        self,
        folder: str | Path,
        *,
        name: str | None = None,
        encoding: str = "table",
        chip: str | None = None,
    ) -> Path:
        """Write the model as a self-contained Rust crate: no std, no allocation, no panics.

        Parameters
        ----------
        folder : path
            Where; made if it is not there. A folder with anything that Spinney did not write is left
            alone.
        name : str, optional
            The package is called ``<name>-model``; the folder's own name if not given.
        encoding : {"table", "packed", "branches"}
            How trees are written.
        chip : str, optional
            Another chip than ``quantize`` got.

        Returns
        -------
        pathlib.Path
            The folder.
        """
        folder = Path(folder)
        manifest = folder / "Cargo.toml"
        is_ours = manifest.is_file() and "Generated by Spinney" in _head(manifest)
        if folder.exists() and not is_ours and (folder.is_file() or any(folder.iterdir())):
            raise QuantizationError(
                "folder", f'"{folder}", which Spinney did not write', "an empty folder, or none"
            )
        files = self._core.crate_files(name or folder.name, encoding, self._on(chip))
        for inside, text in files.items():
            file = folder / inside
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
        return folder

    def to_bytes(self) -> bytes:
        """All that makes the model, for ``from_bytes``: the float model and what was decided.

        Returns
        -------
        bytes
            The same for the same model, whoever quantized it where.
        """
        return self._core.to_bytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> QuantModel:
        """The model of the bytes that ``to_bytes`` gave.

        Parameters
        ----------
        data : bytes
            Checked as any model file is.

        Returns
        -------
        QuantModel
            Without the certificate, which ``certify`` makes anew.
        """
        from ._load import classes_of

        core = _spinney.Quantized.from_bytes(data)
        return cls(core, classes_of(core.model(), None))

    @property
    def facts(self) -> dict[str, Any]:
        """How readings reach the device, how they are coded, and how wide its sums are."""
        facts: dict[str, Any] = json.loads(self._core.facts())
        return facts

    def _on(self, chip: str | None) -> str | None:
        return chip if chip is not None or self._chip is None else str(self._chip["name"])

    def __repr__(self) -> str:
        proven = "" if self._certificate is None else f"; {self._certificate}"
        return f"<spinney_ml.QuantModel: {self.kind}, {self.n_splits} splits{proven}>"

    def _repr_html_(self) -> str:
        return card(self, self._certificate, self._chip)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, QuantModel):
            return NotImplemented
        return self is other or self.to_bytes() == other.to_bytes()

    def __hash__(self) -> int:
        return hash(self.to_bytes())

    def __copy__(self) -> QuantModel:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> QuantModel:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        made = (self.to_bytes(), self.classes_, self._chip, self._certificate, self._by_codes)
        return _restored, made


@lru_cache(maxsize=4)
def _core_of(data: bytes) -> _spinney.Quantized:
    """What the workers of a cluster unpickle again with each task; none of it ever changes."""
    return _spinney.Quantized.from_bytes(data)


def _restored(data: bytes, *more: Any) -> QuantModel:
    return QuantModel(_core_of(data), *more)


def _declared(
    sensors: Mapping[str, Sensor] | str | None,
) -> list[tuple[str, str | None, tuple[float, float] | None, str | None]]:
    """What is declared of features, as the Rust side takes it."""
    if sensors is None:
        return []
    if isinstance(sensors, str):
        return [("*", sensors, None, None)]
    declared = []
    for pattern, sensor in sensors.items():
        known: Mapping[str, Any]
        if isinstance(sensor, str):
            known = {"type": sensor}
        elif isinstance(sensor, Mapping):
            known = sensor
        else:
            known = {"range": sensor}
        odd = set(known) - {"type", "range", "coding"}
        span = known.get("range")
        try:
            ends = None if span is None else (float(span[0]), float(span[1]))
            is_whole = not odd and (span is None or len(span) == 2)
        except (TypeError, ValueError, IndexError, KeyError):
            ends, is_whole = None, False
        if not is_whole:
            raise QuantizationError(
                f"sensors[{pattern!r}]",
                repr(sensor),
                'a type such as "u8", a range (low, high), or a dict of type, range and coding',
            )
        declared.append((pattern, known.get("type"), ends, known.get("coding")))
    return declared


def _replace(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; a link stays one, and a file keeps its permissions."""
    place = path.resolve()
    draft = place.with_name(f".spinney-{uuid.uuid4().hex}")
    try:
        draft.write_bytes(data)
        if place.exists():
            shutil.copymode(place, draft)
        os.replace(draft, place)
    finally:
        draft.unlink(missing_ok=True)


def _head(path: Path) -> str:
    """The first bytes of a file, where Spinney's mark is."""
    with path.open("rb") as file:
        return file.read(400).decode("utf-8", errors="replace")
