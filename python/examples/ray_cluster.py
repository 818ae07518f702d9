"""Predict with Ray Data as the device does: `python examples/ray_cluster.py [ROWS]`.

The model travels to two worker processes by its bytes, and every class is that of one process.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from typing import Any

import numpy as np
import ray
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier

import spinney_ml as sp


class Classes:
    """What a worker process holds: it gets the model once, then rows."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        numbers, rows = batch["data"][:, 0], batch["data"][:, 1:]
        found = self.model.predict(rows)
        return {"row": numbers, "class": found, "worker": np.full(len(found), os.getpid())}


def main(n_rows: int) -> bool:
    X, y = load_digits(return_X_y=True)
    clf = RandomForestClassifier(n_estimators=50, max_depth=12, random_state=0).fit(X, y)
    q = sp.load(clf).quantize(X, sensors="u8")

    rows = np.resize(X, (n_rows, X.shape[1])).astype(np.float32)
    # Blocks come back in any order, so each row has its number before it.
    numbered = np.column_stack([np.arange(n_rows, dtype=np.float32), rows])
    frame = ray.data.from_numpy(np.array_split(numbered, 8))
    frame = frame.materialize()  # the rows are in the cluster before the clock starts

    seconds = {}
    for name, model in [("Spinney", q), ("scikit-learn", clf)]:
        predicted = frame.map_batches(
            Classes, fn_constructor_args=(model,), concurrency=2, batch_size=None
        )
        started = time.perf_counter()
        found = predicted.to_pandas()
        seconds[name] = time.perf_counter() - started
        workers = found["worker"].nunique()
        print(f"{name}: {n_rows / seconds[name]:,.0f} rows/s on {workers} workers")
        if name == "Spinney":
            in_order = found.sort_values("row")["class"].to_numpy()
            is_equal = np.array_equal(in_order, q.predict(rows)) and workers == 2
            print("every class equal:", is_equal)
    print(f"ratio {seconds['scikit-learn'] / seconds['Spinney']:.1f}")
    return is_equal


if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.wait_for_min_actors_s = 120  # else the first worker may be done before the second is up
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    is_equal = main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
    ray.shutdown()
    sys.exit(0 if is_equal else 1)
