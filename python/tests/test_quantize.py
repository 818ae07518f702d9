"""Quantizing: arguments, certificates, sizes, sources, and what a compiler makes of a header."""

import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest
import spinney_ml as sp

ODD = [
    ({"sensors": "u9"}, 'found "u9", expected one of "u8", "i8"'),
    ({"sensors": {"pixel_*": "u8"}}, 'found "pixel_*", which no feature is called'),
    ({"sensors": {"x0": (5, 1)}}, "expected its lower end first"),
    ({"sensors": {"x0": 7}}, 'sensors[\'x0\']: found 7, expected a type such as "u8"'),
    ({"sensors": {"x0": {"typo": 1}}}, "sensors['x0']: found"),
    ({"sensors": "i8", "leaves": "medium"}, 'leaves: found "medium"'),
    ({"votes": "4-bit"}, 'votes: found "4-bit"'),
    ({"coding": "huffman"}, 'coding: found "huffman"'),
    ({"codes": "7"}, 'codes: found "7"'),
    ({"outputs": ["colour"]}, "outputs: found 'colour'"),
    ({"chip": "STM32F999"}, 'chip: found "STM32F999", expected one such as'),
]


@pytest.mark.parametrize(("arguments", "told"), ODD, ids=[str(it[0]) for it in ODD])
def test_odd_arguments_say_what_was_expected(arguments, told, forest, digits):
    with pytest.raises(sp.QuantizationError) as raised:
        sp.load(forest).quantize(digits.X, **arguments)
    assert told in str(raised.value)


def test_a_sensor_that_cannot_deliver_the_rows(forest, digits):
    with pytest.raises(sp.QuantizationError, match="the training reading 0.5"):
        sp.load(forest).quantize(digits.X + 0.5, sensors="u8")


def test_the_certificate(quant, digits):
    certificate = quant.certificate
    assert certificate.splits == "every-input"
    assert certificate.n_rows == len(digits.X)
    assert quant.certify(digits.X_test).n_rows == len(digits.X_test)
    with pytest.raises(sp.QuantizationError, match="quantize\\(X\\), or certify"):
        quant.model.quantize().certificate  # noqa: B018


def test_coarse_codes_are_listed(forest, digits):
    wide = {"range": (0, 1e6), "type": "f32", "coding": "affine"}
    q = sp.load(forest).quantize(digits.X / 16, sensors={"*": wide}, codes="16-bit")
    assert q.certificate.splits == "listed"
    rows = digits.X / 16
    differing = np.flatnonzero(q.predict(rows) != q.model.predict(rows))
    assert len(differing) > 0
    assert set(differing) <= set(q.certificate.listed_rows)
    parting = q.explain(rows[q.certificate.listed_rows[0]])
    assert "float and Q15 part here" in str(parting)


def test_an_explanation(quant, digits):
    explained = quant.explain(digits.X_test[0])
    assert explained.data["q15"] == str(quant.predict(digits.X_test[:1])[0])
    assert len(explained.data["trees"]) == 10
    assert "readings: feature, reading, code, coding" in str(explained)
    with pytest.raises(ValueError, match="features"):
        quant.explain(digits.X_test[0, :5])
    with pytest.raises(ValueError, match="found 2 rows"):
        quant.explain(digits.X_test[:2])


def test_leaves_and_votes(forest, digits):
    model = sp.load(forest)
    bytes_of = {}
    for leaves, votes in [("soft", "q15"), ("soft", "8-bit"), ("hard", "q15")]:
        q = model.quantize(digits.X, sensors="u8", leaves=leaves, votes=votes)
        bytes_of[leaves, votes] = q.size()[0].total_bytes
    assert bytes_of["hard", "q15"] < bytes_of["soft", "8-bit"] < bytes_of["soft", "q15"]


def test_probabilities(quant, forest, digits):
    found = quant.predict_proba(digits.X_test)
    assert np.abs(found - forest.predict_proba(digits.X_test)).max() < 1e-3
    assert np.array_equal(quant.classes_[found.argmax(axis=1)], quant.predict(digits.X_test))
    assert quant.scores(digits.X_test).dtype == np.int64


def test_a_chip(forest, digits):
    q = sp.load(forest).quantize(digits.X, sensors="u8", chip="STM32F030F4")
    table, packed = q.size()
    assert (table.encoding, packed.encoding) == ("table", "packed")
    assert 0 < packed.total_bytes < table.total_bytes
    assert "16,384 B flash of STM32F030F4" in q._repr_html_()


