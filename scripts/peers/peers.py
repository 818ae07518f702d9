"""Fits the models of `cargo xtask bench device` and has the other libraries write them as C.

    python3 scripts/peers/peers.py FOLDER [--models NAME,NAME]

Needs what requirements.txt names and, for emlearn's naive Bayes, a C compiler for the host.

Each model gets a folder FOLDER/NAME with

    model.json           what it is, what scikit-learn says of it, and which sources there are
    model.skops, .ubj    the model on raw readings, for this project; or catboost.json
    train.npy, test.npy  raw readings, float64
    *-labels.npy         class indices
    rows-*.bin           the test rows as the sources take them, little-endian
    *.c, *.cpp           one source per peer and form, with `predict(const reading *)`

A regressor's `predict` returns the bits of its value as a single.

Trees are fitted once, on features scaled to int16 as emlearn asks, but boosted ones, which emlearn does
not take, on raw readings. The model on raw readings is that
same model with each threshold taken back to the largest float32 whose scaled value it lets through,
so both sides walk the same trees and decide every row alike.
"""

import argparse
import contextlib
import json
import sys
import tempfile
from pathlib import Path

import emlearn
import m2cgen
import micromlgen
import numpy as np
import skops.io
import xgboost
from catboost import CatBoostClassifier
from sklearn.base import is_regressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

from scaling import Scaling, unscale

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "quality"))
import datasets  # noqa: E402

SEED = 1
# What m2cgen asks of a classifier without knowing the library's defaults.
XGBOOST = {"base_score": 0.5, "num_parallel_tree": 1, "random_state": SEED, "n_jobs": 1}
CATBOOST = {"random_seed": SEED, "thread_count": 1, "verbose": 0, "allow_writing_files": False}
MODELS = {
    "iris_dt4": ("iris", DecisionTreeClassifier(max_depth=4, random_state=SEED)),
    "digits_rf10": ("digits", RandomForestClassifier(10, max_depth=8, random_state=SEED)),
    "digits_et30": ("digits", ExtraTreesClassifier(30, max_depth=10, random_state=SEED)),
    "bc_rf20": ("breast_cancer", RandomForestClassifier(20, max_depth=6, random_state=SEED)),
    "mnist_rf10": ("mnist", RandomForestClassifier(10, max_leaf_nodes=200, random_state=SEED)),
    "digits_nb": ("digits", GaussianNB()),
    "wine_nb": ("wine", GaussianNB()),
    "bc_nb": ("breast_cancer", GaussianNB()),
    "air_rf20": ("air_regression", RandomForestRegressor(20, max_depth=8, random_state=SEED)),
    "air_gb30": ("air_regression", GradientBoostingRegressor(n_estimators=30, max_depth=4, random_state=SEED)),
    "bc_xgb30": ("breast_cancer", xgboost.XGBClassifier(n_estimators=30, max_depth=3, **XGBOOST)),
    "digits_xgb8": ("digits", xgboost.XGBClassifier(n_estimators=8, max_depth=3, **XGBOOST)),
    "bc_cat50": ("breast_cancer", CatBoostClassifier(iterations=50, depth=6, **CATBOOST)),
}
# What emlearn does not take, and what comes with a file of its own.
BOOSTED = {
    GradientBoostingRegressor: "model.skops",
    xgboost.XGBClassifier: "model.ubj",
    CatBoostClassifier: "catboost.json",
}
# Soft votes at the precision that emlearn's documentation gives as the most.
SOFT_LEAF_BITS = 8


def main():
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", default=",".join(MODELS))
    args = parser.parse_args()
    for name in args.models.split(","):
        if name not in MODELS:
            sys.exit(f"no model `{name}`; there are {', '.join(MODELS)}")
        write(args.folder / name, name)


