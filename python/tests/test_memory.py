"""A million calls of everything that is called often, under a limit of memory."""

import subprocess
import sys

import pytest

CALLS = """
import pickle, resource, sys
import numpy as np
import spinney_ml as sp
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

X, y = load_iris(return_X_y=True)
tree = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, y)
model = sp.load(tree)
q = model.quantize(X)
row, odd = X[:1].copy(), np.full((1, 4), np.nan)
data = model._float.to_json().encode()

def refused():
    try:
        q.predict(odd)
    except ValueError:
        return
    raise SystemExit("NaN was not refused")

calls = [
    (800_000, lambda: q._core.classes(row)),
    (100_000, lambda: q.predict(row)),
    (50_000, lambda: q.predict_proba(row)),
    (20_000, lambda: q.scores(X)),
    (20_000, refused),
    (20_000, lambda: model.predict(row)),
    (2_000, lambda: q._core.explain_json(row)),
    (5_000, lambda: sp.load(data)),
    (2_000, lambda: model.quantize(X)),
    (2_000, lambda: pickle.loads(pickle.dumps(q))),
]
assert sum(n for n, _ in calls) >= 1_000_000
for n, call in calls:  # what is made once is made before the limit
    for _ in range(100):
        call()
with open("/proc/self/statm") as file:
    size = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + (64 << 20), size + (64 << 20)))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for n, call in calls:
    for _ in range(n):
        call()
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(grown, "KiB")
assert grown < 16 << 10, grown
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is set and measured as Linux does")
def test_a_million_calls_leak_nothing():
    done = subprocess.run([sys.executable, "-c", CALLS], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
