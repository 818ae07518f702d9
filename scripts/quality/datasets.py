"""Writes the datasets under data/ as raw numbers, with stratified splits, for both sides of a comparison.

    python3 scripts/quality/datasets.py FOLDER [--seeds 20]

Each dataset becomes NAME.rows (float32, little-endian, row by row), NAME.labels (uint32) and
NAME.json (shape, and per seed the indices of its test rows: a quarter, stratified).
"""

import argparse
import csv
import gzip
import json
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

DATA = Path(__file__).resolve().parents[2] / "data"
NAMES = ["digits", "wine", "breast_cancer", "iris", "mnist"]


def load(name):
    """Rows as float32 and labels as class indices in the order of the sorted class names."""
    if name == "mnist":
        images = gzip.decompress((DATA / "mnist-images.idx3-ubyte.gz").read_bytes())
        labels = gzip.decompress((DATA / "mnist-labels.idx1-ubyte.gz").read_bytes())
        rows = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 784)
        return rows.astype("<f4"), np.frombuffer(labels, np.uint8, offset=8).astype("<u4")
    with open(DATA / f"{name}.csv", newline="", encoding="utf-8") as file:
        table = list(csv.reader(file))[1:]
    rows = np.array([[float(cell) for cell in line[:-1]] for line in table])
    _, labels = np.unique([line[-1] for line in table], return_inverse=True)
    return rows.astype("<f4"), labels.astype("<u4")


def numbers(name):
    """Rows as float32 and labels as the numbers that they are."""
    table = np.loadtxt(DATA / f"{name}.csv", delimiter=",", skiprows=1)
    return table[:, :-1].astype("<f4"), table[:, -1]


def test_rows(labels, seed):
    """Indices of the test rows of one split."""
    indices = np.arange(len(labels))
    return train_test_split(indices, test_size=0.25, stratify=labels, random_state=seed)[1]


def write(folder, names, seeds):
    """Writes the named datasets into `folder`, with a split for each seed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        rows, labels = load(name)
        (folder / f"{name}.rows").write_bytes(rows.tobytes())
        (folder / f"{name}.labels").write_bytes(labels.tobytes())
        splits = [{"seed": seed, "test": test_rows(labels, seed).tolist()} for seed in seeds]
        head = {"n_rows": rows.shape[0], "n_features": rows.shape[1], "splits": splits}
        (folder / f"{name}.json").write_text(json.dumps(head), encoding="utf-8")


def main():
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=20)
    args = parser.parse_args()
    write(args.folder, NAMES, range(args.seeds))


if __name__ == "__main__":
    main()
