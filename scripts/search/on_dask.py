"""Runs the trials of a search on a Dask cluster, and tells the search what they found.

    python3 scripts/search/on_dask.py pipeline.toml --trials 20                  two workers here
    python3 scripts/search/on_dask.py pipeline.toml --scheduler tcp://host:8786  a cluster of yours

Needs `pip install "dask[distributed]==2026.8.0"`. Each worker runs the program in the folder that this
is called from, so repository and data have to be there on every machine.
"""

import argparse
import os
import subprocess
import sys

from dask.distributed import Client, LocalCluster, as_completed


def search(program, config, *arguments, check=True, **options):
    command = [*program, "search", "--config", config, *arguments]
    return subprocess.run(command, check=check, text=True, **options)


def run(program, config, trial, n_threads):
    """One trial on a worker: a line of JSON in, a line of JSON out."""
    environment = {**os.environ, "RAYON_NUM_THREADS": str(n_threads)}
    pipes = {"input": trial, "stdout": subprocess.PIPE, "env": environment}
    return search(program, config, "--trial", "-", **pipes).stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config")
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--workers", type=int, default=2, help="workers of a cluster on this machine")
    parser.add_argument("--scheduler", help="the address of a cluster that is there")
    parser.add_argument("--program", default="cargo xtask")
    options = parser.parse_args()
    program = options.program.split()
    asked = search(
        program, options.config, "--ask", str(options.trials), stdout=subprocess.PIPE
    ).stdout.splitlines()
    if options.scheduler:
        client = Client(options.scheduler)
    else:
        client = Client(LocalCluster(n_workers=options.workers, threads_per_worker=1))
    with client:
        n_workers = len(client.scheduler_info()["workers"])
        print(f"{len(asked)} trials on {n_workers} workers", file=sys.stderr)
        futures = [client.submit(run, program, options.config, line, 1) for line in asked]
        results = [future.result() for future in as_completed(futures)]
    told = "".join(results)
    return search(program, options.config, "--tell", "-", check=False, input=told).returncode


if __name__ == "__main__":
    sys.exit(main())
