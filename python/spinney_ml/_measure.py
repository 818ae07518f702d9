"""A quantized model in its firmware: built, and run in the emulator, by the pipeline itself."""

from __future__ import annotations

import csv
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import _project
from .errors import MeasurementError

if TYPE_CHECKING:
    from ._model import QuantModel


@dataclass(frozen=True)
class Measured:
    """What the firmware of a model takes, found by building it and by running it.

    Attributes
    ----------
    chip, core, board : str
        What the image was built for, and the emulated board that ran it.
    encoding : str
        The form that was chosen, or asked for.
    flash_bytes, ram_bytes : int
        Of the whole image, without test rows.
    model_flash_bytes : int
        What the model and the code that predicts take of it.
    stack_bytes : int
        The most that a prediction took.
    instructions_mean, instructions_max : float
        Per prediction, from readings to the answer. Instructions are not cycles.
    n_rows : int
        Rows that the device predicted.
    mismatches : int
        Rows that it answered otherwise than ``QuantModel.predict``: 0, or there is a fault in Spinney.
    report : dict
        The whole ``report.json``.
    """

    chip: str
    core: str
    board: str
    encoding: str
    flash_bytes: int
    ram_bytes: int
    model_flash_bytes: int
    stack_bytes: int
    instructions_mean: float
    instructions_max: float
    n_rows: int
    mismatches: int
    report: dict[str, Any]

    def __repr__(self) -> str:
        return (
            f"<spinney_ml.Measured: {self.chip}, {self.encoding}, {self.flash_bytes:,} B flash, "
            f"{self.ram_bytes:,} B RAM, {self.stack_bytes:,} B stack, "
            f"{self.instructions_mean:,.0f} instructions, {self.mismatches} mismatches>"
        )


def measure(
    quant: QuantModel, rows: npt.NDArray[Any], classes: list[str] | None, chip: str, encoding: str
) -> Measured:
    """Run the pipeline over the model and these rows in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="spinney-") as place:
        folder = Path(place)
        (folder / "model.json").write_bytes(quant.to_bytes())
        np.save(folder / "rows.npy", rows)
        _project.write_config(folder, _sections(quant, chip, encoding))
        report = _project.run(folder, ["pipeline", "run"])
        with (folder / "reports" / "model" / "predictions.csv").open(newline="") as file:
            predicted = [row["q15"] for row in csv.DictReader(file)]
    if classes is not None and predicted != classes:
        first = next(at for at, pair in enumerate(zip(predicted, classes)) if pair[0] != pair[1])
        raise MeasurementError(
            f"row {first}",
            f'the class "{predicted[first]}" of the model that was built',
            f'"{classes[first]}", as this one predicts; this is a fault in Spinney',
        )
    device, footprint = report["device"], report["footprint"]
    if device is None:
        notes = {it["gate"]: it.get("note") for it in report["verdicts"]}
        why = notes.get("parity") or "no run of the image"
        raise MeasurementError("the firmware", why, "a run of all rows in the emulator")
    counted = device["instructions_per_inference"]
    return Measured(
        chip=chip,
        core=device["core"],
        board=device["board"],
        encoding=report["encoding"]["chosen"],
        flash_bytes=footprint["flash_bytes"],
        ram_bytes=footprint["ram_bytes"],
        model_flash_bytes=footprint["model_flash_bytes"],
        stack_bytes=device["stack_bytes_max"],
        instructions_mean=counted["mean"],
        instructions_max=counted["max"],
        n_rows=device["rows"],
        mismatches=device["parity_mismatches"],
        report=report,
    )


def _sections(quant: QuantModel, chip: str, encoding: str) -> dict[str, dict[str, Any]]:
    """The pipeline.toml of a kept model and rows without labels."""
    saved = json.loads(quant.to_bytes())
    outputs = ["class"]
    if saved["wants_scores"]:
        outputs.append("probabilities" if saved["has_probabilities"] else "scores")
    return {
        "pipeline": {"name": "model"},
        "dataset": {"test": "rows.npy"},
        "model": {"source": "import", "path": "model.json"},
        "quantize": {"leaves": "hard" if saved["hard_votes"] else "soft"},
        "codegen": {
            "encoding": encoding,
            "outputs": outputs if quant.task == "classify" else None,
        },
        "target": {"chip": chip},
    }
