"""Rows per second from Python: the wheel against scikit-learn and onnxruntime, in turns in one run.

`cargo xtask bench python` runs it, in an environment with what requirements.txt names. Handwritten digits
of data/ (MNIST), a forest of a hundred trees. Prints JSON with a line per case and peer: nanoseconds per
row, the least of all calls. With the word `clusters` it runs the examples on clusters instead.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "data"
EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
TURNS = 5
# Time per row, against each peer.
BATCH_GOAL, ONE_GOAL, CLUSTER_GOAL = 0.25, 1.0, 1.0


def line(case: str, ours: float, peer: float, peer_name: str, goal: float) -> dict[str, object]:
    """One comparison; lower is better."""
    return {
        "case": case,
        "metric": "ns per row",
        "ours": round(ours, 1),
        "peer": round(peer, 1),
        "peer_name": peer_name,
        "ratio": round(ours / peer, 3),
        "goal": goal,
        "met": ours <= goal * peer,
    }


def least(call: Callable[[], object], repeat: int) -> float:
    seconds = []
    for _ in range(repeat):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def batches(threads: int) -> list[dict[str, object]]:
    import numpy as np
    import onnxruntime
    from skl2onnx import to_onnx
    from sklearn.ensemble import RandomForestClassifier

    import spinney_ml as sp

    images = gzip.decompress((DATA / "mnist-images.idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((DATA / "mnist-labels.idx1-ubyte.gz").read_bytes())
    X = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 784).astype(np.float32)
    y = np.frombuffer(labels, np.uint8, offset=8).astype(np.int64)
    half = len(X) // 2
    clf = RandomForestClassifier(n_estimators=100, random_state=0).fit(X[:half], y[:half])
    q = sp.load(clf).quantize(X[:half], sensors="u8")
    clf.set_params(n_jobs=threads)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        to_onnx(clf, X[:1], options={"zipmap": False}).SerializeToString(),
        options,
        providers=["CPUExecutionProvider"],
    )
    name = session.get_inputs()[0].name
    sides: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "ours": q.predict,
        "scikit-learn": clf.predict,
        "onnxruntime": lambda rows: session.run(["label"], {name: rows})[0],
    }
    rows = np.resize(X[half:], (40_000, 784))
    expected = clf.predict(X[half:])
    for side, predict in sides.items():
        apart = int((predict(X[half:]) != expected).sum())
        print(f"{side}: {apart} of {half} classes are not scikit-learn's", file=sys.stderr)
    suffix = f", {threads} thread{'s' if threads > 1 else ''}"
    lines = []
    for case, n_rows, repeat, goal in [
        ("40,000 rows", 40_000, 1, BATCH_GOAL),
        ("1,000 rows", 1000, 20, BATCH_GOAL),
        ("one row", 1, 200, ONE_GOAL),
    ]:
        batch = np.ascontiguousarray(rows[:n_rows])
        found = dict.fromkeys(sides, float("inf"))
        for _ in range(TURNS):
            for side, predict in sides.items():
                seconds = least(lambda predict=predict: predict(batch), repeat)
                found[side] = min(found[side], seconds * 1e9 / n_rows)
        ours = found.pop("ours")
        lines += [line(case + suffix, ours, taken, peer, goal) for peer, taken in found.items()]
    return lines


def clusters() -> list[dict[str, object]]:
    lines = []
    for cluster in ["dask", "spark", "ray"]:
        command = [sys.executable, EXAMPLES / f"{cluster}_cluster.py", "400000"]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        if "every class equal: True" not in done.stdout:
            sys.exit(f"{cluster}: the classes are not those of one process")
        rates = re.findall(r"^(.+): ([\d,]+) rows/s", done.stdout, re.MULTILINE)
        found = {side: 1e9 / int(rate.replace(",", "")) for side, rate in rates}
        case = f"400,000 rows of digits, {cluster.capitalize()}, 2 workers"
        ours, peer = found["Spinney"], found["scikit-learn"]
        lines.append(line(case, ours, peer, "scikit-learn", CLUSTER_GOAL))
    return lines


def main() -> None:
    if sys.argv[1:] == ["clusters"]:
        lines = clusters()
    else:
        threads = int(sys.argv[1])
        # The wheel starts as many threads as the process may use processors.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
        lines = batches(threads)
    print(json.dumps(lines))


if __name__ == "__main__":
    main()