def compiled(header, rows, folder):
    """The classes that the functions of a header give, compiled without a warning."""
    prefix = header.stem
    program = folder / "program.c"
    program.write_text(
        f"""#include <stdio.h>
#include "{header.name}"
int main(void) {{
    {prefix}_reading_t readings[{prefix.upper()}_N_FEATURES];
    while (fread(readings, sizeof readings, 1, stdin) == 1)
        printf("%d\\n", (int){prefix}_predict(readings));
    return 0;
}}
"""
    )
    command = ["cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-O1", program, "-o", folder / "it"]
    subprocess.run(command, check=True, cwd=folder)
    done = subprocess.run([folder / "it"], input=rows, capture_output=True, check=True)
    return np.array(done.stdout.split(), dtype=int)


@pytest.mark.parametrize("encoding", ["table", "branches"])
def test_a_header_computes_the_same(encoding, quant, digits, tmp_path):
    header = quant.save(tmp_path / "digits.h", encoding=encoding)
    assert quant.facts["reading_type"] == "u8"
    rows = digits.X_test.astype(np.uint8).tobytes()
    assert np.array_equal(compiled(header, rows, tmp_path), quant.predict(digits.X_test))


def test_nothing_of_somebody_else_is_replaced(quant, tmp_path):
    header = tmp_path / "mine.h"
    header.write_text("/* mine */")
    with pytest.raises(sp.QuantizationError, match="which Spinney did not write"):
        quant.save(header)
    with pytest.raises(sp.QuantizationError, match="ends in .h"):
        quant.save(tmp_path / "model.c")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("years")
    with pytest.raises(sp.QuantizationError, match="which Spinney did not write"):
        quant.save_crate(tmp_path / "full")
    assert quant.save(quant.save(tmp_path / "again.h")).exists()


def test_a_crate(quant, tmp_path):
    folder = quant.save_crate(tmp_path / "digits", encoding="packed")
    assert 'name = "digits-model"' in (folder / "Cargo.toml").read_text()
    assert (folder / "runtime" / "src" / "walk.rs").is_file()
    assert quant.save_crate(folder, encoding="table") == folder


def test_kept_by_its_bytes(quant, digits, tmp_path):
    import copy

    joblib.dump(quant, tmp_path / "q.joblib")
    for again in [
        pickle.loads(pickle.dumps(quant)),
        joblib.load(tmp_path / "q.joblib"),
        copy.copy(quant),
        copy.deepcopy(quant),
        sp.QuantModel.from_bytes(quant.to_bytes()),
    ]:
        assert again == quant
        assert hash(again) == hash(quant)
        assert np.array_equal(again.predict(digits.X_test), quant.predict(digits.X_test))
    assert pickle.loads(pickle.dumps(quant)).certificate == quant.certificate
    assert quant.model.quantize(digits.X, sensors="u8", leaves="hard") != quant
    model = pickle.loads(pickle.dumps(quant.model))
    assert np.array_equal(model.predict(digits.X_test), quant.model.predict(digits.X_test))


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff\xfe", "half"])
def test_damaged_bytes_are_refused(damage, quant):
    data = quant.to_bytes()
    with pytest.raises(sp.QuantizationError):
        sp.QuantModel.from_bytes(data[: len(data) // 2] if damage == "half" else damage)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not fork")
def test_a_forked_child_predicts(quant, digits):
    import multiprocessing

    rows = np.tile(digits.X_test, (20, 1))
    expected = quant.predict(rows)  # starts this process's threads
    with multiprocessing.get_context("fork").Pool(2) as pool:
        found = pool.map_async(quant.predict, [rows, rows]).get(timeout=120)
    assert all(np.array_equal(it, expected) for it in found)


def test_threads_share_a_model(quant, digits):
    from concurrent.futures import ThreadPoolExecutor

    rows = np.tile(digits.X_test, (10, 1))
    expected = quant.predict(rows)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(quant.predict, [rows] * 32):
            assert np.array_equal(found, expected)


def test_the_card(quant):
    card = quant._repr_html_()
    for told in ["random-forest in fixed point", "every-input", "prefers-color-scheme:dark"]:
        assert told in card
    assert "<script" not in card
    hostile = sp.Certificate(splits="<script>", votes="listed", n_rows=1)
    from spinney_ml._card import card as of

    assert "<script" not in of(quant, hostile, {"name": "<script>", "flash_bytes": 1})
