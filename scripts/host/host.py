"""Predicts batches of rows with other libraries, in turns with this project.

    python3 scripts/host/host.py FOLDER BINARY [--rounds 5]

Needs what requirements.txt names, and gcc for tl2cgen. FOLDER is written by
scripts/quality/datasets.py; models are put there too. BINARY is crates/batch/examples/bench_host.rs.

Every side gets the same float32 rows in memory and gives a class per row; all add up the class
proportions of leaves. Prints JSON with a line per case, number of threads and peer: the least
nanoseconds per row of any call. That is what a machine with other things to do leaves of a side's
speed; sides take turns, about a second each, so that all of them meet the same moments.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime
import skops.io
import tl2cgen
import treelite
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier

CASES = [
    ("mnist_rf10_leaves200", "mnist", 10, 200),
    ("mnist_rf100", "mnist", 100, None),
    ("digits_rf100", "digits", 100, None),
]
# Time per row, against each peer on as many threads; and against ourselves on one.
GOAL = 0.25
GROWTH_GOAL = 1.2
# gcc had not compiled the C of mnist_rf100 after 17 minutes on a busy machine.
TL2CGEN_SPLITS_MAX = 5_000
# What a side gets per round, in seconds and in calls.
ROUND_SECONDS = 1.0
ROUND_CALLS_MAX = 40


def load(folder, data):
    """Rows and labels of a data set."""
    head = json.loads((folder / f"{data}.json").read_text(encoding="utf-8"))
    rows = np.fromfile(folder / f"{data}.rows", "<f4").reshape(head["n_rows"], head["n_features"])
    return rows, np.fromfile(folder / f"{data}.labels", "<u4").astype(np.int64)


class Peers:
    """A fitted forest in the hands of each library: `calls(threads)` by name."""

    def __init__(self, folder, case, model, rows):
        self.model = model
        self.rows = rows
        self.onnx = to_onnx(model, rows[:1], options={"zipmap": False}).SerializeToString()
        self.treelite = treelite.sklearn.import_model(model)
        self.library = None
        if sum(tree.tree_.node_count // 2 for tree in model.estimators_) <= TL2CGEN_SPLITS_MAX:
            self.library = folder / f"{case}.so"
            options = {"parallel_comp": len(model.estimators_)}
            tl2cgen.export_lib(
                self.treelite, toolchain="gcc", libpath=str(self.library), params=options
            )

    def calls(self, threads):
        """A function per library that predicts all rows."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            self.onnx, options, providers=["CPUExecutionProvider"]
        )
        model, forest, rows = self.model, self.treelite, self.rows
        model.set_params(n_jobs=threads)
        found = {
            "scikit-learn": lambda: model.predict(rows),
            "onnxruntime": lambda: session.run(["label"], {"X": rows})[0],
            "treelite GTIL": lambda: classes(treelite.gtil.predict(forest, rows, nthread=threads)),
        }
        if self.library is not None:
            compiled = tl2cgen.Predictor(str(self.library), nthread=threads)
            matrix = tl2cgen.DMatrix(rows)
            found["tl2cgen"] = lambda: classes(compiled.predict(matrix))
        return found


def classes(scores):
    """The class of each row from scores of any shape that ends in classes."""
    return np.argmax(scores.reshape(len(scores), -1), axis=-1)


def least(call):
    """Seconds of the fastest call of a round."""
    seconds = []
    while not seconds or (len(seconds) < ROUND_CALLS_MAX and sum(seconds) < ROUND_SECONDS):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def ours(binary, model, rows, threads, n_calls):
    """What the binary prints: seconds, or with no calls the classes."""
    words = [binary, model, rows, threads, n_calls]
    done = subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def line(case, metric, mine, peer, peer_name, goal):
    """One comparison; lower is better."""
    return {
        "case": case,
        "metric": metric,
        "ours": round(mine, 1),
        "peer": round(peer, 1),
        "peer_name": peer_name,
        "ratio": round(mine / peer, 3),
        "goal": goal,
        "met": mine <= goal * peer,
    }


def compare(args, case, data, n_trees, leaves):
    """All lines of one case, and how many rows each peer decides differently."""
    rows, labels = load(args.folder, data)
    model = RandomForestClassifier(n_trees, max_leaf_nodes=leaves, random_state=1, n_jobs=-1)
    model.fit(rows, labels)
    saved = args.folder / f"{case}.skops"
    skops.io.dump(model, saved)
    peers = Peers(args.folder, case, model, rows)
    raw = args.folder / f"{data}.rows"
    # The binary compares every row with the quantized model, and ends with an error if one differs.
    found = np.array(ours(args.binary, saved, raw, 1, 0)["classes"])
    lines = []
    all_cores = os.cpu_count() or 1
    for threads in sorted({1, all_cores}):
        calls = peers.calls(threads)
        apart = {name: int((call() != found).sum()) for name, call in calls.items()}
        best = {name: float("inf") for name in [*calls, "ours"]}
        for _ in range(args.rounds):
            known = min(best["ours"], ROUND_SECONDS)
            n_calls = min(ROUND_CALLS_MAX, max(2, int(ROUND_SECONDS / known)))
            seconds = ours(args.binary, saved, raw, threads, n_calls)["seconds"]
            best["ours"] = min(best["ours"], *seconds)
            for name, call in calls.items():
                best[name] = min(best[name], least(call))
        per_row = {name: seconds / len(rows) * 1e9 for name, seconds in best.items()}
        mine = per_row.pop("ours")
        suffix = f"{case}, {threads} thread{'s' if threads > 1 else ''}"
        lines += [line(suffix, "ns_per_row", mine, peer, name, GOAL) for name, peer in per_row.items()]
        if threads == 1:
            alone = mine
        else:
            name = f"spinney, 1 thread / {threads}"
            lines.append(line(suffix, "ns_per_row", mine, alone / threads, name, GROWTH_GOAL))
    told = [
        {"case": case, "rows": len(rows), "peer_name": name, "apart": count}
        for name, count in apart.items()
    ]
    print(json.dumps([lines, told]), file=sys.stderr)
    return lines, told


def main():
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("binary", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    cases = [compare(args, *case) for case in CASES]
    lines = [line for lines, _ in cases for line in lines]
    apart = [line for _, told in cases for line in told]
    print(json.dumps({"lines": lines, "apart": apart}, indent=1))


if __name__ == "__main__":
    main()