def write(folder, name):
    """Fits one model and writes everything that is needed of it."""
    folder.mkdir(parents=True, exist_ok=True)
    dataset, model = MODELS[name]
    has_values = is_regressor(model)
    rows, labels = datasets.numbers(dataset) if has_values else datasets.load(dataset)
    labels = labels if has_values else labels.astype(int)
    if dataset == "breast_cancer":
        # scikit-learn's own order of the two classes, which the split depends on.
        labels = 1 - labels
    train, test, train_labels, test_labels = train_test_split(
        rows, labels, test_size=0.25, stratify=None if has_values else labels, random_state=0
    )
    file = BOOSTED.get(type(model), "model.skops")
    if type(model) in BOOSTED:
        model.fit(train, train_labels)
        facts = {**of_sums(model, test, test_labels), "scaling": "none"}
        sources = emlearn_trees(model)
    elif not isinstance(model, GaussianNB):
        scaling = Scaling.of(train)
        model.fit(scaling.scaled(train), train_labels)
        seen = scaling.scaled(test)
        facts = of_sums(model, seen, test_labels) if has_values else of_trees(model, seen, test_labels)
        facts["scaling"] = scaling.text
        (folder / "rows-int16.bin").write_bytes(scaling.scaled(test).astype("<i2").tobytes())
        sources = emlearn_trees(model)
        unscale(model, scaling, train, test)
        said = "values" if has_values else "soft"
        assert facts[said] == model.predict(test).tolist(), "the model on raw readings is another"
        assert has_values or facts["hard"] == hard_votes(model, test), "the model on raw readings is another"
    else:
        model.fit(train, train_labels)
        soft = model.predict(test).tolist()
        facts = {"soft": soft, "accuracy": score(soft, test_labels), "scaling": "none"}
        sources = emlearn_bayes(model)
    sources += others(model)
    (folder / "rows-float.bin").write_bytes(test.astype("<f4").tobytes())
    for source in sources:
        if "text" in source:
            (folder / source["file"]).write_text(source.pop("text"), encoding="utf-8")
    if file == "catboost.json":
        model.save_model(folder / file, format="json")
    elif file == "model.ubj":
        model.save_model(folder / file)
    else:
        skops.io.dump(model, folder / file)
    for part, part_rows, part_labels in (("train", train, train_labels), ("test", test, test_labels)):
        np.save(folder / f"{part}.npy", part_rows.astype(np.float64))
        np.save(folder / f"{part}-labels.npy", part_labels.astype(np.float64 if has_values else np.int64))
    head = {
        "name": name,
        "dataset": dataset,
        "estimator": type(model).__name__,
        "file": file,
        "n_rows": len(test),
        "n_features": test.shape[1],
        "n_classes": 1 if has_values else len(model.classes_),
        **facts,
        "sources": sources,
    }
    (folder / "model.json").write_text(json.dumps(head), encoding="utf-8")


def of_trees(model, rows, labels):
    """What scikit-learn says of an ensemble on rows as it was fitted on."""
    trees = members(model)
    # A path has one node more than it has splits.
    levels = sum(tree.decision_path(rows).sum(axis=1).A1 - 1 for tree in trees)
    soft = model.predict(rows).tolist()
    hard = hard_votes(model, rows)
    return {
        "n_trees": len(trees),
        "n_splits": int(sum((tree.tree_.children_left >= 0).sum() for tree in trees)),
        "levels": float(levels.mean()),
        "soft": soft,
        "hard": hard,
        "accuracy": score(soft, labels),
        "accuracy_hard": score(hard, labels),
    }


def of_sums(model, rows, labels):
    """What the library says of an ensemble that adds on rows as it was fitted on."""
    predicted = model.predict(rows).tolist()
    if isinstance(model, xgboost.XGBClassifier):
        trees = [json.loads(tree) for tree in model.get_booster().get_dump(dump_format="json")]
        depths = [dict(leaves(tree)) for tree in trees]
        reached = model.get_booster().predict(xgboost.DMatrix(rows), pred_leaf=True)
        reached = reached.reshape(len(rows), len(trees))
        levels = sum(np.array([depths[at][leaf] for leaf in reached[:, at]]) for at in range(len(trees)))
        n_splits = sum(len(depth) - 1 for depth in depths)
    elif isinstance(model, CatBoostClassifier):
        # All splits of a level are one, and every path asks all levels.
        trees = model.get_tree_leaf_counts()
        levels = np.full(len(rows), np.log2(trees).sum())
        n_splits = int(sum(trees - 1))
    else:
        trees = members(model)
        levels = sum(tree.decision_path(rows).sum(axis=1).A1 - 1 for tree in trees)
        n_splits = int(sum((tree.tree_.children_left >= 0).sum() for tree in trees))
    facts = {"n_trees": len(trees), "n_splits": n_splits, "levels": float(levels.mean())}
    if is_regressor(model):
        return {**facts, "values": predicted, "accuracy": float(model.score(rows, labels))}
    return {**facts, "soft": predicted, "accuracy": score(predicted, labels)}


