"""Rows of readings, made what the Rust side borrows: C-contiguous float32 or float64."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._spinney import Model as CoreModel

Readings = npt.NDArray[np.float32] | npt.NDArray[np.float64]

# Libraries that refuse text in a column that is none of categories, by the kind of model.
TAKE_NO_TEXT = {"xgboost": "XGBoost", "lightgbm": "LightGBM"}


def names_of(X: Any) -> list[str] | None:
    """The names of a frame's columns, if they are text."""
    columns = getattr(X, "columns", None)
    if columns is None or callable(columns):
        return None
    names = list(columns)
    return names if names and all(isinstance(name, str) for name in names) else None


def readings(X: Any, model: CoreModel | None = None, by_codes: bool | None = None) -> Readings:
    """The rows of ``X``, in the order of the model's features where both have names.

    Float32 and float64 arrays that are C-contiguous are handed on as they are. A word becomes the
    place of the model's category of the same text. ``by_codes`` says whether a model of XGBoost has
    places alone, for which it takes the codes of a frame's categories; ``None`` if nobody knows.
    """
    if type(X) is np.ndarray and X.ndim == 2 and X.dtype in (np.float32, np.float64):
        return _laid_out(X)
    if hasattr(X, "toarray") or hasattr(X, "tocsr"):
        raise TypeError(
            "X: found sparse data, expected dense rows of readings; X.toarray() makes them"
        )
    if isinstance(X, np.ma.MaskedArray) and np.ma.is_masked(X):
        raise ValueError("X: found masked readings, expected an array without a mask")
    convert = getattr(X, "to_numpy", None)
    is_frame = convert is not None and hasattr(X, "columns") and hasattr(X, "dtypes")
    if is_frame:
        return _of_frame(X, model, by_codes)
    array = np.asarray(X if convert is None or isinstance(X, np.ndarray) else convert())
    if array.ndim != 2:
        raise ValueError(
            f"Expected 2D array, got {array.ndim}D array instead: X has to be rows of readings; "
            "reshape(1, -1) makes a row of its readings"
        )
    if array.dtype.kind in "OUS":
        array = _with_places(array, [] if model is None else model.categories)
    return _floats(array)


def _with_places(array: npt.NDArray[Any], words: Sequence[Sequence[str]]) -> npt.NDArray[Any]:
    """An array of objects or text, with places for the words of features that have some."""
    columns = [at for at, known in enumerate(words[: array.shape[1]]) if known]
    if columns:
        array = array.astype(object)
    for at in columns:
        array[:, at] = _Column(f"column {at}", words[at]).readings(array[:, at])
    return array


def _of_frame(X: Any, model: CoreModel | None, by_codes: bool | None) -> Readings:
    """The columns that the model names, in its order; all of them, if it names none."""
    names = names_of(X)
    order = model.columns(names) if model is not None and names is not None else None
    columns = range(X.shape[1]) if order is None else order
    words = [] if model is None else model.categories
    dtypes = list(X.dtypes)
    if not any(words) and all(_is_plain(dtypes[at]) for at in columns):
        array = X.to_numpy()
        return _floats(array if order is None else array[:, order])
    library = None if model is None else TAKE_NO_TEXT.get(model.kind)
    array = np.empty((len(X), len(columns)))
    for to, at in enumerate(columns):
        column = X.iloc[:, at] if hasattr(X, "iloc") else X[:, at]
        known = words[to] if to < len(words) else []
        meant = _Column(f'column "{column.name}"', known, library)
        has_codes = library == "XGBoost" and not known and _is_category(column)
        if has_codes and by_codes is not False:
            array[:, to] = meant.codes(column, by_codes)
        else:
            array[:, to] = meant.readings(column)
    return array


def _is_plain(dtype: Any) -> bool:
    """Whether a column's type is a number of NumPy's, or one that polars makes such of."""
    if isinstance(dtype, np.dtype):
        return dtype.kind in "biuf"
    is_numeric = getattr(dtype, "is_numeric", None)
    return callable(is_numeric) and bool(is_numeric()) and not dtype.is_decimal()


def _is_category(column: Any) -> bool:
    """Whether pandas holds a column by codes of its categories."""
    return str(column.dtype) == "category"


