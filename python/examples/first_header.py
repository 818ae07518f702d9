"""From a fitted forest to a proven header: `python examples/first_header.py`. It needs no Rust toolchain."""

import shutil

from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier

import spinney_ml as sp

X, y = load_digits(return_X_y=True)
clf = RandomForestClassifier(n_estimators=10, max_depth=8, random_state=0).fit(X, y)

q = sp.load(clf).quantize(X, sensors="u8", chip="STM32F030F4")
print(q.certificate)
header = q.save("digits.h")
print(f"{header}: {q.size()[0].total_bytes:,} B of tables; cargo: {shutil.which('cargo')}")
