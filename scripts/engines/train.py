"""Trains on the digits by one of the engines that people train on, and writes what a pipeline takes:
the model, the test rows and a config.

    python3 scripts/engines/train.py dask|spark|lightgbm FOLDER
"""

import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd

DIGITS = Path(__file__).resolve().parents[2] / "data/digits.csv"
# What the emulated Cortex-M3 is: STM32F103C8, 64 KiB of flash.
CONFIG = """pipeline = {{ name = "{name}" }}
dataset = {{ test = "test.csv", label = "digit" }}
model = {{ source = "import", path = "{path}" }}
quantize = {{ coding = "rank" }}
target = {{ chip = "STM32F103C8" }}
"""


def dask(train, folder):
    """XGBoost over two workers of a Dask cluster, each with half of the rows."""
    import dask.array as da
    from dask.distributed import Client, LocalCluster
    from xgboost import dask as dxgb

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        x = train.drop(columns="digit").to_numpy(dtype=np.float32)
        half = (len(x) + 1) // 2
        rows = da.from_array(x, chunks=(half, x.shape[1]))
        labels = da.from_array(train["digit"].to_numpy(), chunks=half)
        given = {"objective": "multi:softprob", "num_class": 10, "max_depth": 4, "eta": 0.5, "tree_method": "hist"}
        matrix = dxgb.DaskDMatrix(client, rows, labels, feature_names=list(train.columns[:-1]))
        booster = dxgb.train(client, given, matrix, num_boost_round=6)["booster"]
        print(f"Dask: {len(client.scheduler_info()['workers'])} workers")
    booster.save_model(folder / "model.ubj")
    return "model.ubj"


def spark(train, folder):
    """A random forest of Spark MLlib over two workers, each a process of its own."""
    import pyspark
    from pyspark.ml import Pipeline
    from pyspark.ml.classification import RandomForestClassifier
    from pyspark.ml.feature import StringIndexer, VectorAssembler
    from pyspark.sql import SparkSession

    os.environ.setdefault("SPARK_HOME", str(Path(pyspark.__file__).parent))
    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = SparkSession.builder.master("local-cluster[2,1,1024]").getOrCreate()
    path = folder / "train.csv"
    train.to_csv(path, index=False)
    rows = session.read.csv(str(path), header=True, inferSchema=True).repartition(2)
    columns = [name for name in rows.columns if name != "digit"]
    stages = [
        StringIndexer(inputCol="digit", outputCol="label"),
        VectorAssembler(inputCols=columns, outputCol="features"),
        RandomForestClassifier(numTrees=10, maxDepth=8, seed=1),
    ]
    Pipeline(stages=stages).fit(rows).write().overwrite().save(str(folder / "model"))
    workers = session.sparkContext._jsc.sc().getExecutorMemoryStatus().size() - 1
    print(f"Spark: {workers} workers")
    session.stop()
    return "model"


def lightgbm(train, folder):
    import lightgbm as lgb

    given = dict(n_estimators=6, num_leaves=12, learning_rate=0.5, verbose=-1, random_state=1)
    model = lgb.LGBMClassifier(**given).fit(train.drop(columns="digit"), train["digit"])
    model.booster_.save_model(folder / "model.txt")
    return "model.txt"


def main():
    name, folder = sys.argv[1], Path(sys.argv[2]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    data = pd.read_csv(DIGITS)
    is_test = np.arange(len(data)) % 4 == 0
    data[is_test].to_csv(folder / "test.csv", index=False)
    path = {"dask": dask, "spark": spark, "lightgbm": lightgbm}[name](data[~is_test], folder)
    (folder / "p.toml").write_text(CONFIG.format(name=f"by-{name}", path=path))


if __name__ == "__main__":
    main()