@dataclass(frozen=True)
class _Column:
    """What a column of words, objects or anything else but plain numbers is to the model.

    ``words`` are its categories, none of a feature of numbers; ``library`` is the one that the model is
    of, if that takes no other words.
    """

    place: str
    words: Sequence[str]
    library: str | None = None

    def readings(self, column: Any) -> npt.NDArray[np.float64]:
        """Readings of a column, NaN where one is missing."""
        if _is_category(column):
            return self._of_categories(column)
        dtype = column.dtype
        kind = getattr(dtype, "kind", None)
        if kind in ("M", "m"):
            raise self._no_numbers(str(dtype), None)
        if isinstance(column, np.ndarray):
            array = column
        elif kind is None or isinstance(dtype, np.dtype):
            array = np.asarray(column.to_numpy())
        elif kind in ("i", "u", "f"):
            array = column.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            array = np.asarray(column.to_numpy(dtype=object))
        if array.dtype.kind in "Mm":
            raise self._no_numbers(str(dtype), None)
        if array.dtype.kind in "iuf":
            numbers = np.asarray(array, dtype=np.float64)
            if not np.isnan(numbers).all():
                self._check_numbers()
            return numbers
        items = (self._reading(item, row) for row, item in enumerate(array.tolist()))
        return np.fromiter(items, np.float64, len(array))

    def codes(self, column: Any, are_meant: bool | None) -> npt.NDArray[np.float64]:
        """The codes of a column's categories, NaN where one is missing."""
        if are_meant is None:
            raise TypeError(
                f"X: found categories in {self.place}, expected numbers, since this model as it was "
                "kept does not say whether XGBoost knows categories by number or by code; hand over "
                "the codes (.cat.codes) if XGBoost is older than 3.1 or was fitted on an array"
            )
        codes = column.cat.codes.to_numpy().astype(np.float64)
        codes[codes < 0] = np.nan
        return np.asarray(codes)

    def _of_categories(self, column: Any) -> npt.NDArray[np.float64]:
        codes = column.cat.codes.to_numpy()
        of_code = np.full(len(column.cat.categories) + 1, np.nan)
        # What is missing has the code -1, and the last one here; no row has an unused category.
        for code in np.unique(codes[codes >= 0]).tolist():
            row = int(np.argmax(codes == code))
            of_code[code] = self._reading(column.cat.categories[code], row, True)
        return np.asarray(of_code[codes])

    @cached_property
    def _places(self) -> dict[str, float]:
        return {word: float(place) for place, word in enumerate(self.words)}

    @cached_property
    def _has_numbers(self) -> bool:
        return any(map(_is_number, self.words))

    def _reading(self, item: Any, row: int, is_category: bool = False) -> float:
        if item is None or type(item).__name__ in ("NAType", "NaTType"):
            return np.nan
        if isinstance(item, float) and item != item:
            return np.nan
        is_text = isinstance(item, str)
        if self.words and (is_text or is_category or isinstance(item, (bool, np.bool_))):
            # As Python writes it, which is how importers name categories that are no text.
            word = item.strip() if is_text else str(item)
            if word not in self._places:
                raise ValueError(
                    f"X: found {item!r} in {self.place} (row {row}), expected one of the words that "
                    f"the model was fitted on: {self._some_words()}"
                )
            return self._places[word]
        if is_text and self.library is not None:
            raise TypeError(
                f"X: found {item!r} in {self.place} (row {row}), expected numbers, since the model has "
                f"no words of it; hand over what {self.library} was fitted on, of categories their codes"
            )
        try:
            number = float(item)
        except (TypeError, ValueError, OverflowError):
            raise self._no_numbers(repr(item), row) from None
        self._check_numbers()
        return number

    def _check_numbers(self) -> None:
        """Refuses numbers where words are some, too: nobody knows whether they are words or places."""
        if self._has_numbers:
            raise TypeError(
                f"X: found numbers in {self.place}, expected the words that the model was fitted on: "
                f"{self._some_words()}; .astype(str) makes words of such numbers"
            )

    def _no_numbers(self, found: str, row: int | None) -> TypeError:
        if self.words:
            expected = f"the words that the model was fitted on: {self._some_words()}"
        else:
            expected = "numbers; make them of dates and words as before the model was fitted"
        where = "" if row is None else f" (row {row})"
        return TypeError(f"X: found {found} in {self.place}{where}, expected {expected}")

    def _some_words(self) -> str:
        shown = ", ".join(repr(word) for word in self.words[:8])
        return shown if len(self.words) <= 8 else f"{shown}, … ({len(self.words) - 8} more)"


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


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
