"""Times scikit-learn's training, alone or in turns with this project's.

    python3 scripts/quality/bench_train.py one FOLDER DATASET rf|et|tree N_TREES MAX_LEAF_NODES THREADS REPEATS f32|f64
    python3 scripts/quality/bench_train.py pair FOLDER BINARY [--rounds 5] [--repeats 3]

`one` prints one line of JSON, as crates/forest/examples/bench_train.rs does for the other side.
`pair` runs both sides in turns, each in a process of its own, and prints a JSON list with a line per
case, thread count and metric:

    seconds          the least time of a fit; rows are float32, scikit-learn's own type
    peak_kib         the most memory the process ever had, interpreter and data included
    growth_f64_kib   what the first fit added to the memory of a process that held float64 rows
    growth_f32_kib   the same where it held float32 rows, which scikit-learn need not copy

All are minima over the rounds. FOLDER is written by datasets.py.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

CASES = [
    ("mnist_rf10_leaves200", "mnist", "rf", 10, 200),
    ("mnist_rf100", "mnist", "rf", 100, 0),
    ("digits_rf100", "digits", "rf", 100, 0),
    ("breast_cancer_rf100", "breast_cancer", "rf", 100, 0),
]
GOAL = 1.0


def status_kib(name):
    """A line of Linux' process status, in KiB; None elsewhere."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def one(args):
    """Fits `repeats` times and prints seconds and memory."""
    import numpy as np
    from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
    from sklearn.tree import DecisionTreeClassifier

    folder = Path(args.folder)
    head = json.loads((folder / f"{args.dataset}.json").read_text(encoding="utf-8"))
    rows = np.fromfile(folder / f"{args.dataset}.rows", "<f4")
    rows = rows.reshape(head["n_rows"], head["n_features"])
    rows = rows.astype({"f32": np.float32, "f64": np.float64}[args.type], copy=False)
    labels = np.fromfile(folder / f"{args.dataset}.labels", "<u4").astype(np.int64)
    leaves = args.max_leaf_nodes or None

    def fit(seed):
        common = {"max_leaf_nodes": leaves, "random_state": seed}
        if args.estimator == "tree":
            return DecisionTreeClassifier(**common).fit(rows, labels)
        kind = ExtraTreesClassifier if args.estimator == "et" else RandomForestClassifier
        return kind(args.n_trees, n_jobs=args.threads, **common).fit(rows, labels)

    # A fit of a few rows first, so that what Python imports late is not counted as training.
    kind = RandomForestClassifier if args.estimator == "rf" else ExtraTreesClassifier
    kind(2, n_jobs=args.threads).fit(rows[:50], labels[:50])
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    except OSError:
        pass
    before = status_kib("VmRSS:")
    seconds = []
    growth = None
    for seed in range(args.repeats):
        start = time.perf_counter()
        model = fit(seed)
        seconds.append(time.perf_counter() - start)
        if seed == 0 and before is not None:
            growth = status_kib("VmHWM:") - before
    trees = getattr(model, "estimators_", [model])
    line = {
        "seconds": seconds,
        "seconds_min": min(seconds),
        "growth_kib": growth,
        "peak_kib": status_kib("VmHWM:"),
        "n_leaves": sum(int(tree.get_n_leaves()) for tree in trees),
    }
    print(json.dumps(line))


METRICS = ("seconds", "peak_kib", "growth_f64_kib", "growth_f32_kib")


def measure(command, what, repeats):
    """All metrics of one side, from two processes."""

    def run(count, kind):
        words = command + [str(word) for word in [*what, count, kind]]
        done = subprocess.run(words, check=True, capture_output=True, text=True)
        return json.loads(done.stdout)

    narrow, wide = run(repeats, "f32"), run(1, "f64")
    found = (narrow["seconds_min"], narrow["peak_kib"], wide["growth_kib"], narrow["growth_kib"])
    return dict(zip(METRICS, found))


def pair(args):
    """Runs both sides in turns and prints the ratios."""
    sides = {"ours": [str(args.binary)], "peer": [sys.executable, __file__, "one"]}
    lines = []
    for case, *fit in CASES:
        for threads in sorted({1, os.cpu_count() or 1}):
            rounds = {side: [] for side in sides}
            for _ in range(args.rounds):
                for side, command in sides.items():
                    what = [args.folder, *fit, threads]
                    rounds[side].append(measure(command, what, args.repeats))
            for metric in METRICS:
                found = {side: [found[metric] for found in rounds[side]] for side in sides}
                if None in found["ours"] + found["peer"]:
                    continue
                ours, peer = min(found["ours"]), min(found["peer"])
                line = {
                    "case": f"{case}, {threads} thread{'s' if threads > 1 else ''}",
                    "metric": metric,
                    "ours": ours,
                    "peer": peer,
                    "peer_name": "scikit-learn",
                    "ratio": round(ours / peer, 3) if peer else None,
                    "goal": GOAL,
                    "met": ours <= GOAL * peer,
                }
                lines.append(line)
                print(line, file=sys.stderr)
    print(json.dumps(lines, indent=1))


def main():
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(required=True)
    verb = verbs.add_parser("one")
    verb.set_defaults(run=one)
    verb.add_argument("folder")
    verb.add_argument("dataset")
    verb.add_argument("estimator", choices=["rf", "et", "tree"])
    for name in ("n_trees", "max_leaf_nodes", "threads", "repeats"):
        verb.add_argument(name, type=int)
    verb.add_argument("type", choices=["f32", "f64"])
    verb = verbs.add_parser("pair")
    verb.set_defaults(run=pair)
    verb.add_argument("folder", type=Path)
    verb.add_argument("binary", type=Path)
    verb.add_argument("--rounds", type=int, default=5)
    verb.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
