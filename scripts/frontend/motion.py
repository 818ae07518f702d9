"""Makes the motion fixtures of crates/frontend: windows, and their features in float64.

    python3 scripts/frontend/motion.py

Needs NumPy and SciPy as requirements.txt names them; fixtures.py calls it too.

    motion.i16   window after window, little-endian
    motion.json  per window its name, length, sample rate, weights and edges of bands, and what NumPy
                 and SciPy make of it

The reference is `numpy.mean`, `var`, `std` and so on of the samples as float64; crossings are
`count_nonzero(diff(x >= x.mean()))` and of 0; the energy of a band is the sum of
`|scipy.fft.rfft(w * x)|**2` over the bins from its lower edge, included, to its upper, excluded.
Jerk is `abs(diff(x)).mean()`, quartiles are `numpy.quantile(x, q, method="lower")`. Autocorrelations
are ratios of exact integers; `correlation` is `numpy.corrcoef` of a window and the one before, where
that has as many samples.
"""

import csv
import gzip
import json
import operator
from pathlib import Path

import numpy as np
import scipy.fft
import scipy.signal

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "crates/frontend/tests/fixtures"
LOW, HIGH = -32768, 32767


def main():
    windows = [*exercises(), *synthetic()]
    np.concatenate([samples for _, samples, *_ in windows]).astype("<i2").tofile(OUT / "motion.i16")
    before = [(), *(samples for _, samples, *_ in windows)]
    cases = [case(*window) | pair(window[1], other) for window, other in zip(windows, before)]
    text = ",\n".join(map(json.dumps, cases))
    (OUT / "motion.json").write_text(f"[\n{text}\n]\n")
    print(sum((OUT / name).stat().st_size for name in ("motion.i16", "motion.json")), "bytes")


def exercises():
    """The second window of a recording of each exercise, axis by axis, in units of 1/1000 g."""
    recordings = {}
    with gzip.open(ROOT / "data/exercises-test.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            recordings.setdefault(row["exercise"], {}).setdefault(row["recording"], []).append(
                [int(row[axis]) for axis in ("ax", "ay", "az")]
            )
    edges = [1.5 * 25 / 128 + step for step in (0, 1, 2, 3, 5, 9)]
    for exercise, of_class in recordings.items():
        samples = np.array(next(iter(of_class.values())))[128:256]
        for axis, values in zip("xyz", samples.T):
            yield f"{exercise}, a{axis}", values, 25, "hann" if axis != "y" else "boxcar", edges


def synthetic():
    rng = np.random.default_rng(2)
    at = np.arange(2048)
    alternating = np.where(at % 2 == 0, LOW, HIGH)
    tone = np.clip(np.round(32767 * np.sin(2 * np.pi * 0.0517 * at)), LOW, HIGH)
    gravity = np.round(16384 + 900 * np.sin(2 * np.pi * 0.031 * at) + 20 * rng.normal(size=2048))
    ladder = [0.2, 2, 5, 11, 23, 50]
    yield "one sample", np.array([-7]), 100, None, []
    yield "two ends", np.array([LOW, HIGH]), 100, None, []
    yield "fifty samples", rng.integers(LOW, HIGH + 1, 50), 100, None, []
    for length in (64, 256, 2048):
        # The narrowest bin is 1.6 Hz, the lowest band's as wide.
        edges = ladder if length > 64 else [1, 5, 11, 23, 50]
        for weights in ("hann", "boxcar"):
            yield "tone, full scale", tone[:length], 100, weights, edges
            yield "tone on a constant", gravity[:length], 100, weights, edges
            yield "noise, full scale", rng.integers(LOW, HIGH + 1, length), 100, weights, edges
            yield "the ends in turn", alternating[:length], 100, weights, edges
            yield "the lower end", np.full(length, LOW), 100, weights, edges
            yield "the upper end", np.full(length, HIGH), 100, weights, edges
            yield "silence", np.zeros(length), 100, weights, edges
            yield "noise of the last bit", rng.integers(-1, 2, length), 100, weights, edges


def case(name, samples, rate, weights, edges):
    x = np.asarray(samples, dtype=np.float64)
    return {
        "name": name,
        "length": len(x),
        "rate": rate,
        "weights": weights,
        "edges": edges,
        "mean": x.mean(),
        "variance": x.var(),
        "deviation": x.std(),
        "min": x.min(),
        "max": x.max(),
        "range": np.ptp(x),
        "rms": np.sqrt(np.mean(x * x)),
        "mean_crossings": int(np.count_nonzero(np.diff(x >= x.mean()))),
        "zero_crossings": int(np.count_nonzero(np.diff(x >= 0))),
        "jerk": np.abs(np.diff(x)).mean() if len(x) > 1 else 0.0,
        "quartiles": [int(np.quantile(x, q, method="lower")) for q in (0.25, 0.5, 0.75)],
        "autocorrelation_peak": autocorrelation_peak(x),
        "bands": bands(x, rate, weights, edges),
    }


def autocorrelation_peak(x):
    """The largest from the first lag on at which it is negative, up to half of the window."""
    # n² times a product of deviations is at most 2^64; Python's integers have room for their sums.
    n = len(x)
    deviations = (n * x.astype(np.int64) - int(x.sum())).tolist()
    power = sum(value * value for value in deviations)
    lags = [sum(map(operator.mul, deviations, deviations[lag:])) for lag in range(n // 2 + 1)]
    negative = [lag for lag, value in enumerate(lags) if value < 0]
    return max(max(lags[negative[0] :]), 0) / power if negative else 0.0


def pair(samples, other):
    if len(samples) != len(other) or np.ptp(samples) == 0 or np.ptp(other) == 0:
        return {"correlation": None}
    return {"correlation": float(np.corrcoef(samples, other)[0, 1])}


def bands(x, rate, weights, edges):
    """log2 of each band's energy; 0 for an energy below 1."""
    if weights is None:
        return []
    powers = np.abs(scipy.fft.rfft(scipy.signal.get_window(weights, len(x)) * x)) ** 2
    # Neither the mean nor the last bin belongs to a band.
    bins = np.arange(1, len(x) // 2)
    hertz = bins * rate / len(x)
    return [
        round(float(np.log2(max(powers[bins[(hertz >= low) & (hertz < high)]].sum(), 1))), 6)
        for low, high in zip(edges, edges[1:])
    ]


if __name__ == "__main__":
    main()
