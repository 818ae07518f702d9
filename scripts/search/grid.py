"""Processor time and score of a search beside those of a full grid over the same space, in one run.

    python3 scripts/search/grid.py digits-16.toml --program "cargo xtask"

The grid trains every model by itself: each kind with each number of trees, leaves and features that the
search may draw, on all folds, with the same code. Both count the seconds of all processors that trials
take; builds and the emulator, which only the search needs, are in neither. What code takes beside the
tables is taken from the search's winner.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

SIZES = [3, 5, 7, 10, 14, 20, 28, 40, 56, 80]  # the default of `n_trees` in [search]
FORESTS = ("random-forest", "extra-trees")
ALL = 100_000


def search(program, config, *arguments, text=None):
    command = [*program, "search", "--config", str(config), *arguments]
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE, text=True)
    if done.returncode > 1:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}")
    return done.stdout


def narrowed(config, folder, name, keys):
    """The config under another name, with a [search] of its own, beside the original."""
    text = config.read_text()
    if "[search]" in text:
        sys.exit(f"{config}: found a [search], expected the default space")
    lines = [f'name = "{name}"' if it.startswith("name = ") else it for it in text.splitlines()]
    lines += ["", "[search]", *keys]
    path = folder / f"{name}.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def grid(program, config, folder, prefix):
    """Every model of the space: its keys, mean score and bytes of tables; and processor seconds."""
    models, seconds = [], 0.0
    for n_trees in SIZES:
        name = f"{prefix}-grid-{n_trees}"
        path = narrowed(config, folder, name, [f"n_trees = [{n_trees}]", f"trials = {ALL}"])
        asked = [json.loads(line) for line in search(program, path, "--ask", str(ALL)).splitlines()]
        # Trees that stand alone, and naive Bayes, are the same for each number.
        asked = [it for it in asked if n_trees == SIZES[0] or it["keys"]["model.kind"] in FORESTS]
        found = search(
            program, path, "--trial", "-", text="".join(json.dumps(it) + "\n" for it in asked)
        )
        for line in found.splitlines():
            scored = json.loads(line)
            seconds += scored["cpu_s"]
            for point in scored["points"]:
                scores = list(point["scores"].values())
                for form, n_bytes in point.get("table_bytes", {}).items():
                    keys = {**scored["keys"], **point["keys"], "codegen.encoding": form}
                    models.append((sum(scores) / len(scores), n_bytes, keys))
        print(f"{n_trees} trees: {len(asked)} growths, {seconds:.1f} s so far", file=sys.stderr)
    return models, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("--program", default="cargo xtask")
    parser.add_argument("--trials", type=int, default=60, help="of the search")
    options = parser.parse_args()
    program = options.program.split()
    flash = re.search(r'^flash = "(\d+)K"', options.config.read_text(), re.MULTILINE)
    if flash is None:
        sys.exit(f'{options.config}: found no budget, expected a line such as flash = "16K"')
    with tempfile.TemporaryDirectory(dir=options.config.resolve().parent) as place:
        # Paths in the config are relative to its folder.
        folder, prefix = options.config.resolve().parent, Path(place).name.replace("_", "-")
        made = []
        try:
            made.append(narrowed(options.config, folder, prefix, [f"trials = {options.trials}"]))
            found = json.loads(search(program, made[0], "--json"))
            models, seconds = grid(program, options.config, folder, prefix)
        finally:
            for path in folder.glob(f"{prefix}*.toml"):
                path.unlink()
    best = found["best"]
    if best is None:
        sys.exit("the search found nothing that fits")
    print(f"search: {best['score']:.4f} in {best['flash_bytes']} bytes, {found['trials']} trials")
    print(f"search: {found['cpu_s']:.1f} s of processor time")
    same = [it for it in models if all(best["keys"].get(key) == it[2][key] for key in it[2])]
    if not same:
        sys.exit(f"found no model of the grid with the keys {best['keys']}")
    code = best["flash_bytes"] - same[0][1]
    fitting = [it for it in models if it[1] + code <= int(flash[1]) * 1024]
    top = max(fitting, key=lambda it: (it[0], -it[1]))
    print(f"grid: {top[0]:.4f} in {top[1] + code} bytes, the best of {len(fitting)} models that fit")
    print(f"grid: {seconds:.1f} s of processor time, {seconds / found['cpu_s']:.1f} times the search's")


if __name__ == "__main__":
    main()
