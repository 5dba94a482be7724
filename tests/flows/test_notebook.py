"""The notebook runs on a finished tiny run and a resume of it, which Metaflow clones in seconds."""

from pathlib import Path

import nbclient
import nbformat
import pytest

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "inspect_runs.ipynb"


@pytest.fixture(scope="module")
def executed(flow_folder):
    _, run_id = flow_folder.launch("run", "--seed", "11")
    flow_folder.launch("resume", "--origin-run-id", run_id)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(flow_folder.path)}}).execute()
    return notebook


def shown(notebook, word):
    """Return what the first cell with a word in its source has shown, all of it as text."""
    [cell, *_] = [cell for cell in notebook.cells if cell.cell_type == "code" and word in cell.source]
    return "".join(str(output.get("data", output.get("text", ""))) for output in cell.outputs)


@pytest.mark.slow
def test_the_notebook_runs_from_top_to_bottom(executed):
    assert "finished" in shown(executed, "history.runs()")
    assert "image/png" in shown(executed, "validation_average_precision")
    assert "image/png" in shown(executed, "model.risk(")
    assert "typical" in shown(executed, "reasons(")
    assert "iframe" in shown(executed, "history.card(")


def test_git_keeps_the_notebook_without_outputs_and_its_cells_short():
    cells = [cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"]
    assert cells
    for cell in cells:
        assert not cell.outputs
        assert cell.execution_count is None
        assert len(cell.source.splitlines()) <= 12
