"""Fits the models of trees that add for `cargo xtask bench agreement`, and writes them to lab/models.

    python3 scripts/agreement/models.py            writes the models
    python3 scripts/agreement/models.py --check    writes nothing; exit code 1 and the names of what differs

Each is fitted on three of four rows of a file of data/, in one thread. The bytes of a `.skops` file
hold addresses of Python and depend on its zlib, so the check compares the arrays in it. Needs requirements.txt.
"""

import argparse
import io
import sys
import zipfile
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
import skops.io
import xgboost
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    IsolationForest,
    RandomForestRegressor,
)

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "lab/models"
TREES = {"n_estimators": 20, "random_state": 1}
LIGHTGBM = {"num_leaves": 12, "seed": 1, "verbose": -1, "num_threads": 1, "deterministic": True, "force_row_wise": True}
XGBOOST = {"max_depth": 4, "eta": 0.3, "seed": 1, "nthread": 1}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare only; write nothing")
    check = parser.parse_args().check
    OUT.mkdir(exist_ok=True)
    made = models()
    differing = []
    for name, content in made.items():
        path = OUT / name
        if not check:
            path.write_bytes(content)
        elif not path.exists() or held(path.read_bytes()) != held(content):
            differing.append(f"lab/models/{name} is not what scripts/agreement/models.py makes")
    differing += [f"lab/models/{path.name} is made by nobody" for path in OUT.iterdir() if path.name not in made]
    if differing:
        sys.exit("\n".join(differing))


def held(content):
    """What a file holds: the arrays, where it is an archive."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return [archive.read(name) for name in archive.namelist() if name != "schema.json"]


def models():
    """Files by name."""
    air, pm = part("air_regression", "pm")
    levels, level = part("air_levels", "level")
    motes, event = part("mote_anomaly", "event")
    cells, diagnosis = part("breast_cancer", "diagnosis")
    digits, digit = part("digits", "digit")
    codes = {name: at for at, name in enumerate(sorted(set(level)))}
    level = level.map(codes)
    benign = diagnosis == "benign"
    return {
        "air-random-forest.skops": sklearn(RandomForestRegressor(max_depth=8, **TREES).fit(air, pm)),
        # Gaps, so that it learns on which side missing readings belong.
        "air-xgboost.ubj": boosted(holes(air), pm, 40, objective="reg:squarederror"),
        "levels-lightgbm.txt": light(levels, level, 15, objective="multiclass", num_class=3),
        "levels-xgboost.ubj": boosted(levels, level, 15, objective="multi:softprob", num_class=3),
        "motes-lightgbm.txt": light(motes, event, 30, objective="binary"),
        "cells-gradient-boosting.skops": sklearn(GradientBoostingClassifier(max_depth=3, **TREES).fit(cells, diagnosis)),
        "cells-xgboost.ubj": boosted(cells, benign, 30, objective="binary:logistic"),
        "cells-isolation-forest.skops": sklearn(IsolationForest(contamination=0.05, **TREES).fit(cells[benign])),
        "digits-lightgbm.txt": light(digits, digit, 10, objective="multiclass", num_class=10),
        "digits-extra-trees.skops": sklearn(ExtraTreesRegressor(max_leaf_nodes=100, **TREES).fit(digits, digit)),
    }


def part(name, label):
    """Rows and labels that a model is fitted on; words are categories."""
    frame = pd.read_csv(ROOT / f"data/{name}.csv")
    frame = frame[np.arange(len(frame)) % 4 != 0]
    rows = frame.drop(columns=label)
    for column in rows.columns:
        if not pd.api.types.is_numeric_dtype(rows[column]):
            words = sorted(rows[column].unique())
            rows[column] = pd.Categorical(rows[column].astype(object), categories=words)
    return rows, frame[label]


def holes(rows):
    drawn = np.random.default_rng(1).random(rows.shape)
    return rows.mask(drawn < 0.1)


def sklearn(model):
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(model))) as archive:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
            for name in archive.namelist():
                packed.writestr(zipfile.ZipInfo(name), archive.read(name), zipfile.ZIP_DEFLATED, 9)
    return out.getvalue()


def light(rows, labels, rounds, **given):
    return lightgbm.train({**LIGHTGBM, **given}, lightgbm.Dataset(rows, labels), rounds).model_to_string().encode()


def boosted(rows, labels, rounds, **given):
    matrix = xgboost.DMatrix(rows, labels, enable_categorical=True)
    return bytes(xgboost.train({**XGBOOST, **given}, matrix, rounds).save_raw("ubj"))


if __name__ == "__main__":
    main()
