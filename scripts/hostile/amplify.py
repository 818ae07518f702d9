#!/usr/bin/env python3
"""Memory and time that files from strangers take, by program: a row per file, a column per program.

    python3 scripts/hostile/amplify.py [--seconds 120] [--gigabytes 12] PROGRAM...

Makes small files that ask for much, hands each to every xtask named, under a limit on address space
and on time, and prints a table in Markdown. The files need Python's own library alone.
"""

import argparse
import functools
import gzip
import io
import json
import os
import pathlib
import resource
import struct
import subprocess
import tempfile
import time
import zipfile


def npy(descr, shape, data=b""):
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (117 - len(header)) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data


def idx(shape, data=b""):
    return struct.pack(">I", 0x800 + len(shape)) + b"".join(struct.pack(">I", n) for n in shape) + data


def packed(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out + bytes([n]))


def field(tag, content):
    return varint(tag << 3 | 2) + varint(len(content)) + content


def attribute(name, tag, content):
    """A node's attribute; a list of bytes makes a field each."""
    items = content if isinstance(content, list) else [content]
    return field(5, field(1, name.encode()) + b"".join(field(tag, item) for item in items))


def onnx(attributes):
    """A graph of one TreeEnsembleClassifier on ten columns."""
    node = field(1, b"X") + field(2, b"label") + field(4, b"TreeEnsembleClassifier")
    node += b"".join(attributes) + field(7, b"ai.onnx.ml")
    shape = field(1, b"\x08\x01") + field(1, b"\x08\x0a")
    column = field(1, b"X") + field(2, field(1, b"\x08\x01" + field(2, shape)))
    opsets = field(8, field(1, b"")) + field(8, field(1, b"ai.onnx.ml"))
    return b"\x08\x08" + field(7, field(1, node) + field(11, column)) + opsets


def joined(n):
    """A graph of so many ensembles of one tree, each added to the sum of those before."""
    def tree(at):
        node = field(1, b"X") + field(2, f"Y{at}".encode()) + field(4, b"TreeEnsembleRegressor")
        zero = [attribute(f"{name}", 8, b"\0") for name in (
            "nodes_treeids", "nodes_nodeids", "nodes_featureids", "nodes_truenodeids", "nodes_falsenodeids",
            "target_treeids", "target_nodeids", "target_ids")]
        one = [attribute("nodes_modes", 9, [b"LEAF"]), attribute("nodes_values", 7, bytes(4)),
               attribute("target_weights", 7, struct.pack("<f", 1))]
        return field(1, node + b"".join(zero + one) + field(7, b"ai.onnx.ml"))

    def added(at):
        before = f"S{at - 1}" if at > 1 else "Y0"
        return field(1, field(1, before.encode()) + field(1, f"Y{at}".encode()) + field(2, f"S{at}".encode())
                     + field(4, b"Add"))

    shape = field(1, b"\x08\x01") + field(1, b"\x08\x0a")
    column = field(1, b"X") + field(2, field(1, b"\x08\x01" + field(2, shape)))
    nodes = b"".join(tree(at) for at in range(n)) + b"".join(added(at) for at in range(1, n))
    opsets = field(8, field(1, b"")) + field(8, field(1, b"ai.onnx.ml"))
    return b"\x08\x08" + field(7, nodes + field(11, column)) + opsets


def parquet(n, page, size, name=b"a"):
    """A Parquet file of `n` doubles in one page, which Snappy is said to unpack to `size` bytes."""
    def number(n):
        return varint(n << 1)

    def text(content):
        return varint(len(content)) + content

    def listed(kind, *items):
        return bytes([len(items) << 4 | kind]) + b"".join(items)

    def record(*fields):
        """Fields of Thrift's compact protocol: number, type and content."""
        out, last = b"", 0
        for at, kind, content in fields:
            out, last = out + bytes([(at - last) << 4 | kind]) + content, at
        return out + b"\0"

    i32, i64, binary, items, struct_of = 5, 6, 8, 9, 12
    of_page = record((1, i32, number(n)), (2, i32, number(0)), (3, i32, number(3)), (4, i32, number(3)))
    head = record((1, i32, number(0)), (2, i32, number(size)), (3, i32, number(len(page))), (5, struct_of, of_page))
    about = record(
        (1, i32, number(5)), (2, items, listed(i32, number(0))), (3, items, listed(binary, text(name))),
        (4, i32, number(1)), (5, i64, number(n)), (6, i64, number(size)), (7, i64, number(len(head + page))),
        (9, i64, number(4)))
    column = record((2, i64, number(4)), (3, struct_of, about))
    group = record((1, items, listed(struct_of, column)), (2, i64, number(size)), (3, i64, number(n)))
    schema = listed(struct_of, record((4, binary, text(b"root")), (5, i32, number(1))),
                    record((1, i32, number(5)), (3, i32, number(0)), (4, binary, text(name))))
    end = record((1, i32, number(1)), (2, items, schema), (3, i64, number(n)), (4, items, listed(struct_of, group)))
    return b"PAR1" + head + page + end + struct.pack("<I", len(end)) + b"PAR1"


