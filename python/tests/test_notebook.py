"""The notebook runs, and shows what was committed with it."""

import nbformat
from conftest import REPOSITORY
from nbclient import NotebookClient

NOTEBOOK = REPOSITORY / "python" / "examples" / "digits.ipynb"


def shown(cell):
    """What a cell shows, but for numbers that follow the machine's compiler."""
    outputs = []
    for output in cell.outputs:
        assert output.output_type in ("stream", "execute_result"), output
        outputs.append(output.get("text") or dict(output["data"]))
    return outputs if "machine" not in cell.metadata.get("tags", []) else len(outputs)


def test_the_notebook(tmp_path):
    committed = nbformat.read(NOTEBOOK, as_version=4)
    again = nbformat.read(NOTEBOOK, as_version=4)
    for cell in again.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    place = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(
        again, timeout=600, kernel_name="python3", coalesce_streams=True, resources=place
    ).execute()
    code = [cell for cell in again.cells if cell.cell_type == "code"]
    assert [shown(cell) for cell in code] == [
        shown(cell) for cell in committed.cells if cell.cell_type == "code"
    ]
    assert "0 mismatches" in code[-1].outputs[0]["data"]["text/plain"]