def leaves(node, depth=0):
    """Leaves of one of XGBoost's trees, and how many splits lie above each."""
    if "leaf" in node:
        yield node["nodeid"], depth
    for child in node.get("children", []):
        yield from leaves(child, depth + 1)


def members(model):
    return np.ravel(getattr(model, "estimators_", [model])).tolist()


def hard_votes(model, rows):
    """The class that most trees name, the lowest among equals."""
    votes = np.zeros((len(rows), len(model.classes_)), int)
    for tree in members(model):
        votes[np.arange(len(rows)), tree.predict_proba(rows).argmax(axis=1)] += 1
    return votes.argmax(axis=1).tolist()


def score(predicted, labels):
    return float((np.array(predicted) == labels).mean())


def source(peer, form, voting, reading, file, make):
    """A source and what it is; without a text but with a reason where the peer refuses."""
    described = {"peer": peer, "form": form, "voting": voting, "reading": reading, "file": file}
    try:
        return {**described, "text": make()}
    except Exception as error:  # A refusal may be any exception; the reason is what is wanted.
        reason = str(error).splitlines()[0] if str(error) else "no reason given"
        return {**described, "refused": f"{type(error).__name__}: {reason}"}


def emlearn_trees(model):
    """emlearn's inline and loadable forms, each with hard and soft votes; of values, with single leaves."""
    sources = []
    of_votes = hasattr(model, "estimators_") or hasattr(model, "tree_")
    of_votes = of_votes and not is_regressor(model)
    votings = (("hard", 0), ("soft", SOFT_LEAF_BITS)) if of_votes else (("sum", None),)
    for form in ("inline", "loadable"):
        for voting, leaf_bits in votings:

            def make(form=form, leaf_bits=leaf_bits):
                converted = emlearn.convert(model, method=form, dtype="int16_t", leaf_bits=leaf_bits)
                predicted = "peer_predict(row, N_FEATURES)"
                return with_predict(converted.save(name="peer"), delivered(model, predicted))

            file = f"emlearn-{form}-{voting}.c"
            sources.append(source("emlearn", f"{form} int16", voting, "int16", file, make))
    return sources


def emlearn_bayes(model):
    """emlearn's naive Bayes, which takes unscaled floats."""

    def make():
        # The wrapper compiles the model for the host at once, in a folder `tmp` right here.
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            converted = emlearn.convert(model)
        return with_predict(converted.save(name="peer"), "return peer_predict(row, N_FEATURES);")

    return [source("emlearn", "Q16.16", "soft", "float", "emlearn-bayes.c", make)]


def others(model):
    """m2cgen and micromlgen on raw readings in single precision."""
    adds = is_regressor(model) or type(model) in BOOSTED

    def with_m2cgen():
        # It writes doubles; as singles it is at its best on these cores.
        text = m2cgen.export_to_c(model, function_name="peer_scores").replace("double", "float")
        text = text.replace("exp(", "expf(")
        return with_predict(text, VALUE.format("peer_scores((float *)row)") if is_regressor(model) else ARGMAX)

    def with_micromlgen():
        text = micromlgen.port(model, classname="Peer")
        predict = delivered(model, "peer.predict((float *)row)")
        return with_predict(text, f"static Eloquent::ML::Port::Peer peer; {predict}", 'extern "C" ')

    return [
        source("m2cgen", "float", "sum" if adds else "soft", "float", "m2cgen.c", with_m2cgen),
        # Where there are trees with votes, it counts them.
        source("micromlgen", "float", "sum" if adds else "hard", "float", "micromlgen.cpp", with_micromlgen),
    ]


# What stands for a value in the place of a class.
VALUE = """float value = {};
    int bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;"""


def delivered(model, predicted):
    """Returns what a call gives: a class, or the bits of a value."""
    return VALUE.format(predicted) if is_regressor(model) else f"return {predicted};"


ARGMAX = """float scores[N_CLASSES];
    peer_scores((float *)row, scores);
    int best = 0;
    for (int class = 1; class < N_CLASSES; class++) {
        if (scores[class] > scores[best]) {
            best = class;
        }
    }
    return best;"""


def with_predict(text, body, linkage=""):
    return f'#include "harness.h"\n{text}\n{linkage}int predict(const reading *row) {{\n    {body}\n}}\n'


if __name__ == "__main__":
    main()