def snappy_of_zeros(n):
    """So many runs of 64 zero bytes, and how many bytes they are."""
    size = 64 * n + 1
    return varint(size) + b"\0\0" + bytes([63 << 2 | 2, 1, 0]) * n, size


def spark(n):
    """A folder of a Spark model whose nodes are `n` zeros, packed as tightly as can be."""
    page, size = snappy_of_zeros(n // 8)
    metadata = {"class": "org.apache.spark.ml.regression.DecisionTreeRegressionModel", "sparkVersion": "4.3.0",
                "numFeatures": 2, "paramMap": {}, "defaultParamMap": {}}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("metadata/part-00000", json.dumps(metadata))
        archive.writestr("data/part-00000.parquet", parquet(n, page, size, b"prediction"))
    return file.getvalue()


def ensemble(n_trees, n_classes):
    """Trees of one leaf, each of the first class alone."""
    numbers = b"".join(varint(tree) for tree in range(n_trees))
    zeros = bytes(n_trees)
    labels = b"".join(varint(label) for label in range(n_classes))
    return onnx([
        attribute("classlabels_int64s", 8, labels),
        attribute("nodes_treeids", 8, numbers),
        attribute("nodes_nodeids", 8, zeros),
        attribute("nodes_featureids", 8, zeros),
        attribute("nodes_modes", 9, [b"LEAF"] * n_trees),
        attribute("nodes_values", 7, bytes(4 * n_trees)),
        attribute("nodes_truenodeids", 8, zeros),
        attribute("nodes_falsenodeids", 8, zeros),
        attribute("class_treeids", 8, numbers),
        attribute("class_nodeids", 8, zeros),
        attribute("class_ids", 8, zeros),
        attribute("class_weights", 7, struct.pack("<f", 1 / n_trees) * n_trees),
    ])


def skops_of_arrays(n):
    """A pipeline of `n` scalers that all refer to one array."""
    def object_of(name, content):
        members = ", ".join(f'"{key}": {value}' for key, value in content.items())
        return (f'{{"__class__": "{name}", "__module__": "sklearn.x", "__loader__": "ObjectNode", '
                f'"content": {{"content": {{{members}}}}}}}')

    def scalar(text):
        return f'{{"__loader__": "JsonNode", "content": "{text}"}}'

    array = '{"__loader__": "NdArrayNode", "type": "numpy", "file": "0.npy"}'
    scaler = object_of("MaxAbsScaler", {"n_features_in_": scalar(60000), "scale_": array,
                                        "clip": scalar("true")})
    pair, two = (array.replace("0.npy", name) for name in ("1.npy", "2.npy"))
    last = object_of("GaussianNB", {
        "n_features_in_": scalar(60000), "theta_": pair, "var_": pair, "class_prior_": two,
        "classes_": f'{{"content": [{scalar(0)}, {scalar(1)}]}}'})
    step = '{{"__loader__": "TupleNode", "content": [{}, {}]}}'
    steps = ", ".join(step.format(scalar("1"), it) for it in [scaler] * n + [last])
    steps = f'{{"__loader__": "ListNode", "content": [{steps}]}}'
    schema = object_of("Pipeline", {"steps": steps})
    ones = {f"{at}.npy": npy("<f8", f"({n},)", struct.pack("<d", 1) * n)
            for at, n in enumerate((60000, 120000, 2))}
    return packed({"schema.json": schema, **ones})


def wav(n_bytes, data):
    head = b"RIFF" + struct.pack("<I", n_bytes) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16000,
                                                                     32000, 2, 16)
    return head + b"data" + struct.pack("<I", n_bytes) + data


