"""Rows per second from Python: Spinney's bits against scikit-learn and onnxruntime, in one run.

`python bench/throughput.py`, in an environment with the wheel, skl2onnx and onnxruntime. Handwritten
digits of data/ (MNIST), a forest of a hundred trees; all cores for everybody. Sides take turns; the best
of several counts.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier

import spinney_ml as sp

DATA = Path(__file__).resolve().parents[2] / "data"
TURNS = 5


def mnist() -> tuple[np.ndarray, np.ndarray]:
    images = gzip.decompress((DATA / "mnist-images.idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((DATA / "mnist-labels.idx1-ubyte.gz").read_bytes())
    X = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 784).astype(np.float32)
    return X, np.frombuffer(labels, np.uint8, offset=8).astype(np.int64)


def best(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    X, y = mnist()
    half = len(X) // 2
    clf = RandomForestClassifier(n_estimators=100, random_state=0, n_jobs=-1).fit(X[:half], y[:half])
    q = sp.load(clf).quantize(X[:half], sensors="u8")
    session = onnxruntime.InferenceSession(
        to_onnx(clf, X[:1], options={"zipmap": False}).SerializeToString(),
        providers=["CPUExecutionProvider"],
    )
    name = session.get_inputs()[0].name
    sides: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "spinney_ml": q.predict,
        "scikit-learn": clf.predict,
        "onnxruntime": lambda rows: session.run(["label"], {name: rows})[0],
    }
    rows = np.resize(X[half:], (40_000, 784))
    found = {side: predict(rows[:5000]) for side, predict in sides.items()}
    for side, classes in found.items():
        same = float(np.mean(classes == found["scikit-learn"]))
        print(f"{side}: {same:.4%} of 5,000 classes are scikit-learn's")
    one = np.ascontiguousarray(rows[:1])
    cases = {
        "40,000 rows": (rows, 1),
        "1,000 rows": (rows[:1000], 20),
        "one row": (one, 50),
    }
    for case, (batch, repeat) in cases.items():
        seconds = {side: float("inf") for side in sides}
        for _ in range(TURNS):
            for side, predict in sides.items():
                for _ in range(repeat):
                    seconds[side] = min(seconds[side], best(lambda: predict(batch)))
        ours = seconds["spinney_ml"]
        for side, taken in seconds.items():
            rate = len(batch) / taken
            print(f"{case}: {side} {rate:,.0f} rows/s, {taken / ours:.2f} of Spinney's time")


if __name__ == "__main__":
    main()
