"""Beyond one machine: the examples on a cluster of two workers give every class of one process."""

import numpy as np
import pytest
import spinney_ml as sp
from conftest import REPOSITORY
from sklearn.tree import DecisionTreeClassifier


@pytest.fixture(scope="module")
def cluster():
    from dask.distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as local,
        Client(local) as client,
    ):
        assert len(client.scheduler_info()["workers"]) == 2
        yield client


def test_blocks_of_an_array(cluster, quant, digits):
    import dask.array as da

    rows = np.tile(digits.X_test, (20, 1)).astype(np.float32)
    blocks = da.from_array(rows, chunks=(1000, rows.shape[1]))
    found = blocks.map_blocks(quant.predict, drop_axis=1, dtype=quant.classes_.dtype)
    assert np.array_equal(found.compute(), quant.predict(rows))
    probabilities = blocks.map_blocks(quant.predict_proba, chunks=(blocks.chunks[0], 10), dtype=float)
    assert np.array_equal(probabilities.compute(), quant.predict_proba(rows))


def test_partitions_of_a_frame(cluster, digits):
    dd = pytest.importorskip("dask.dataframe")
    import pandas as pd

    frame = pd.DataFrame(digits.X[:, 20:24], columns=["left", "right", "up", "down"])
    tree = DecisionTreeClassifier(max_depth=5, random_state=0).fit(frame, digits.y)
    q = sp.load(tree).quantize(frame)

    def classes(part):
        return pd.Series(q.predict(part), index=part.index)

    parts = dd.from_pandas(frame[["down", "up", "left", "right"]], npartitions=6)
    found = parts.map_partitions(classes, meta=("class", "int64")).compute()
    assert np.array_equal(found.to_numpy(), q.predict(frame))


def test_the_example(cluster, capsys):
    path = REPOSITORY / "python" / "examples" / "dask_cluster.py"
    scope = {"__name__": "example"}
    exec(compile(path.read_text(), path, "exec"), scope)
    scope["main"](cluster, n_rows=20_000)
    assert "every class equal: True" in capsys.readouterr().out
