"""The notebook runs on a finished tiny run and a resume of it, which Metaflow clones in seconds."""

from pathlib import Path
from types import SimpleNamespace

import nbclient
import nbformat
import numpy as np
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


def test_the_typical_player_has_a_median_where_some_lack_a_value():
    [cell] = [
        cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.source.startswith("from scarcegan.data")
    ]
    features, told = np.array([[1.0, np.nan], [2.0, 5.0], [3.0, 7.0]], np.float32), []
    model = SimpleNamespace(explain=lambda player, typical: told.extend(typical), reasons=lambda *_: [[]])
    players = SimpleNamespace(features=features, labels=np.full(3, -1))
    exec(cell.source, {"np": np, "model": model, "players": players, "held_out": players, "scores": np.arange(3.0)})  # noqa: S102
    assert told == [2.0, 6.0]
