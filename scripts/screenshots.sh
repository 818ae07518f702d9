#!/bin/sh
# Makes docs/report.png and docs/report-phone.png: the first screen of the digits report, as
# `cargo xtask pipeline run` writes it, on a light desktop and on a dark phone. Needs chromium;
# another browser of the kind is named as $CHROMIUM.
set -eu
cd "$(dirname "$0")/.."
page="file://$PWD/reports/digits/report.html"
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT

# shot FILE WIDTH,HEIGHT SCHEME: 0 is dark, 1 is light.
shot() {
    "${CHROMIUM:-chromium}" --headless --no-sandbox --disable-gpu --hide-scrollbars \
        --user-data-dir="$profile" --blink-settings=preferredColorScheme="$3" \
        --window-size="$2" --screenshot="$PWD/$1" "$page" >/dev/null 2>&1
    test -s "$1"
    echo "$1"
}

shot docs/report.png 1280,790 1
shot docs/report-phone.png 390,844 0