CONFIG = """[pipeline]
name = "hostile"
[dataset]
{dataset}
[model]
kind = "decision-tree"
[target]
chip = "nRF51822_xxAA"
"""
SOUND = """[frontend]
sample_rate = 16000
decision_frames = 10
"""


class Case:
    """A file, what it stands for, and how a program is made to read it."""

    def __init__(self, name, about, content, how="inspect", **keys):
        self.name, self.about, self.make, self.how, self.keys = name, about, content, how, keys

    @functools.cached_property
    def content(self):
        """The file's bytes, made when they are asked for; `None` where the file is there."""
        return self.make and self.make()

    def arguments(self, folder):
        path = folder / self.name
        if self.content is not None:
            path.write_bytes(self.content)
        if self.how == "inspect":
            return ["inspect", str(path)]
        if self.how == "baseline":
            lines = f'path = "{folder}/small.csv"\nlabel = "y"'
            config = CONFIG.format(dataset=lines)
            verb = ["pipeline", "check", "--baseline", str(path)]
        else:
            has_own = self.keys.get("dataset", "").startswith("train")
            lines = [] if has_own else [f'path = "{path}"']
            lines.append(self.keys.get("dataset", 'label = "y"').format(folder=folder, path=path))
            config = CONFIG.format(dataset="\n".join(lines)) + self.keys.get("more", "")
            verb = ["pipeline", "run", "--until", "model", "--force"]
        toml = folder / (self.name + ".toml")
        toml.write_text(config)
        return verb + ["--config", str(toml)]


def of_labels(folder_free="labels.npy"):
    return f'path_labels = "{{folder}}/{folder_free}"'


