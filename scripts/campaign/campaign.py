"""Draws models, trains them with scikit-learn, and holds Spinney to every row that it predicts.

Each number of a seed draws one model: its kind, size, scaler or selection; the scale of each
feature, from denormal float32 to 1e30, or an integer type; the names of features and classes, with
every kind of character; the order of the columns in the test file; and what `[quantize]` asks for.
Half of the test rows are data, half lie on thresholds and on the float32 and float64 numbers next to
them. Three things must hold on every row:

* the float model gives scikit-learn's class,
* Q15 gives the float model's class, or the certificate lists the row,
* a certificate of every input and every vote lists none and no row differs.

One model in `--device-every` goes on to an image for a Cortex-M0 or M4F, whose class of every row in
the emulator must be the host's, and whose tables the checker must confirm.

A model that Spinney refuses counts by what it says; anything that is not an answer (a panic, an exit
code beyond 0 and 2) is a failure, and so is a refusal that is not on the list of those that are meant.

    python3 -m venv ENV && ENV/bin/pip install -r scripts/campaign/requirements.txt
    ENV/bin/python scripts/campaign/campaign.py --models 1000 [--seed 1] [--first 0] [--jobs 2]

writes `reports/campaign.md`; a number that failed is run again with `--only NUMBER --keep FOLDER`.
"""

import argparse
import collections
import csv
import json
import shutil
import subprocess
import sys
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import skops.io
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier

warnings.filterwarnings("ignore")
ROOT = Path(__file__).resolve().parents[2]
ROWS_AT_THRESHOLDS = 120

# What a refusal may say, each with the reason why it is one.
MEANT = {
    "expected a finite number": "a reading, mean or variance that float64 does not hold",
    "within the range of float32": "a reading beyond float32",
    "for which no coding that it allows has 8 bits": "codes = \"8-bit\" where none has 8 bits",
    "8-bit codes for naive Bayes": "codes = \"8-bit\" for naive Bayes",
    "coding = \"identity\" for readings that are no 16-bit integers": "an identity for wide readings",
    "rank coding": "a rank coding for naive Bayes",
    "as its type declares": "a type that the training readings do not have",
}

ODD = ["ax", "a b", "a,b", 'q"uote', "semi;colon", "it's", "x3", "x0", "Ünïcode", "日本語", "emoji🙂",
       "<b>bold</b>", "*star*", "_under_", "a|b", "back\\slash", "`tick`", "[link](x)", "$cost",
       "tab\tname", "per%cent", "#hash", "a=b", "=1+1", "-", "+", "@at", "1", "1.0", "-3", "NaN",
       "null", "true", "label2", "..", "a/b", "C:\\x", "a.b.c", "{x}", "&amp;", "\u202eright", "\u00e9", "e\u0301"]


