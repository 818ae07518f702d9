"""Exceptions that say where something is wrong, what was found there, and what was expected."""

from __future__ import annotations


class SpinneyError(ValueError):
    """What all exceptions of this package have in common.

    Attributes
    ----------
    where : str
        The part of the model, rows or arguments.
    found : str
        What stands there.
    expected : str
        What may stand there, or what to do instead.
    """

    def __init__(self, where: str, found: str, expected: str) -> None:
        super().__init__(where, found, expected)
        self.where = where
        self.found = found
        self.expected = expected

    def __str__(self) -> str:
        return f"{self.where}: found {self.found}, expected {self.expected}"


class UnsupportedModelError(SpinneyError):
    """A model that Spinney does not read, or that is damaged."""

    def __str__(self) -> str:
        # What is not read names what to do instead.
        if self.where == "the model":
            return f"{self.found} cannot be imported: {self.expected}"
        return super().__str__()


class QuantizationError(SpinneyError):
    """A model or an argument that fixed point does not hold."""


class MeasurementError(SpinneyError):
    """Firmware that cannot be built or run here."""
