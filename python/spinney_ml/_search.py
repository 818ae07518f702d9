"""The best model that meets budgets, found by the pipeline's own search."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _project
from ._model import Sensor, _declared
from ._rows import names_of, readings
from .errors import QuantizationError

if TYPE_CHECKING:
    from .estimators import QuantizedClassifier


@dataclass(frozen=True)
class Candidate:
    """A model that was tried.

    Attributes
    ----------
    score, score_sd : float
        On rows that were held out, in fixed point: mean and standard deviation over the folds.
    flash_bytes : int
        Of the whole image.
    instructions : float
        Mean per prediction.
    is_measured : bool
        Whether it was built and run; else bytes and instructions are estimates.
    keys : dict
        The keys of a pipeline.toml that make it.
    """

    score: float
    score_sd: float
    flash_bytes: int
    instructions: float | None
    is_measured: bool
    keys: dict[str, Any]


@dataclass(frozen=True)
class Found:
    """What a search found.

    Attributes
    ----------
    best : Candidate or None
        The best that meets all budgets; ``None`` where nothing does.
    front : tuple of Candidate
        Models than which no other is better in score, flash and instructions at once.
    test : dict or None
        Rows, accuracy and failed gates on the test rows, which were looked at once, for the best alone.
    n_trials : int
        Models that were drawn.
    report : dict
        All of ``spinney search --json``.
    """

    best: Candidate | None
    front: tuple[Candidate, ...]
    test: dict[str, Any] | None
    n_trials: int
    report: dict[str, Any] = field(repr=False)
    _sensors: Mapping[str, Sensor] | str | None = field(default=None, repr=False)
    _chip: str | None = field(default=None, repr=False)
    _seed: int = field(default=42, repr=False)

    def estimator(self, candidate: Candidate | None = None) -> QuantizedClassifier:
        """An estimator of the best model, or of another of the front, not yet fitted.

        Parameters
        ----------
        candidate : Candidate, optional
            Another than the best.

        Returns
        -------
        QuantizedClassifier
            Fit it to all rows, and ``quant_`` is what ships.
        """
        from .estimators import QuantizedClassifier, SpinneyForestClassifier, SpinneyGaussianNB

        chosen = candidate or self.best
        if chosen is None:
            raise QuantizationError("best", "no model that meets the budgets", "a larger budget")
        model = {
            key.removeprefix("model."): value
            for key, value in chosen.keys.items()
            if key.startswith("model.")
        }
        kind = model.pop("kind")
        if model.get("max_features") == "all":
            model["max_features"] = None
        own = SpinneyGaussianNB() if kind == "gaussian-nb" else None
        return QuantizedClassifier(
            own or SpinneyForestClassifier(kind, random_state=self._seed, **model),
            sensors=self._sensors,
            leaves=chosen.keys.get("quantize.leaves", "soft"),
            coding=chosen.keys.get("quantize.coding", "auto"),
            chip=self._chip,
        )


def search(
    X: Any,
    y: Any,
    *,
    chip: str,
    flash: str | int | None = None,
    ram: str | int | None = None,
    instructions: int | None = None,
    sensors: Mapping[str, Sensor] | str | None = None,
    test_fraction: float = 0.25,
    objective: str = "accuracy",
    trials: int = 60,
    time: str | None = None,
    folds: int = 5,
    space: Mapping[str, Sequence[Any]] | None = None,
    random_state: int = 42,
) -> Found:
    """Find the classifier with the best score on held-out rows that meets every budget.

    That is what ``spinney search`` does: forests are grown once and cut to each number of trees, scored
    in fixed point, and the finalists are built and run in the emulator. It needs a Rust toolchain and
    QEMU, which ``spinney setup`` installs.

    Parameters
    ----------
    X : array-like or frame of shape (n_rows, n_features)
        Readings.
    y : array-like of shape (n_rows,)
        Classes.
    chip : str
        Its name; ``spinney chips search`` lists them.
    flash, ram : str or int, optional
        Budgets of the whole image, such as ``"16K"``; the chip's own if not given.
    instructions : int, optional
        Budget of a mean prediction.
    sensors : dict or str, optional
        As of ``Model.quantize``.
    test_fraction : float
        The share of rows that only the winner is judged by.
    objective : {"accuracy", "balanced-accuracy", "f1-macro"}
        What is to be high.
    trials : int
        Models that are drawn; each is cut to every number of trees.
    time : str, optional
        When the last trial may start, such as ``"10m"``.
    folds : int
        Of cross-validation.
    space : dict of str to sequence, optional
        What is tried, in place of the defaults: lists for ``kind``, ``n_trees``, ``max_leaf_nodes``,
        ``max_depth``, ``max_features``, ``leaves``, ``coding``, ``encoding``.
    random_state : int
        The seed; the same gives the same winner, unless ``time`` ends the search.

    Returns
    -------
    Found
        The best, the front behind it, and the score on rows that were kept apart.

    Raises
    ------
    QuantizationError
        Rows or arguments that are none.
    MeasurementError
        What the machine lacks.
    """
    rows = readings(X)
    classes = np.asarray(y)
    if classes.shape != (len(rows),):
        raise ValueError(f"y: found the shape {classes.shape}, expected ({len(rows)},)")
    names = names_of(X) or [f"x{at}" for at in range(rows.shape[1])]
    label = next(word for word in ("class", "label", "the label") if word not in names)
    sections: dict[str, Mapping[str, Any]] = {
        "pipeline": {"name": "search", "seed": random_state},
        "dataset": {"path": "rows.csv", "label": label, "test_fraction": test_fraction},
        "model": {"kind": "random-forest"},
        "target": {"chip": chip},
        "budget": {"flash": flash, "ram": ram, "instructions": instructions},
        "search": {
            "objective": objective,
            "trials": trials,
            "time": time,
            "folds": folds,
            **{key: list(values) for key, values in (space or {}).items()},
        },
    }
    for pattern, kind, span, coding in _declared(sensors):
        about = {"type": kind, "range": None if span is None else list(span), "coding": coding}
        sections[f"features.{_project.name(pattern)}"] = about
    with tempfile.TemporaryDirectory(prefix="spinney-") as place:
        folder = Path(place)
        with (folder / "rows.csv").open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow([*names, label])
            table.writerows([*row, word] for row, word in zip(rows.tolist(), classes.tolist()))
        _project.write_config(folder, sections)
        found = _project.run(folder, ["search"])
    best = found.get("best")
    return Found(
        best=None if best is None else Candidate(**best),
        front=tuple(Candidate(**it) for it in found["front"]),
        test=found.get("test"),
        n_trials=found["trials"],
        report=found,
        _sensors=sensors,
        _chip=chip,
        _seed=random_state,
    )