def cases(folder):
    (folder / "small.csv").write_text("a,y\n" + "1,p\n2,q\n" * 20)
    (folder / "labels.npy").write_bytes(npy("<i8", "(2,)", struct.pack("<qq", 0, 1)))
    (folder / "labels.idx").write_bytes(idx((2,), b"\0\1"))
    (folder / "sound.csv").write_text("start,end,label\n0,1,p\n")
    (folder / "other.csv").write_text("a,y\n1,p\n2,q\n")
    os.mkfifo(folder / "pipe.csv")
    million = ",".join(f"c{at}" for at in range(1_000_000))
    wide = ",".join(f"c{at}" for at in range(60_000))
    texts = ",".join("x" for _ in range(60_000))
    maps = b'[' + b'{"":0},' * 1_000_000 + b'0]'
    rows = dict(how="rows", dataset=of_labels())
    return [
        Case("cap.npy", ".npy of (0, 2^62) numbers", lambda: npy("<f8", f"(0, {2**62})"), **rows),
        Case("giga.npy", ".npy of (0, 300,000,000) numbers", lambda: npy("<f8", "(0, 300000000)"), **rows),
        Case("wide.npy", ".npy of one row of 20,000,000 bytes",
             lambda: npy("|u1", "(1, 20000000)", bytes(20_000_000)), **rows),
        Case("none.idx", "IDX of 0 images of 2^32 by 2^32",
             lambda: idx((0, 2**32 - 1, 2**32 - 1)), how="rows", dataset=of_labels("labels.idx")),
        Case("many.idx", "IDX of 0 images of 20,000 by 20,000",
             lambda: idx((0, 20000, 20000)), how="rows", dataset=of_labels("labels.idx")),
        Case("u8.npz", ".npz of 480,000,000 zero bytes",
             lambda: packed({"X.npy": npy("|u1", "(480000, 1000)", bytes(480_000_000)),
                     "y.npy": npy("|u1", "(480000,)", bytes(480_000))}), how="rows"),
        Case("rows.csv.gz", ".gz of 960 MB of rows `0,a`",
             lambda: gzip.compress(b"x,y\n" + b"0,a\n0,b\n" * 120_000_000, 9), how="rows"),
        Case("zeros.idx.gz", ".gz of 1 GB of pixels",
             lambda: gzip.compress(idx((1_000_000, 25, 40), bytes(1_000_000_000)), 9), how="rows",
             dataset=of_labels("labels.idx")),
        Case("columns.csv", "CSV with a million columns",
             lambda: f"{million},y\n".encode() + b"0," * 1_000_000 + b"0\n", how="rows"),
        Case("faults.csv", "CSV with 60,000 columns of text over 40 rows",
             lambda: (f"{wide},y\n" + f"{texts},p\n" * 40).encode(), how="rows"),
        Case("ignored.csv", "60,000 columns, one of them in `ignore`, in two files",
             lambda: (f"{wide},y\n" + f"{texts.replace('x', '1')},p\n{texts.replace('x', '2')},q\n").encode(),
             how="rows",
             dataset='train = "{path}"\ntest = "{folder}/other.csv"\nlabel = "y"\nignore = ["c1"]'),
        Case("stars.csv", "`*a*a*a*a*a*a*a*a*a*a*a*ab` in `ignore`, a name of 60 letters",
             lambda: f"{'a' * 60},b,y\n1,2,p\n2,3,q\n".encode(), how="rows",
             dataset='label = "y"\nignore = ["*a*a*a*a*a*a*a*a*a*a*a*ab"]'),
        Case("long.wav", "WAV that claims 4 GB", lambda: wav(2**32 - 2, bytes(2000)), how="rows",
             dataset='train = "{path}"\ntrain_labels = "{folder}/sound.csv"\ntest = "{path}"\n'
                     'test_labels = "{folder}/sound.csv"', more=SOUND),
        Case("zero", "/dev/zero as a model", None),
        Case("pipe.csv", "a named pipe as rows", None, how="rows"),
        Case("maps.skops", "skops schema of 4,000,000 maps",
             lambda: packed({"schema.json": b'{"a":[' + b'{"":0},' * 4_000_000 + b"0]}"})),
        Case("arrays.skops", "skops pipeline of 2,000 scalers of one array", lambda: skops_of_arrays(2_000)),
        Case("leaves.onnx", "ONNX of 60,000 leaves of 255 classes", lambda: ensemble(60_000, 255)),
        Case("texts.onnx", "ONNX of 10,000,000 empty modes",
             lambda: onnx([attribute("nodes_modes", 9, [b""] * 10_000_000)])),
        Case("nodes.json", "JSON model of 8,000,000 empty nodes",
             lambda: b'{"format":"spinney-model","version":1,"kind":"decision-tree","features":[{"name":"a"}],'
             b'"classes":["p","q"],"trees":[{"nodes":[' + b"{}," * 8_000_000 + b"{}]}]}"),
        Case("deep.json", "JSON nested 20,000,000 levels deep", lambda: b'{"trees":' + b"[" * 20_000_000),
        Case("trees.json", "XGBoost JSON of 20,000 trees of one leaf", lambda: xgboost_json(20_000)),
        Case("names.ubj", "XGBoost UBJSON of 5,000,000 empty names",
             lambda: b"{U\x07learner{U\x0dfeature_names[$S#l" + struct.pack(">i", 5_000_000)
             + b"U\0" * 5_000_000 + b"}}"),
        Case("deep.ubj", "UBJSON nested 10,000,000 levels deep", lambda: b"{U\x07learner" + b"[" * 10_000_000),
        Case("names.txt", "LightGBM text with 5,000,000 names",
             lambda: b"tree\nversion=v4\nfeature_names=" + b"a " * 5_000_000),
        Case("numbers.txt", "LightGBM text of one tree of 1,200,000 splits",
             lambda: b"tree\nversion=v4\nTree=0\nnum_leaves=1200001\n"
             + b"".join(key + b"=" + b"0 " * 1_200_000 + b"\n" for key in (
                 b"split_feature", b"threshold", b"decision_type", b"left_child", b"right_child",
                 b"leaf_value")) + b"end of trees\n"),
        Case("deep.lgb.json", "LightGBM JSON nested 500,000 splits deep",
             lambda: b'{"name":"tree","version":"v4","tree_info":[{"tree_structure":'
             + b'{"left_child":' * 500_000),
        Case("sets.txt", "LightGBM text of 20,000 splits by one set of 16,384 categories", lambda: lightgbm_sets(20_000, 512)),
        Case("sets.json", "XGBoost JSON of 10,000 splits by one set of 20,000 categories", lambda: xgboost_sets(10_000, 20_000)),
        Case("words.json", "CatBoost JSON of 2,000 features of 20,000 words", lambda: catboost_words(2_000, 20_000)),
        Case("deep.cat.json", "CatBoost JSON of 70 oblivious trees 16 levels deep", lambda: catboost_deep(70, 16)),
        Case("chain.bin", "treelite of one tree of 85,000 splits, each below the last", lambda: treelite(85_000)),
        Case("sets.bin", "treelite of 20,000 splits by one set of 20,000 categories", lambda: treelite(20_000, range(20_000))),
        Case("joined.onnx", "ONNX of 2,000 ensembles, each added to those before", lambda: joined(2_000)),
        Case("claim.parquet", "Parquet of a page that claims 2 GB", lambda: parquet(10, varint(2 * 10**9) + b"\0a", 2 * 10**9), **rows),
        Case("zeros.parquet", "Parquet of 26,000,000 zeros", lambda: parquet(26_000_000, *snappy_of_zeros(3_250_000)), **rows),
        Case("zeros.spark", "Spark's folder of 26,000,000 zeros", lambda: spark(26_000_000)),
        Case("maps.json", "baseline of 1,000,000 maps", lambda: maps, how="baseline"),
    ]


