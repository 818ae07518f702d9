"""Predict on a Dask cluster as the device does: `python examples/dask_cluster.py [ROWS]`.

The model travels to the workers by its bytes, and every class is that of one process.
"""

from __future__ import annotations

import sys
import time

import dask.array as da
import numpy as np
from dask.distributed import Client, LocalCluster
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier

import spinney_ml as sp


def main(client: Client, n_rows: int) -> bool:
    X, y = load_digits(return_X_y=True)
    clf = RandomForestClassifier(n_estimators=50, max_depth=12, random_state=0).fit(X, y)
    q = sp.load(clf).quantize(X, sensors="u8")

    rows = np.resize(X, (n_rows, X.shape[1])).astype(np.float32)
    blocks = da.from_array(rows, chunks=(n_rows // 8, X.shape[1])).persist()
    workers = len(client.scheduler_info()["workers"])

    seconds = {}
    for name, predict in [("Spinney", q.predict), ("scikit-learn", clf.predict)]:
        lazy = blocks.map_blocks(predict, drop_axis=1, dtype=np.int64)
        lazy[:100].compute()  # the model is on its way before the clock starts
        started = time.perf_counter()
        found = lazy.compute()
        seconds[name] = time.perf_counter() - started
        print(f"{name}: {n_rows / seconds[name]:,.0f} rows/s on {workers} workers")
        if name == "Spinney":
            is_equal = np.array_equal(found, q.predict(rows))
            print("every class equal:", is_equal)
    print(f"ratio {seconds['scikit-learn'] / seconds['Spinney']:.1f}")
    return is_equal


if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1) as cluster, Client(cluster) as client:
        is_equal = main(client, int(sys.argv[1]) if len(sys.argv) > 1 else 400_000)
    sys.exit(0 if is_equal else 1)
