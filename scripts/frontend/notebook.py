"""Fits scikit-learn's forests on features of a notebook, in float64, beside those of the device.

    cargo xtask features --config examples/motion-exercises.toml --output motion
    python3 scripts/frontend/notebook.py motion motion

    cargo xtask features --config examples/acoustic-events.toml --output acoustic
    python3 scripts/frontend/notebook.py acoustic acoustic target/pipeline/acoustic-events/scenes

likewise `spoken` of examples/spoken-digits.toml and `keys` of examples/key-clicks.toml.

Needs scikit-learn 1.9.1 and what requirements.txt names. The folder has train_X.npy, train_y.npy, test_X.npy
and test_y.npy, as the first command writes them; scenes are the recordings that the pipeline rendered.
Windows, frames, labels and sides are the device's; features are computed here of the same samples.
Forests have the size that the config asks for. Accuracies are of the test rows, the mean over seeds 0
to 9 with their standard deviation.
"""

import argparse
import csv
import gzip
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import librosa
import numpy as np
import scipy.fft
import scipy.signal
import scipy.stats
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import balanced_accuracy_score

DATA = Path(__file__).resolve().parents[2] / "data"
SEEDS = range(10)
SIDES = ("train", "test")


@dataclass
class Sound:
    """Of an example of sound, the size of its forest and what its config says of frames; with a
    level, a gate opens decisions, and by blocks of so many samples, with those before them."""

    n_trees: int
    frame: int
    hop: int
    bands: int
    n_frames: int
    level: int = 0
    block: int = 0
    before: int = 0


SOUNDS = {
    "acoustic": Sound(40, 1024, 500, 40, 32),
    "spoken": Sound(40, 256, 128, 32, 25, level=600, block=64, before=128),
    "keys": Sound(40, 128, 64, 16, 13, level=1500, block=32, before=32),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kinds = parser.add_subparsers(dest="kind", required=True)
    motion = kinds.add_parser("motion")
    motion.add_argument("features", type=Path)
    for name in SOUNDS:
        sound = kinds.add_parser(name)
        sound.add_argument("features", type=Path)
        sound.add_argument("scenes", type=Path)
    arguments = parser.parse_args()
    rows = {side: np.load(arguments.features / f"{side}_X.npy") for side in SIDES}
    labels = {side: np.load(arguments.features / f"{side}_y.npy") for side in SIDES}
    if arguments.kind == "motion":
        n_trees = 30
        for side in SIDES:
            assert [exercise for exercise, _ in windows(side)] == list(labels[side]), "other windows"
        plain = {side: motion_rows(side, has_shapes=False) for side in SIDES}
        score("NumPy and SciPy, float64", n_trees, plain, labels)
        shapes = {side: motion_rows(side, has_shapes=True) for side in SIDES}
        score("the same with skewness, kurtosis and quartiles", n_trees, shapes, labels)
    else:
        sound = SOUNDS[arguments.kind]
        n_trees = sound.n_trees
        heard = {side: mels(sound, arguments.scenes / f"{side}.wav") for side in SIDES}
        maxima = {side: frames.max(axis=1) for side, frames in heard.items()}
        score("librosa, float64, maxima", n_trees, maxima, labels)
        both = {side: np.hstack([frames.mean(axis=1), maxima[side]]) for side, frames in heard.items()}
        score("librosa, float64, means and maxima", n_trees, both, labels)
    score("integers of the device", n_trees, rows, labels)


def score(name, n_trees, rows, labels):
    assert all(len(rows[side]) == len(labels[side]) for side in SIDES), "other windows"
    accuracies, balanced = [], []
    for seed in SEEDS:
        forest = RandomForestClassifier(n_trees, max_depth=9, min_samples_leaf=2, random_state=seed)
        found = forest.fit(rows["train"], labels["train"]).predict(rows["test"])
        accuracies.append(np.mean(found == labels["test"]))
        balanced.append(balanced_accuracy_score(labels["test"], found))
    print(
        f"{name}: {rows['test'].shape[1]} features, accuracy {np.mean(accuracies):.3f} ± "
        f"{np.std(accuracies, ddof=1):.3f}, balanced {np.mean(balanced):.3f}"
    )


def windows(side):
    """Of each recording in turn, windows of 128 samples, every 64: exercise, and samples by axes."""
    with gzip.open(DATA / f"exercises-{side}.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    for _, of_recording in groupby(rows, key=lambda row: row["recording"]):
        of_recording = list(of_recording)
        samples = np.array([[float(row[axis]) for axis in ("ax", "ay", "az")] for row in of_recording])
        for start in range(0, len(samples) - 127, 64):
            yield of_recording[start]["exercise"], samples[start : start + 128]


def motion_rows(side, has_shapes):
    rows = [[of_axis(x, has_shapes) for x in window.T] for _, window in windows(side)]
    return np.array([np.concatenate(axes) for axes in rows])


def of_axis(x, has_shapes):
    """What the example keeps of an axis: moments, ends, crossings and six bands up to 6 Hz."""
    rate, n = 25, len(x)
    powers = np.abs(scipy.fft.rfft(scipy.signal.get_window("hann", n) * x)) ** 2
    bins = np.arange(1, n // 2)
    hertz = bins * rate / n
    edges = np.linspace(1.5 * rate / n, 6, 7)
    bands = [
        np.log2(max(powers[bins[(hertz >= low) & (hertz < high)]].sum(), 1))
        for low, high in zip(edges, edges[1:])
    ]
    moments = [x.mean(), x.var(), x.min(), x.max(), np.ptp(x), np.sqrt(np.mean(x * x))]
    crossings = np.count_nonzero(np.diff(x >= x.mean()))
    shapes = [scipy.stats.skew(x), scipy.stats.kurtosis(x), *np.quantile(x, [0.25, 0.5, 0.75])]
    return np.array([*moments, crossings, *bands, *(shapes if has_shapes else [])])


def mels(sound, path):
    """Log mel energies, frame by frame: decisions by frames by bands."""
    samples, rate = librosa.load(path, sr=None, mono=True, dtype=np.float64)
    n_decision = (sound.n_frames - 1) * sound.hop + sound.frame
    starts = range(0, len(samples) - n_decision + 1, sound.n_frames * sound.hop)
    if sound.level > 0:
        starts = opened(sound, n_decision, np.round(samples * 32768).astype(np.int64))
    return np.stack([decision_mels(sound, rate, samples[start : start + n_decision]) for start in starts])


def decision_mels(sound, rate, samples):
    energies = librosa.feature.melspectrogram(
        y=samples,
        sr=rate,
        n_fft=sound.frame,
        hop_length=sound.hop,
        n_mels=sound.bands,
        fmin=100,
        htk=True,
        norm=None,
        center=False,
    )
    return librosa.power_to_db(energies, top_db=None).T


def opened(sound, n_decision, samples):
    """Where decisions begin that a gate opens, as docs/frontend.md defines it."""
    at, closed_at = 0, 0
    while at + sound.block <= len(samples):
        is_open = np.std(samples[at : at + sound.block]) >= sound.level
        at += sound.block
        if is_open:
            start = max(at - sound.block - sound.before, closed_at)
            at = closed_at = start + n_decision
            if at <= len(samples):
                yield start


if __name__ == "__main__":
    main()
