"""Predicts batches of rows with other libraries, in turns with this project.

    python3 scripts/host/host.py FOLDER BINARY [--rounds 5]

Needs what requirements.txt names, and gcc for tl2cgen. FOLDER is written by
scripts/quality/datasets.py; models are put there too. BINARY is crates/batch/examples/bench_host.rs.

Every side gets the same float32 rows in memory and gives a class per row; forests add up the class
proportions of leaves. Small data sets are repeated, so that a call's own cost does not count. Prints JSON with a line per case, number of threads and peer: the least
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

import lightgbm
import numpy as np
import onnxruntime
import skops.io
import tl2cgen
import treelite
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier
from sklearn.naive_bayes import GaussianNB

# What is fitted, on which data and readings of which sensor, and what share of the readings is missing.
CASES = {
    "mnist_rf10_leaves200": ("mnist", "u8", 0, lambda: forest(10, max_leaf_nodes=200)),
    "mnist_rf100": ("mnist", "u8", 0, lambda: forest(100)),
    "digits_rf100": ("digits", "u8", 0, lambda: forest(100)),
    "bc_rf100_depth6": ("breast_cancer", "f32", 0, lambda: forest(100, max_depth=6)),
    "digits_lightgbm50": ("digits", "u8", 0, lambda: boosting(50)),
    "bc_lightgbm100": ("breast_cancer", "f32", 0, lambda: boosting(100)),
    "bc_lightgbm100_gaps": ("breast_cancer", "f32", 0.1, lambda: boosting(100)),
    "digits_bayes": ("digits", "u8", 0, lambda: GaussianNB(var_smoothing=1e-3)),
}
# Time per row, against each peer on as many threads; and against ourselves on one.
GOAL = 0.25
GROWTH_GOAL = 1.2
# gcc had not compiled the C of mnist_rf100 after 17 minutes on a busy machine.
TL2CGEN_SPLITS_MAX = 5_000
# A small data set is repeated until it has so many rows.
ROWS_MIN = 5_000
# What a side gets per round, in seconds and in calls.
ROUND_SECONDS = 1.0
ROUND_CALLS_MAX = 40


def forest(n_trees, **limits):
    """A forest that is not fitted yet."""
    return RandomForestClassifier(n_trees, random_state=1, n_jobs=-1, **limits)


def boosting(n_rounds):
    """Boosted trees that are not fitted yet."""
    return lightgbm.LGBMClassifier(n_estimators=n_rounds, random_state=1, verbose=-1)


def load(folder, data):
    """Rows and labels of a data set."""
    head = json.loads((folder / f"{data}.json").read_text(encoding="utf-8"))
    rows = np.fromfile(folder / f"{data}.rows", "<f4").reshape(head["n_rows"], head["n_features"])
    return rows, np.fromfile(folder / f"{data}.labels", "<u4").astype(np.int64)


class Peers:
    """A fitted model in the hands of each library: `calls(threads)` by name."""

    def __init__(self, folder, case, model, rows):
        self.model = model
        self.rows = rows
        self.onnx = None
        self.treelite = None
        self.library = None
        if isinstance(model, lightgbm.LGBMClassifier):
            self.treelite = treelite.frontend.from_lightgbm(model.booster_)
        else:
            if not np.isnan(rows).any():
                options = {"zipmap": False}
                self.onnx = to_onnx(model, rows[:1], options=options).SerializeToString()
            if isinstance(model, RandomForestClassifier):
                self.treelite = treelite.sklearn.import_model(model)
        if self.treelite is not None and n_splits(model) <= TL2CGEN_SPLITS_MAX:
            self.library = folder / f"{case}.so"
            options = {"parallel_comp": min(self.treelite.num_tree, 100)}
            tl2cgen.export_lib(
                self.treelite, toolchain="gcc", libpath=str(self.library), params=options
            )

    def calls(self, threads):
        """A function per library that predicts all rows."""
        model, trees, rows = self.model, self.treelite, self.rows
        found = {}
        if isinstance(model, lightgbm.LGBMClassifier):
            found["LightGBM"] = lambda: classes(
                model.booster_.predict(rows, raw_score=True, num_threads=threads)
            )
        else:
            if isinstance(model, RandomForestClassifier):
                model.set_params(n_jobs=threads)
            found["scikit-learn"] = lambda: model.predict(rows)
        if self.onnx is not None:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            options.inter_op_num_threads = 1
            providers = ["CPUExecutionProvider"]
            session = onnxruntime.InferenceSession(self.onnx, options, providers=providers)
            found["onnxruntime"] = lambda: session.run(["label"], {"X": rows})[0]
        if trees is not None:
            found["treelite GTIL"] = lambda: classes(
                treelite.gtil.predict(trees, rows, nthread=threads, pred_margin=True)
            )
        if self.library is not None:
            compiled = tl2cgen.Predictor(str(self.library), nthread=threads)
            matrix = tl2cgen.DMatrix(rows)
            found["tl2cgen"] = lambda: classes(compiled.predict(matrix, pred_margin=True))
        return found


def n_splits(model):
    """The splits of all trees."""
    if isinstance(model, lightgbm.LGBMClassifier):
        return sum(tree["num_leaves"] - 1 for tree in model.booster_.dump_model()["tree_info"])
    return sum(tree.tree_.node_count // 2 for tree in model.estimators_)


def classes(scores):
    """The class of each row from scores of any shape that ends in classes, or one for two."""
    scores = scores.reshape(len(scores), -1)
    return np.argmax(scores, axis=-1) if scores.shape[1] > 1 else (scores[:, 0] > 0).astype(int)


def least(call):
    """Seconds of the fastest call of a round."""
    seconds = []
    while not seconds or (len(seconds) < ROUND_CALLS_MAX and sum(seconds) < ROUND_SECONDS):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def ours(words):
    """What the binary prints: seconds, or with no calls the classes."""
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


def compare(args, case):
    """All lines of one case, and how many rows each peer decides differently."""
    data, sensor, gaps, make = CASES[case]
    rows, labels = load(args.folder, data)
    if gaps:
        rows = rows.copy()
        rows[np.random.default_rng(1).random(rows.shape) < gaps] = np.nan
    model = make().fit(rows, labels)
    rows = np.tile(rows, (-(-ROWS_MIN // len(rows)), 1))
    saved = args.folder / (f"{case}.txt" if "lightgbm" in case else f"{case}.skops")
    if "lightgbm" in case:
        model.booster_.save_model(saved)
    else:
        skops.io.dump(model, saved)
    peers = Peers(args.folder, case, model, rows)
    raw = args.folder / f"{case}.rows"
    raw.write_bytes(rows.tobytes())
    words = [args.binary, saved, raw, sensor]
    # The binary compares every row with the quantized model, and ends with an error if one differs.
    found = np.array(ours([*words, 1, 0])["classes"])
    lines = []
    all_cores = os.cpu_count() or 1
    for threads in sorted({1, all_cores}):
        calls = peers.calls(threads)
        apart = {name: int((call() != found).sum()) for name, call in calls.items()}
        best = {name: float("inf") for name in [*calls, "ours"]}
        for _ in range(args.rounds):
            known = min(best["ours"], ROUND_SECONDS)
            n_calls = min(ROUND_CALLS_MAX, max(2, int(ROUND_SECONDS / known)))
            seconds = ours([*words, threads, n_calls])["seconds"]
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
    parser.add_argument("--cases", nargs="*", default=CASES, help="all, unless some are named")
    args = parser.parse_args()
    cases = [compare(args, case) for case in args.cases]
    lines = [line for lines, _ in cases for line in lines]
    apart = [line for _, told in cases for line in told]
    print(json.dumps({"lines": lines, "apart": apart}, indent=1))


if __name__ == "__main__":
    main()
