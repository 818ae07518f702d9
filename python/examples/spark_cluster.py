"""Predict on a Spark cluster as the device does: `python examples/spark_cluster.py [ROWS]`.

The model travels to the workers by its bytes, and every class is that of one process.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator

import numpy as np
import pandas as pd
from pyspark.sql import SparkSession
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier

import spinney_ml as sp


def main(spark: SparkSession, n_rows: int) -> bool:
    X, y = load_digits(return_X_y=True)
    clf = RandomForestClassifier(n_estimators=50, max_depth=12, random_state=0).fit(X, y)
    q = sp.load(clf).quantize(X, sensors="u8")

    rows = pd.DataFrame(np.resize(X, (n_rows, X.shape[1])), columns=[f"p{i}" for i in range(64)])
    rows.insert(0, "row", np.arange(n_rows))
    frame = spark.createDataFrame(rows).repartition(8).cache()
    frame.count()  # the rows are on the workers before the clock starts

    predicted = {}
    for name, predict in [("Spinney", q.predict), ("scikit-learn", clf.predict)]:

        def classes(parts: Iterator[pd.DataFrame], predict=predict) -> Iterator[pd.DataFrame]:
            for part in parts:
                found = predict(part.iloc[:, 1:].to_numpy(dtype=np.float32))
                yield pd.DataFrame({"row": part["row"], "class": found})

        predicted[name] = frame.mapInPandas(classes, "row long, class long")
        predicted[name].limit(1).collect()  # so is the model

    # By turns, as the cluster itself is faster the second time.
    found, seconds = {}, dict.fromkeys(predicted, float("inf"))
    for _ in range(2):
        for name, of_name in predicted.items():
            started = time.perf_counter()
            found[name] = of_name.toPandas()
            seconds[name] = min(seconds[name], time.perf_counter() - started)
    for name, least in seconds.items():
        print(f"{name}: {n_rows / least:,.0f} rows/s")
    expected = q.predict(rows.iloc[:, 1:].to_numpy(dtype=np.float32))
    is_equal = np.array_equal(found["Spinney"].sort_values("row")["class"].to_numpy(), expected)
    print("every class equal:", is_equal)
    print(f"ratio {seconds['scikit-learn'] / seconds['Spinney']:.1f}")
    return is_equal


if __name__ == "__main__":
    # Two workers, each a process of its own, with this Python.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    session = (
        SparkSession.builder.master("local-cluster[2,1,1024]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.execution.arrow.pyspark.enabled", "true")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    is_equal = main(session, int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
    session.stop()
    sys.exit(0 if is_equal else 1)