def xgboost_json(n):
    """So many trees of one leaf."""
    tree = (b'{"default_left":[0],"left_children":[-1],"right_children":[-1],"split_conditions":[0],'
            b'"split_indices":[0],"tree_param":{"num_nodes":"1"}}')
    return (b'{"learner":{"gradient_booster":{"model":{"tree_info":[' + b",".join([b"0"] * n)
            + b'],"trees":[' + b",".join([tree] * n) + b']},"name":"gbtree"},"learner_model_param":'
            b'{"base_score":"0","num_class":"0","num_feature":"1"},"objective":'
            b'{"name":"reg:squarederror"}},"version":[3,2,0]}')


def measure(program, arguments, seconds, n_bytes):
    """Exit code, last line, peak resident bytes and seconds of a run."""
    def limited():
        resource.setrlimit(resource.RLIMIT_AS, (n_bytes, n_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.setsid()

    with tempfile.TemporaryFile() as said, tempfile.NamedTemporaryFile("r") as peak:
        # A process of its own between: a child's peak begins with that of who forks it.
        timed = ["/usr/bin/time", "--quiet", "-o", peak.name, "-f", "%M", program, *arguments]
        start = time.monotonic()
        child = subprocess.Popen(timed, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                                 preexec_fn=limited)
        try:
            child.wait(seconds)
            known = {0: "read", 2: "refused", 101: "**panic**", 134: "**abort**", 6: "**abort**"}
            result = known.get(child.returncode, f"exit {child.returncode}")
        except subprocess.TimeoutExpired:
            result = "**no end**"
            # The program alone, so that its peak is told.
            subprocess.run(["pkill", "-9", "-P", str(child.pid)], check=False)
            child.wait()
        took = time.monotonic() - start
        said.seek(0)
        lines = said.read().decode(errors="replace").splitlines()
        return result, lines, int(peak.read().split()[-1]) * 1024, took


def lightgbm_sets(n, words):
    """A chain of so many splits, each by the same set of bits."""
    line = lambda key, items: key + b"=" + b" ".join(items) + b"\n"
    number = lambda it: str(it).encode()
    left = [number(it + 1) for it in range(n - 1)] + [number(-1)]
    return (b"tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=0\nobjective=regression\n"
            b"feature_names=a\nfeature_infos=0:1\n\nTree=0\nnum_leaves=" + number(n + 1) + b"\nnum_cat=1\n"
            + line(b"split_feature", [b"0"] * n) + line(b"threshold", [b"0"] * n)
            + line(b"decision_type", [b"1"] * n) + line(b"left_child", left)
            + line(b"right_child", [number(-2 - it) for it in range(n)])
            + line(b"leaf_value", [b"0"] * (n + 1)) + line(b"cat_boundaries", [b"0", number(words)])
            + line(b"cat_threshold", [b"4294967295"] * words) + b"\n\nend of trees\n")


def xgboost_sets(n, categories):
    """A chain of so many splits, each by the same part of the list of categories."""
    total = 2 * n + 1
    lists = {
        "default_left": [0] * total, "split_conditions": [0] * total, "split_indices": [0] * total,
        "split_type": [1] * n + [0] * (n + 1),
        "left_children": [*range(1, n), n, *[-1] * (n + 1)], "right_children": [*range(n + 1, total), *[-1] * (n + 1)],
        "categories": list(range(categories)), "categories_nodes": list(range(n)),
        "categories_segments": [0] * n, "categories_sizes": [categories] * n, "tree_param": {"num_nodes": str(total)},
    }
    return json.dumps({"learner": {
        "gradient_booster": {"model": {"tree_info": [0], "trees": [lists]}, "name": "gbtree"},
        "learner_model_param": {"base_score": "0", "num_class": "0", "num_feature": "1"},
        "objective": {"name": "reg:squarederror"}}, "version": [3, 2, 0]}).encode()


def catboost_words(n, words):
    """So many features, each of all of the words."""
    return json.dumps({
        "features_info": {
            "categorical_features": [{"flat_feature_index": it} for it in range(n)],
            "cat_features_hash": [{"hash": it, "value": f"w{it}"} for it in range(words)],
        },
        "model_info": {"params": {"loss_function": {"type": "RMSE"}}},
        "oblivious_trees": [{"leaf_values": [0], "splits": []}], "scale_and_bias": [1, [0]],
    }).encode()


def treelite(nodes, categories=()):
    """A tree of these splits of a feature below 0.5, or by one set of categories, in a chain."""
    total = 2 * nodes + 1
    listed = lambda kind, items: struct.pack("<Q", len(items)) + struct.pack(f"<{len(items)}{kind}", *items)
    ends = [0] * nodes + [-1] * (nodes + 1)
    left, right = [*range(1, nodes), nodes, *ends[nodes:]], [*range(nodes + 1, total), *ends[nodes:]]
    kind = 2 if categories else 1
    head = (struct.pack("<3iBBQi", 4, 8, 1, 2, 2, 1, 1) + struct.pack("<BBi", 1, 0, 1) + listed("i", [1])
            + listed("i", [1, 1]) + listed("i", [0]) * 2 + listed("B", b"identity") + struct.pack("<ff", 1, 1)
            + listed("d", [0]) + listed("B", b"{}") + struct.pack("<i", 0))
    tree = (struct.pack("<iB", total, bool(categories)) + listed("B", [kind] * nodes + [0] * (nodes + 1))
            + listed("i", left) + listed("i", right) + listed("i", [0] * nodes + [-1] * (nodes + 1))
            + listed("B", [0] * total) + listed("f", [0] * total) + listed("f", [0.5] * total)
            + listed("B", [2] * nodes + [0] * (nodes + 1)) + listed("B", [0] * total)
            + listed("f", []) + listed("Q", [0] * total) * 2 + listed("I", categories)
            + listed("Q", [0] * total) + listed("Q", [len(categories)] * nodes + [0] * (nodes + 1))
            + listed("B", []) * 6 + struct.pack("<ii", 0, 0))
    return head + tree


def catboost_deep(n, depth):
    """So many oblivious trees of one border."""
    leaves, splits = "[" + ",".join(["0"] * 2**depth) + "]", ",".join(
        ['{"split_type":"FloatFeature","float_feature_index":0,"border":0,"split_index":0}'] * depth)
    tree = f'{{"leaf_values":{leaves},"splits":[{splits}]}}'
    return ('{"features_info":{"float_features":[{"feature_index":0,"flat_feature_index":0,"borders":[0],'
            '"has_nans":false,"nan_value_treatment":"AsIs"}]},"model_info":{"params":{"loss_function":'
            '{"type":"RMSE"}}},"oblivious_trees":[' + ",".join([tree] * n) + '],"scale_and_bias":[1,[0]]}').encode()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--gigabytes", type=float, default=12)
    parser.add_argument("--only", help="the name of one file")
    parser.add_argument("--verbose", action="store_true", help="show what the programs say")
    parser.add_argument("programs", nargs="+")
    options = parser.parse_args()
    programs = [str(pathlib.Path(it).resolve()) for it in options.programs]
    columns = "".join(f" | {pathlib.Path(it).name}: MB | s | " for it in programs)
    print(f"| file | bytes | 16 × file + 64 MB{columns} |")
    print("| --- | ---: | ---: |" + " ---: | ---: | --- |" * len(programs), flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        os.symlink("/dev/zero", folder / "zero")
        for case in cases(folder):
            if options.only not in (None, case.name):
                continue
            arguments = case.arguments(folder)
            n_bytes = len(case.content or b"")
            line = f"| {case.about} | {n_bytes:,} | {16 * n_bytes / 1e6 + 64:.0f}"
            for program in programs:
                result, said, peak, took = measure(program, arguments, options.seconds,
                                                   int(options.gigabytes * 1e9))
                line += f" | {peak / 1e6:.0f} | {took:.1f} | {result}"
                if options.verbose:
                    print("\n".join(it[:300] for it in said[-8:]))
            print(line + " |", flush=True)


if __name__ == "__main__":
    main()
