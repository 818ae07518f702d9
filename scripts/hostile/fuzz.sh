#!/bin/sh
# Runs fuzz targets one after the other and prints a row each: executions, coverage, peak memory.
#
#     scripts/hostile/fuzz.sh FOLDER [TARGET=EXECUTIONS...]
#
# FOLDER gets what is built, what is found and the logs. With SANITIZE=1 AddressSanitizer is built in,
# which needs a nightly compiler or RUSTC_BOOTSTRAP=1. A run ends early after SECONDS_MAX seconds.
set -eu
work=$1
shift
repository=$(cd "$(dirname "$0")/../.." && pwd)
host=$(rustc -vV | sed -n 's/^host: //p')
flags="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing"
name=plain
if [ "${SANITIZE:-0}" = 1 ]; then
    flags="$flags -Zsanitizer=address"
    name=address
fi
mkdir -p "$work"
(cd "$repository/fuzz" && RUSTFLAGS="$flags" cargo build -q --release --target "$host" --target-dir "$work/$name")
echo "| target | executions | seconds | per second | coverage | corpus | peak MB | found |"
echo "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
for wanted in "$@"; do
    target=${wanted%=*}
    log="$work/$target.log"
    mkdir -p "$work/corpus/$target" "$work/found/$target"
    status=0
    kept=$repository/fuzz/corpus/$target
    [ -d "$kept" ] || kept=
    "$work/$name/$host/release/$target" -runs="${wanted#*=}" -max_total_time="${SECONDS_MAX:-600}" \
        -max_len="${LENGTH_MAX:-512}" -rss_limit_mb=512 -malloc_limit_mb=128 -timeout=10 \
        -print_final_stats=1 -artifact_prefix="$work/found/$target/" \
        "$work/corpus/$target" $kept >"$log" 2>&1 || status=$?
    of() { sed -n "s/^stat::$1: *//p" "$log"; }
    cover=$(sed -n 's/.* cov: \([0-9]*\).*/\1/p' "$log" | tail -1)
    corpus=$(sed -n 's/.* corp: \([0-9]*\).*/\1/p' "$log" | tail -1)
    seconds=$(sed -n 's/^Done [0-9]* runs in \([0-9]*\) second.*/\1/p' "$log")
    echo "| $target | $(of number_of_executed_units) | ${seconds:-} | $(of average_exec_per_sec) | $cover | $corpus | $(of peak_rss_mb) | $status |"
done
