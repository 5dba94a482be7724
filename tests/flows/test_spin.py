"""`spin` tries one step of a past run again; the ways in which flows pass artifacts on must not stop it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def run_id(flow_folder):
    return flow_folder.launch("run")[1]


def spun(folder, reference):
    command = [sys.executable, str(ROOT / "flows/retrain_flow.py"), "spin", reference]
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("step", ["preprocess", "select", "evaluate", "end"])  # one that splits, one that joins
def test_a_step_of_a_past_run_is_tried_again(flow_folder, run_id, step):
    done = spun(flow_folder.path, f"{run_id}/{step}")
    assert done.returncode == 0, done.stdout
    assert "Task finished successfully." in done.stdout
    assert (flow_folder.path / ".metaflow/RetrainFlow/latest_run").read_text() == run_id
