"""Makes the fixture of crates/frontend for filters of samples: SciPy's Butterworth filters in float64.

    python3 scripts/frontend/biquad.py

Needs NumPy and SciPy as requirements.txt names them; fixtures.py calls it too.

    biquad.json  samples; per filter its pass, order and frequencies, its magnitude at some frequencies,
                 and every sixteenth sample that comes out

The reference is `scipy.signal.butter(order, frequencies, pass, fs=100, output="sos")`, its
magnitude that of `sosfreqz`, its output that of `sosfilt` where the first sample had always been there
(`sosfilt_zi`), clipped to 16 bits.
"""

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import scipy.signal

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "crates/frontend/tests/fixtures/biquad.json"
RATE = 100
# The lowest and the highest frequency that a filter may have.
LOW, HIGH = RATE / 2000, RATE / 2.2
FILTERS = [
    *(("lowpass", order, [hz]) for order, hz in
      [(1, LOW), (1, 20), (2, 5), (3, 12.5), (6, 3), (8, LOW), (8, 25), (8, HIGH)]),
    *(("highpass", order, [hz]) for order, hz in
      [(1, LOW), (1, HIGH), (2, 0.5), (4, 20), (5, LOW), (8, LOW), (8, 1), (8, HIGH)]),
    *(("bandpass", order, list(hz)) for order, hz in
      [(1, (0.5, 5)), (2, (1, 10)), (3, (20, 30)), (3, (LOW, HIGH)), (4, (LOW, HIGH)), (4, (LOW, 2 * LOW)),
       (4, (20, 20 + LOW)), (4, (HIGH - LOW, HIGH))]),
]


def main():
    samples = np.concatenate([noise(), exercise()])
    cases = [case(samples, *each) for each in FILTERS]
    text = ",\n".join(map(json.dumps, cases))
    out = json.dumps([int(value) for value in samples])
    OUT.write_text(f'{{"rate": {RATE}, "samples": {out},\n"cases": [\n{text}\n]}}\n')
    print(OUT.stat().st_size, "bytes")


def noise():
    return np.random.default_rng(3).integers(-32768, 32768, 1024)


def exercise():
    """The first axis of a recording, in units of 1/1000 g."""
    with gzip.open(ROOT / "data/exercises-test.csv.gz", "rt") as file:
        return np.array([int(row["ax"]) for row, _ in zip(csv.DictReader(file), range(1024))])


def case(samples, kind, order, hertz):
    sos = scipy.signal.butter(order, np.squeeze(hertz)[()], kind, fs=RATE, output="sos")
    at = np.geomspace(LOW / 4, RATE / 2 * 0.99, 48)
    _, response = scipy.signal.sosfreqz(sos, at, fs=RATE)
    zi = scipy.signal.sosfilt_zi(sos) * samples[0]
    filtered, _ = scipy.signal.sosfilt(sos, samples.astype(np.float64), zi=zi)
    return {
        "pass": kind,
        "order": order,
        "hertz": hertz,
        "magnitudes": [[round(float(f), 9), float(f"{abs(h):.9g}")] for f, h in zip(at, response)],
        "filtered": [round(float(value), 3) for value in np.clip(filtered, -32768, 32767)[::16]],
    }


if __name__ == "__main__":
    main()
