#!/usr/bin/env bash
# Makes docs/pull-request.md: the comment that two real runs give, ten trees against twelve.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r data "$work"
config=$work/pipeline.toml
# The name stays; the reports go beside the config.
cp pipeline.toml "$config"
cargo xtask pipeline run --quiet --config "$config"
cp "$work/reports/digits/report.json" "$work/before.json"
sed -e 's/^n_trees = 10/n_trees = 12/' -e 's/^flash = .*/&\nmax_flash_growth = "1K"/' \
    pipeline.toml > "$config"
cargo xtask pipeline run --quiet --config "$config"
code=0
GITHUB_STEP_SUMMARY='' cargo xtask pipeline check --quiet --config "$config" \
    --baseline "$work/before.json" --markdown "$work/comment.md" || code=$?
# The growth is meant to fail its gate.
[ "$code" -eq 1 ]
{
    cat <<'HEAD'
# A pull request's comment

What `cargo xtask pipeline check --baseline before.json --markdown comment.md` writes, here of two real runs of [`pipeline.toml`](../pipeline.toml): ten trees before, twelve after, with `max_flash_growth = "1K"`. `scripts/pull-request.sh` makes this page; the [workflow](../.github/workflows/ci.yml) posts the like of it on every pull request. What the tables mean is said in [`pipeline.toml`, key by key](pipeline.md).

---

HEAD
    cat "$work/comment.md"
} > "$work/page.md"
mv "$work/page.md" docs/pull-request.md
