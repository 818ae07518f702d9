"""Rows of readings, made what the Rust side borrows: C-contiguous float32 or float64."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from ._spinney import Model as CoreModel

Readings = npt.NDArray[np.float32] | npt.NDArray[np.float64]


def names_of(X: Any) -> list[str] | None:
    """The names of a frame's columns, if they are text."""
    columns = getattr(X, "columns", None)
    if columns is None or callable(columns):
        return None
    names = list(columns)
    return names if names and all(isinstance(name, str) for name in names) else None


def readings(X: Any, model: CoreModel | None = None) -> Readings:
    """The rows of ``X``, in the order of the model's features where both have names.

    Float32 and float64 arrays that are C-contiguous are handed on as they are.
    """
    if type(X) is np.ndarray and X.ndim == 2 and X.dtype in (np.float32, np.float64):
        return _laid_out(X)
    if hasattr(X, "toarray") or hasattr(X, "tocsr"):
        raise TypeError(
            "X: found sparse data, expected dense rows of readings; X.toarray() makes them"
        )
    if isinstance(X, np.ma.MaskedArray) and np.ma.is_masked(X):
        raise ValueError("X: found masked readings, expected an array without a mask")
    names = names_of(X)
    array = np.asarray(_plain(X))
    if array.ndim != 2:
        raise ValueError(
            f"Expected 2D array, got {array.ndim}D array instead: X has to be rows of readings; "
            "reshape(1, -1) makes a row of its readings"
        )
    order = model.columns(names) if model is not None and names is not None else None
    if order is not None:
        array = array[:, order]
    return _floats(array)


def _plain(X: Any) -> Any:
    """A frame as an array: pandas and polars both have ``to_numpy``."""
    convert = getattr(X, "to_numpy", None)
    if convert is None or isinstance(X, np.ndarray):
        return X
    array = convert()
    if array.dtype == object:
        for name in X.columns:
            column = np.asarray(X[name].to_numpy())
            try:
                column.astype(np.float64)
            except (TypeError, ValueError):
                odd = next(it for it in column.tolist() if not isinstance(it, (int, float)))
                raise TypeError(
                    f'X: found {odd!r} in column "{name}", expected numbers; code words as numbers '
                    "before the model is fitted"
                ) from None
        return array.astype(np.float64)
    return array


def _laid_out(array: npt.NDArray[Any]) -> Readings:
    if array.flags.c_contiguous and array.flags.aligned:
        return array
    return array.copy(order="C")


def _floats(array: npt.NDArray[Any]) -> Readings:
    kind = array.dtype.kind
    if kind == "f" and array.dtype.itemsize in (4, 8):
        return _laid_out(array.astype(array.dtype.newbyteorder("="), copy=False))
    if kind == "b" or (kind in "iuf" and array.dtype.itemsize <= 2):
        return np.ascontiguousarray(array, dtype=np.float32)
    if kind in "iuf":
        return np.ascontiguousarray(array, dtype=np.float64)
    if kind == "c":
        raise ValueError("Complex data not supported: X has to be real numbers")
    if kind in "OUS":
        try:
            return np.ascontiguousarray(array.astype(np.float64))
        except (TypeError, ValueError, OverflowError):
            for (row, column), value in np.ndenumerate(array):
                try:
                    float(value)
                except (TypeError, ValueError, OverflowError):
                    raise TypeError(
                        f"X: found {value!r} in row {row}, column {column}; expected numbers: "
                        "an argument must be a string or a real number that float() takes"
                    ) from None
            raise
    raise TypeError(f"X: found an array of dtype {array.dtype}, expected numbers")
