"""``python -m spinney_ml``, and the console script ``spinney``: the verbs of the Rust tool."""

from __future__ import annotations

import sys

from . import _spinney


def main() -> int:
    """Do what the command line says.

    Returns
    -------
    int
        0 all gates hold, 1 a gate failed, 2 an input is at fault, 3 the machine lacks something.
    """
    return _spinney.run(_spinney.__file__, ["spinney", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
