#!/usr/bin/env bash
# From an empty environment to a header, beside emlearn: commands and seconds. Takes the built wheel:
#   bash bench/first_header.sh dist/spinney_ml-*.whl
# Packages come from pip's cache, if it has them: run it twice, and take the second.
set -euo pipefail
wheel=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat > fit.py <<'PYTHON'
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
X, y = load_digits(return_X_y=True)
clf = RandomForestClassifier(n_estimators=10, max_depth=8, random_state=0).fit(X, y)
PYTHON
cat fit.py - > spinney.py <<'PYTHON'
import spinney_ml as sp
q = sp.load(clf).quantize(X, sensors="u8")
q.save("digits.h")
print(q.certificate)
PYTHON
cat fit.py - > emlearn.py.txt <<'PYTHON'
import emlearn
c = emlearn.convert(clf, dtype="uint8_t")
c.save(file="digits_emlearn.h", name="digits")
PYTHON
mv emlearn.py.txt with_emlearn.py
took() { # the name of a side, what pip installs, the program
    local started install done
    started=$(date +%s.%N)
    python3 -m venv "$1"
    # No compiler of Rust is to be found; emlearn needs one of C.
    PATH=/usr/bin:/bin "$1/bin/pip" install -q --disable-pip-version-check $2 2> "$1.log" || { tail -3 "$1.log"; return; }
    install=$(date +%s.%N)
    "$1/bin/python" "$3" || { echo "$1: failed"; return; }
    done=$(date +%s.%N)
    awk -v n="$1" -v a="$started" -v b="$install" -v c="$done" \
        'BEGIN { printf "%s: 3 commands; install %.1f s, header %.1f s\n", n, b - a, c - b }'
}
took spinney "$wheel" spinney.py
took emlearn "emlearn==0.23.2 scikit-learn setuptools" with_emlearn.py
ls -l ./*.h
