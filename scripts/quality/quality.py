"""Compares the accuracy of this project's trees and forests with scikit-learn's, seed by seed.

    python3 scripts/quality/quality.py FOLDER BINARY [--seeds 20] [--first 0] [--trees 30]
        [--datasets mnist …] [--write docs/training.md]

BINARY is crates/forest/examples/quality.rs, built in release. Every seed has a stratified split of
its own, the same for both sides, and is the seed of both models. The tables go to standard output,
or between the markers of the file given by --write.
"""

import argparse
import json
import math
import subprocess
from pathlib import Path

import numpy as np
import sklearn
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from datasets import NAMES, load, write

BEGIN = "<!-- begin: written by scripts/quality/quality.py -->"
END = "<!-- end -->"
KINDS = {"tree": "DecisionTree", "forest": "RandomForest", "extra": "ExtraTrees"}
# The goal, in percentage points: the mean difference, or two standard errors, whichever is wider.
GOAL = 0.5


def peer_accuracies(name, folder, n_trees):
    """scikit-learn's accuracy per (kind, seed)."""
    rows, labels = load(name)
    head = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    found = {}
    for split in head["splits"]:
        seed, test = split["seed"], split["test"]
        train = np.setdiff1d(np.arange(len(labels)), test)
        models = {
            "tree": DecisionTreeClassifier(random_state=seed),
            "forest": RandomForestClassifier(n_trees, random_state=seed, n_jobs=-1),
            "extra": ExtraTreesClassifier(n_trees, random_state=seed, n_jobs=-1),
        }
        for kind, model in models.items():
            model.fit(rows[train], labels[train])
            found[kind, seed] = float(np.mean(model.predict(rows[test]) == labels[test]))
    return found


def our_accuracies(name, folder, binary, n_trees):
    """This project's accuracy per (kind, seed)."""
    command = [str(binary), str(folder), str(n_trees), name]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    found = map(json.loads, lines)
    return {(line["estimator"], line["seed"]): line["accuracy"] for line in found}


def compare(folder, binary, names, seeds, n_trees):
    """The rows of both tables."""
    n_seeds = len(seeds)
    summary, details = [], []
    for name in names:
        peer = peer_accuracies(name, folder, n_trees)
        ours = our_accuracies(name, folder, binary, n_trees)
        for kind, title in KINDS.items():
            pairs = [(ours[kind, seed] * 100, peer[kind, seed] * 100) for seed in seeds]
            differences = [a - b for a, b in pairs]
            mean = sum(differences) / n_seeds
            variance = sum((d - mean) ** 2 for d in differences) / (n_seeds - 1)
            error = math.sqrt(variance / n_seeds)
            holds = mean >= -max(GOAL, 2 * error)
            summary.append(
                f"| {name} | {title} | {sum(a for a, _ in pairs) / n_seeds:.2f} "
                f"| {sum(b for _, b in pairs) / n_seeds:.2f} | {mean:+.2f} | {error:.2f} "
                f"| {'holds' if holds else 'FAILS'} |"
            )
            cells = " | ".join(f"{d:+.1f}" for d in differences)
            details.append(f"| {name} | {title} | {cells} |")
    return summary, details


def render(summary, details, seeds, n_trees):
    """Both tables as Markdown."""
    head = [
        f"scikit-learn {sklearn.__version__}, {n_trees} trees per forest, {len(seeds)} seeds, "
        "accuracy on the held-out quarter in per cent; differences (ours less scikit-learn's) in "
        "percentage points.",
        "",
        "| dataset | estimator | ours | scikit-learn | mean difference | standard error | goal |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- |",
    ]
    middle = [
        "",
        "The difference of every seed:",
        "",
        "| dataset | estimator | " + " | ".join(str(seed) for seed in seeds) + " |",
        "| --- | --- | " + " | ".join("---:" for _ in seeds) + " |",
    ]
    return "\n".join(head + summary + middle + details)


def main():
    """Runs the command line; exit code 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("binary", type=Path)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--datasets", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--trees", type=int, default=30)
    parser.add_argument("--write", type=Path)
    args = parser.parse_args()
    seeds = range(args.first, args.first + args.seeds)
    write(args.folder, args.datasets, seeds)
    summary, details = compare(args.folder, args.binary, args.datasets, seeds, args.trees)
    tables = render(summary, details, seeds, args.trees)
    if args.write:
        text = args.write.read_text(encoding="utf-8")
        before, rest = text.split(BEGIN, 1)
        after = rest.split(END, 1)[1]
        args.write.write_text(f"{before}{BEGIN}\n{tables}\n{END}{after}", encoding="utf-8")
    else:
        print(tables)
    raise SystemExit(any("FAILS" in line for line in summary))


if __name__ == "__main__":
    main()
