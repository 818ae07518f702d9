"""Verbs of the pipeline over models and rows in memory, in a folder that is gone afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .errors import MeasurementError, QuantizationError


def write_config(folder: Path, sections: Mapping[str, Mapping[str, Any]]) -> None:
    """Write pipeline.toml; values that are ``None`` are left out."""
    lines = []
    for section, keys in sections.items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {_value(value)}" for key, value in keys.items() if value is not None]
    (folder / "pipeline.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def name(text: str) -> str:
    """A name as a key of TOML."""
    return json.dumps(text, ensure_ascii=False)


def _value(value: Any) -> str:
    # Strings, numbers, flags and lists of them are written as in JSON; NumPy's are Python's first.
    return json.dumps(value, ensure_ascii=False, default=lambda it: it.item())


def run(folder: Path, verb: Sequence[str]) -> dict[str, Any]:
    """Run a verb of the pipeline there, and give the JSON that it prints."""
    command = [sys.executable, "-m", "spinney_ml", *verb, "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode in (0, 1) and done.stdout.startswith("{"):
        printed: dict[str, Any] = json.loads(done.stdout)
        return printed
    told = done.stderr.strip()
    if done.returncode == 3:
        raise MeasurementError("this machine", told, "`spinney setup` finds and installs what lacks")
    if done.returncode != 2:
        how = told or f"{verb[0]} ended with code {done.returncode} and said nothing"
        raise MeasurementError("the firmware", how, "an image that is built and runs")
    raise QuantizationError("the model or the rows", told, "what the pipeline takes")
