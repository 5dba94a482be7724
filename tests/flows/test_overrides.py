"""Settings and places of tables that one run chooses: checked before it exists, kept by its resume, told afterwards."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from retrain_trigger import Retraining
from typer.testing import CliRunner

from project_flow import refuse_longer
from scarcegan import history
from scarcegan.cli import app
from scarcegan.problems import SettingsProblem
from scarcegan.settings import Train

ROOT = Path(__file__).resolve().parents[2]
COUNTS = {"dormant": 40, "normal": 40, "heavy": 40, "risky": 30}


@pytest.mark.parametrize("flow", ["retrain_flow", "score_flow", "features_flow"])
def test_a_wrong_override_ends_the_command_before_there_is_a_run(flow, tmp_path):
    command = [sys.executable, str(ROOT / f"flows/{flow}.py"), "run", "--set", "train.iteratons=20"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "USERNAME": "tester"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Nothing was started" in done.stderr
    assert "unknown key 'train.iteratons': did you mean 'train.iterations'?" in done.stderr
    assert not list((tmp_path / ".metaflow").glob("*Flow"))


def test_a_retraining_takes_over_the_settings_of_the_run_that_asks():
    wanted = Retraining("players-a", ("recall",), "ScoreFlow/1", "mine.toml", 'model.objective="published"')
    assert wanted.parameters == {"snapshot": "players-a", "set": 'model.objective="published"'}
    assert """run --snapshot players-a --set 'model.objective="published"' --tag""" in wanted.command
    assert Retraining("players-a", (), "ScoreFlow/1", "mine.toml").parameters == {"snapshot": "players-a"}


@pytest.fixture(scope="module")
def chain(flow_folder):
    """A run on one table with labels and a changed setting, which breaks, and its resume."""
    rng, folder = np.random.default_rng(0), flow_folder.path
    kinds = np.repeat([*COUNTS, None], [*COUNTS.values(), 600])
    shift = pd.Series(kinds).map({"dormant": -1, "heavy": 1, "risky": 2}).fillna(0).to_numpy()
    features = pd.DataFrame(
        rng.normal(shift[:, np.newaxis], 1, (len(kinds), 3)), columns=["stakes", "nights", "chases"]
    )
    everyone = features.assign(kind=kinds, player_id=rng.permutation(len(kinds)))
    everyone.to_csv(folder / "everyone.csv", index=False)
    for name, rows in (
        everyone.fillna({"kind": "unlabeled"}).drop(columns="kind").groupby(everyone["kind"].fillna("unlabeled"))
    ):
        rows.to_parquet(folder / f"{name}.parquet", index=False)
    flow_folder.configure({"data": {"source": "tables", "label_column": "kind"}})
    broken = flow_folder.launch(
        "run",
        "--data",
        "everyone.csv",
        "--set",
        'train.iterations=20,evaluate.rivals=["linear"]',
        fault="evaluate",
        expect=1,
    )
    resumed = flow_folder.launch("resume")
    flow_folder.configure({"data": {"source": "tables", "path": "nowhere"}})
    places = ",".join(f"{name}={name}.parquet" for name in (*COUNTS, "unlabeled"))
    apart = flow_folder.launch("run", "--data", places, fault="evaluate", expect=1)
    return [flow_folder.run(run_id) for _, run_id in (broken, resumed, apart)]


@pytest.mark.slow
def test_an_override_holds_for_the_run_and_its_resume_and_is_on_record(chain):
    _, resumed, _ = chain
    start = resumed["start"].task
    assert start["settings"].data["train"]["iterations"] == 20
    assert start["settings"].data["evaluate"]["rivals"] == ["linear"]
    assert start["overrides"].data == 'train.iterations=20,evaluate.rivals=["linear"]'
    lineage = resumed["register"].task["release"].data["lineage"]
    assert lineage["overrides"] == start["overrides"].data
    assert lineage["config"].endswith("tiny.toml")


@pytest.mark.slow
def test_an_override_is_shown_and_compared(chain):
    _, resumed, apart = chain
    assert history.show(resumed.id)["overrides"] == 'train.iterations=20,evaluate.rivals=["linear"]'
    compared = json.loads(CliRunner().invoke(app, ["runs", "compare", apart.id, resumed.id, "--json"]).stdout)
    assert compared["settings"]["--set"][resumed.id].startswith("train.iterations=20")
    assert compared["settings"]["train.iterations"][resumed.id] == 20


@pytest.mark.slow
def test_one_table_and_five_places_give_the_same_players(chain):
    first, _, apart = chain
    prints = {run["preprocess"].task["data_report"].data["fingerprint"] for run in (first, apart)}
    assert len(prints) == 1


def test_training_that_outlasts_the_time_limit_of_its_jobs_is_refused():
    before = Train(members=16, iterations=1000)
    refuse_longer(before, Train(members=32, iterations=2000))
    with pytest.raises(SettingsProblem, match="--set asks for 16 members and 1,000,000 iterations"):
        refuse_longer(before, Train(members=16, iterations=1_000_000))
