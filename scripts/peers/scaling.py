"""Scales readings to int16 as emlearn asks of its users, and takes thresholds back to raw readings."""

from dataclasses import dataclass

import numpy as np

INT16_MAX = 32767


@dataclass
class Scaling:
    """`scaled = floor((reading - offset) * factor)` per feature, clipped to 0 … 32767."""

    offset: np.ndarray
    factor: np.ndarray
    text: str

    @classmethod
    def of(cls, train):
        """The largest power of ten that fits where readings are whole numbers, so that nothing is
        rounded; else the span of each feature over the training rows, as `MinMaxScaler` does in
        emlearn's own example."""
        rows = train.astype(np.float64)
        if (rows == np.floor(rows)).all() and rows.min() >= 0:
            factor = 10 ** (len(str(INT16_MAX // int(rows.max()))) - 1)
            columns = rows.shape[1]
            text = f"multiplied by {factor}"
            return cls(np.zeros(columns), np.full(columns, float(factor)), text)
        low, high = rows.min(axis=0), rows.max(axis=0)
        span = np.where(high > low, high - low, 1.0)
        return cls(low, INT16_MAX / span, "least to greatest training reading to 0 … 32767")

    def scaled(self, rows):
        """Rows as whole numbers, in float32, which holds them all."""
        scaled = np.floor((rows.astype(np.float64) - self.offset) * self.factor)
        return np.clip(scaled, 0, INT16_MAX).astype(np.float32)

    def scaled_one(self, feature, readings):
        """The same for readings of one feature."""
        scaled = np.floor((readings.astype(np.float64) - self.offset[feature]) * self.factor[feature])
        return np.clip(scaled, 0, INT16_MAX)


def unscale(model, scaling, *parts):
    """Rewrites the thresholds of a fitted ensemble so that it takes raw readings.

    A split lets `scaled(x) <= t` to the left. Scaling is monotone, so there is a largest float32 `x`
    that goes left; that is the new threshold. Between whole readings it is put halfway, where
    scikit-learn would have put it.
    """
    whole = all((rows == np.floor(rows)).all() for rows in parts)
    for tree in (member.tree_ for member in getattr(model, "estimators_", [model])):
        for node in np.flatnonzero(tree.children_left >= 0):
            feature, threshold = tree.feature[node], tree.threshold[node]
            if whole:
                readings = np.arange(0.0, 1 + max(rows.max() for rows in parts))
                goes_left = scaling.scaled_one(feature, readings) <= threshold
                tree.threshold[node] = goes_left.sum() - 0.5
            else:
                tree.threshold[node] = largest_on_the_left(scaling, feature, threshold)


def largest_on_the_left(scaling, feature, threshold):
    """The largest float32 whose scaled value is at most `threshold`, stepping from close by."""
    guess = np.float32(scaling.offset[feature] + (np.floor(threshold) + 1) / scaling.factor[feature])
    infinity = np.float32(np.inf)
    reading = guess
    while scaling.scaled_one(feature, np.array([reading]))[0] > threshold:
        reading = np.nextafter(reading, -infinity)
    while scaling.scaled_one(feature, np.array([np.nextafter(reading, infinity)]))[0] <= threshold:
        reading = np.nextafter(reading, infinity)
    return float(reading)
