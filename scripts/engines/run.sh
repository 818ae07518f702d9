#!/bin/sh
# From three engines to an emulated Cortex-M3, each by one command: XGBoost over two workers of Dask, Spark
# MLlib over two workers (needs Java 17), and LightGBM.
#     scripts/engines/run.sh [FOLDER FOR ENVIRONMENTS AND MODELS]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=${1:-$(mktemp -d)}
for engine in dask spark lightgbm; do
    if [ ! -x "$work/$engine/bin/python" ]; then
        python3 -m venv "$work/$engine"
        case $engine in
        dask) set -- "dask[distributed]==2025.12.0" pyarrow==22.0.0 pandas==2.2.3 scipy==1.17.1 scikit-learn==1.3.2 ;;
        spark) set -- pyspark==4.3.0 pandas==3.1.1 ;;
        lightgbm) set -- lightgbm==4.7.0 pandas==3.1.1 scikit-learn==1.9.1 ;;
        esac
        "$work/$engine/bin/pip" install --quiet "$@"
        # By itself it would bring 300 MB for graphics cards.
        [ $engine != dask ] || "$work/$engine/bin/pip" install --quiet --no-deps xgboost==3.2.0
    fi
    "$work/$engine/bin/python" "$here/train.py" "$engine" "$work/by-$engine" 2>"$work/$engine.log" ||
        { tail "$work/$engine.log"; exit 1; }
    (cd "$here/../.." && cargo xtask pipeline run --config "$work/by-$engine/p.toml")
done
