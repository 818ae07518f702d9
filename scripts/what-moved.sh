#!/usr/bin/env bash
# What moved in every pipeline since the reports of another commit, in Markdown: for a comment on a
# pull request. Pipelines that have no report there, or were not run here, are named.
#
#   scripts/what-moved.sh COMMIT FILE
#
# Exit code 1 if a gate fails, on growth or otherwise.
set -euo pipefail
cd "$(dirname "$0")/.."
commit=$1
out=$2
before=$(mktemp)
trap 'rm -f "$before"' EXIT
: > "$out"
status=0
pipelines=$(cargo xtask pipeline list --json |
    jq -r '.[] | select(.name != null) | [.config, .name, .last_run.state] | @tsv')
while IFS=$'\t' read -r config name state; do
    if ! git show "$commit:reports/$name/report.json" > "$before" 2> /dev/null; then
        printf '## %s\n\nNew: no report of it at %s.\n\n' "$name" "$commit" >> "$out"
    elif [ "$state" = not-of-today ]; then
        printf '## %s\n\nNot run here, so not compared.\n\n' "$name" >> "$out"
    else
        code=0
        cargo xtask pipeline check --quiet --config "$config" \
            --baseline "$before" --markdown "$out" || code=$?
        [ "$code" -le 1 ] || exit "$code"
        [ "$code" -eq 0 ] || status=1
    fi
done <<< "$pipelines"
exit "$status"