def main():
    arguments = argparse.ArgumentParser(description="Draws models and compares every row.")
    arguments.add_argument("--models", type=int, default=1000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--first", type=int, default=0)
    arguments.add_argument("--jobs", type=int, default=2)
    arguments.add_argument("--device-every", type=int, default=20)
    arguments.add_argument("--only", type=int)
    arguments.add_argument("--keep", type=Path, help="keep the files of failures here")
    asked = arguments.parse_args()
    subprocess.run(["cargo", "build", "--quiet", "--package", "xtask"], cwd=ROOT, check=True)
    numbers = range(asked.first, asked.first + asked.models)
    if asked.only is not None:
        numbers = [asked.only]
    with ThreadPoolExecutor(asked.jobs) as pool:
        results = list(pool.map(lambda number: one(asked, number), numbers))
    text = report(asked, results)
    failures = [result for result in results if result.failure]
    for result in failures:
        print(f"{result.number}: {result.failure}", file=sys.stderr)
    if asked.only is None:
        (ROOT / "reports/campaign.md").write_text(text)
    print(text)
    print(f"{len(results) - len(failures)} passed, {len(failures)} failed")
    sys.exit(bool(failures))


class Result:
    """What came of one drawn model."""

    def __init__(self, number):
        self.number = number
        self.kind = "?"
        self.file = "?"
        self.failure = None
        self.refusal = None
        self.rows = 0
        self.listed = 0
        self.differing = 0
        self.splits = None
        self.votes = None
        self.device_rows = 0


def one(asked, number):
    result = Result(number)
    folder = Path(tempfile.mkdtemp(prefix=f"campaign-{number}-"))
    try:
        check(np.random.default_rng([asked.seed, number]), folder, result, asked.device_every)
    except Exception as error:  # noqa: BLE001 a fault of one model must not end the campaign
        result.failure = f"{type(error).__name__}: {error}"
    if result.failure and asked.keep:
        shutil.copytree(folder, asked.keep / str(number), dirs_exist_ok=True)
    shutil.rmtree(folder)
    return result


def check(rng, folder, result, device_every):
    drawn = draw(rng, folder)
    result.kind, result.file = drawn.kind, drawn.file
    on_device = result.number % device_every == 0
    until = [] if on_device else ["--until", "quantize"]
    run = subprocess.run(
        [ROOT / "target/debug/xtask", "pipeline", "run", *until, "--config", folder / "pipeline.toml"],
        cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    out = ROOT / "target/pipeline" / drawn.name
    if run.returncode == 2:
        result.refusal = next((why for words, why in MEANT.items() if words in run.stderr), None)
        if result.refusal is None:
            result.failure = f"refused: {run.stderr.strip()[-600:]}"
        return
    if run.returncode != 0:
        result.failure = f"exit {run.returncode}: {run.stdout[-900:]}{run.stderr.strip()[-600:]}"
        return
    classes = json.loads((out / "model/model.json").read_text())["classes"]
    predictions = json.loads((out / "quantize/predictions.json").read_text())
    certificate = json.loads((out / "quantize/certificate.json").read_text())
    shutil.rmtree(out)
    if on_device:
        made = json.loads((folder / "reports" / drawn.name / "report.json").read_text())
        result.device_rows = made["device"]["rows"]
        if made["device"]["parity_mismatches"] or not made["certificate"]["checked"]:
            result.failure = f"the image: {made['device']} {made['certificate']}"
            return
    said = [classes[index] for index in predictions["float_soft"]]
    result.rows = len(said)
    wrong = [row for row, (a, b) in enumerate(zip(said, drawn.labels, strict=True)) if a != b]
    if wrong:
        row = wrong[0]
        result.failure = (f"{len(wrong)} of {len(said)} rows are not scikit-learn's, row {row} first: "
                          f"{said[row]!r} for {drawn.labels[row]!r}")
        return
    listed = set(certificate["rows_at_risk"])
    for flip in certificate["flips"]:
        listed.update(flip["rows"])
    pairs = zip(predictions["float"], predictions["q15"], strict=True)
    differing = {row for row, (a, b) in enumerate(pairs) if a != b}
    result.listed, result.differing = len(listed), len(differing)
    result.splits, result.votes = certificate.get("splits"), certificate["votes"]
    if differing - listed:
        result.failure = f"rows differ and are not listed: {sorted(differing - listed)[:5]}"
    if result.splits in (None, "every-input") and result.votes != "listed" and listed:
        result.failure = f"certified, and rows are listed: {sorted(listed)[:5]}"


class Drawn:
    """A model file, its rows and its config, and what scikit-learn says of the rows."""

    def __init__(self, kind, file, name, labels):
        self.kind = kind
        self.file = file
        self.name = name
        self.labels = labels


def draw(rng, folder):
    n_features = int(rng.choice([1, 2, 3, 5, 8, 13, 30]))
    n_classes = int(rng.choice([2, 2, 3, 4, 7, 12]))
    n_rows = int(rng.choice([40, 80, 200, 400]))
    kind = str(rng.choice(["decision-tree", "random-forest", "extra-trees", "gaussian-nb"]))
    sensors = [sensor(rng) for _ in range(n_features)]
    target = np.concatenate([np.arange(n_classes), rng.integers(n_classes, size=n_rows - n_classes)])
    rows = np.column_stack([column(rng, one, target, n_classes) for one in sensors])
    names = None
    if rng.random() < 0.7:
        odd = [str(name) for name in rng.permutation(ODD)]
        names = [odd[i] if rng.random() < 0.6 else f"f{i}" for i in range(n_features)]
    classes = class_names(rng, n_classes)
    labels = classes[target]
    steps = [model_of(rng, kind)]
    if rng.random() < 0.3:
        steps.insert(0, rng.choice([StandardScaler(), MinMaxScaler(), MaxAbsScaler()]))
    if rng.random() < 0.2 and n_features > 2:
        steps.insert(0, rng.choice([SelectKBest(k=2), VarianceThreshold()]))
    model = make_pipeline(*steps) if len(steps) > 1 else steps[0]
    frame = (lambda rows: rows) if names is None else (lambda rows: pd.DataFrame(rows, columns=names))
    model.fit(frame(rows), labels)

    test = np.concatenate([rows[rng.permutation(n_rows)[:100]], at_thresholds(rng, model, rows, sensors)])
    is_onnx = rng.random() < 0.15 and kind != "gaussian-nb" and len(steps) == 1
    if is_onnx:
        # An ONNX model takes float32, so these rows are what both see.
        test = test.astype(np.float32).astype(np.float64)
        from skl2onnx import to_onnx
        to = to_onnx(model, rows[:1].astype(np.float32), options={"zipmap": False})
        (folder / "model.onnx").write_bytes(to.SerializeToString())
        path, by_name, names = "model.onnx", False, None
    else:
        skops.io.dump(model, folder / "model.skops")
        path, by_name = "model.skops", names is not None
    predicted = [str(label) for label in model.predict(frame(test))]
    if is_onnx and labels.dtype == bool:
        # ONNX has no labels of booleans: its file says 0 and 1.
        predicted = [str(int(label == "True")) for label in predicted]

    order = rng.permutation(n_features) if by_name else np.arange(n_features)
    header = names if names is not None else [f"x{i}" for i in range(n_features)]
    label_column = "label"
    with open(folder / "test.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator=str(rng.choice(["\n", "\r\n"])))
        at = int(rng.integers(n_features + 1)) if by_name else n_features
        columns = [header[i] for i in order]
        writer.writerow(columns[:at] + [label_column] + columns[at:])
        for row, label in zip(test, predicted, strict=True):
            cells = [number(row[i], sensors[i]) for i in order]
            writer.writerow(cells[:at] + [label] + cells[at:])
    name = f"campaign-{rng.integers(2**48):x}"
    lines = ["[pipeline]", f'name = "{name}"', "[dataset]", 'test = "test.csv"',
             f'label = "{label_column}"', "[model]", 'source = "import"', f'path = "{path}"',
             "[accuracy]", "better_than_majority = false",
             "[target]", f'chip = "{rng.choice(["nRF52840_xxAA", "STM32G0B1RETx"])}"', "[quantize]"]
    if kind != "gaussian-nb":
        lines.append(f'leaves = "{rng.choice(["soft", "hard"])}"')
        if rng.random() < 0.3:
            lines.append(f'codes = "{rng.choice(["8-bit", "16-bit"])}"')
        lines.append(f'coding = "{rng.choice(["auto", "auto", "affine", "rank"])}"')
    for feature, one in enumerate(sensors):
        if one[0] == "integer" and rng.random() < 0.5 and "VarianceThreshold" not in str(model):
            lines += [f"[features.{json.dumps(header[feature], ensure_ascii=False)}]", f'type = "{one[1]}"']
    (folder / "pipeline.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Drawn(kind, path.split(".")[1], name, predicted)


INTEGERS = {"u8": (0, 255), "i8": (-128, 127), "u16": (0, 65_535), "i16": (-32_768, 32_767),
            "i32": (-2**31, 2**31 - 1)}


def sensor(rng):
    """What a feature is: integers of a type, decimals, floats of some scale, or a constant."""
    share = rng.random()
    if share < 0.35:
        return ("integer", str(rng.choice(list(INTEGERS))))
    if share < 0.5:
        return ("decimals", int(rng.integers(1, 4)))
    if share < 0.55:
        return ("constant", float(rng.choice([0.0, -1.5, 1e9])))
    scale = float(rng.choice([1e-42, 1e-38, 1e-20, 1e-6, 1e-3, 1.0, 1.0, 1.0, 1e3, 1e6, 1e12, 1e30]))
    offset = float(rng.choice([0.0, 0.0, 1.0, -1.0, 1e4]))
    return ("float", scale, offset)


def column(rng, sensor, target, n_classes):
    """A column of readings that tells something of the class."""
    told = target * rng.random() + rng.normal(size=len(target))
    told = (told - told.min()) / (np.ptp(told) or 1.0)
    match sensor:
        case ("integer", kind):
            low, high = INTEGERS[kind]
            span = (high - low) * float(rng.choice([0.01, 0.3, 1.0]))
            return np.floor(low + (high - low - span) * rng.random() + span * told)
        case ("decimals", digits):
            return np.round(told * 10, digits)
        case ("constant", value):
            return np.full(len(target), value)
        case (_, scale, offset):
            return (told - 0.5 + offset) * scale


def class_names(rng, n_classes):
    kind = rng.choice(["integers", "words", "odd", "booleans"])
    if kind == "booleans" and n_classes == 2:
        return np.array([False, True])
    if kind == "integers":
        return np.sort(rng.choice(np.arange(-20, 100), n_classes, replace=False))
    if kind == "odd":
        return np.array(sorted({f"{odd}{i}" for i, odd in enumerate(rng.permutation(ODD)[:n_classes])}))
    return np.array([f"class{i}" for i in range(n_classes)])


def model_of(rng, kind):
    seed = int(rng.integers(1000))
    shape = {"max_depth": [None, 1, 3, 6, 12][rng.integers(5)], "random_state": seed}
    n_trees = int(rng.choice([1, 2, 5, 10, 25]))
    return {
        "decision-tree": lambda: DecisionTreeClassifier(**shape),
        "random-forest": lambda: RandomForestClassifier(n_trees, **shape),
        "extra-trees": lambda: ExtraTreesClassifier(n_trees, **shape),
        "gaussian-nb": lambda: GaussianNB(var_smoothing=float(rng.choice([1e-9, 1e-3]))),
    }[kind]()


def at_thresholds(rng, model, rows, sensors):
    """Rows with a reading at some threshold, or at a number next to it."""
    last = model[-1] if hasattr(model, "steps") else model
    trees = getattr(last, "estimators_", [last])
    base = rows[rng.integers(len(rows), size=ROWS_AT_THRESHOLDS)].copy()
    if not hasattr(trees[0], "tree_") or hasattr(model, "steps"):
        # Behind a scaler or without thresholds: readings next to readings.
        for row in base:
            feature = rng.integers(len(sensors))
            row[feature] = near(rng, row[feature], sensors[feature])
        return base
    for row in base:
        tree = trees[rng.integers(len(trees))].tree_
        splits = np.flatnonzero(tree.feature >= 0)
        if len(splits):
            split = rng.choice(splits)
            feature = tree.feature[split]
            row[feature] = near(rng, tree.threshold[split], sensors[feature])
    return base


def near(rng, value, sensor):
    if sensor[0] == "integer":
        low, high = INTEGERS[sensor[1]]
        return float(np.clip(np.floor(value) + rng.integers(-1, 2), low, high))
    single = np.float32(value)
    with np.errstate(all="ignore"):
        near = [value, np.nextafter(value, np.inf), np.nextafter(value, -np.inf), float(single),
                float(np.nextafter(single, np.float32(np.inf))),
                float(np.nextafter(single, np.float32(-np.inf)))]
    return float(near[rng.integers(len(near))])


def number(value, sensor):
    return str(int(value)) if sensor[0] == "integer" else repr(float(value))


def report(asked, results):
    passed = [result for result in results if not result.failure]
    ran = [result for result in passed if not result.refusal]
    lines = ["# A campaign of drawn models", "",
             f"Made by `scripts/campaign/campaign.py --models {asked.models} --seed {asked.seed}` with "
             "scikit-learn 1.9.1. Each model is drawn from its number: kind, size, scalers and "
             "selections, scales from denormal float32 to 1e30, integer types, names with every kind of "
             "character, columns in another order, and what `[quantize]` asks for. Half of the rows lie "
             "on thresholds or on the numbers next to them. Every row of the float model is compared "
             "with scikit-learn's `predict`, and every row of Q15 with the float model: a row that "
             "differs must be listed by the certificate.", "",
             "| model | file | models | rows | not scikit-learn's | listed | differ in Q15 | not listed "
             "| splits every-input | votes every-input |",
             "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"]
    groups = collections.defaultdict(list)
    for result in ran:
        groups[result.kind, result.file].append(result)
    groups["all", ""] = ran
    for (kind, file), group in sorted(groups.items()):
        lines.append(
            f"| {kind} | {file} | {len(group)} | {sum(one.rows for one in group)} | 0 | "
            f"{sum(one.listed for one in group)} | {sum(one.differing for one in group)} | 0 | "
            f"{sum(one.splits == 'every-input' for one in group)} | "
            f"{sum(one.votes == 'every-input' for one in group)} |")
    refusals = collections.Counter(result.refusal for result in passed if result.refusal)
    images = [result for result in ran if result.device_rows]
    lines += ["", f"Images built and emulated: {len(images)}, with "
              f"{sum(result.device_rows for result in images)} rows; every class and score is the host's, "
              "and the checker confirms every image."]
    lines += ["", f"Refused, as meant: {sum(refusals.values())} models.", ""]
    lines += [f"- {count}: {why}" for why, count in refusals.most_common()]
    failed = [result for result in results if result.failure]
    lines += ["", f"Failed: {len(failed)} models."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
