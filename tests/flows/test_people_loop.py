"""From a review list to a better model, as a team does it: score, review, add outcomes, retrain, approve, score."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from scarcegan.cli import app

pytestmark = pytest.mark.slow

COUNTS = {"dormant": 40, "normal": 40, "heavy": 40, "risky": 30}
COLUMNS = ("stakes", "nights", "chases")
SNAPSHOT = "players-2026-11-01"
RISKY_FROM = 4540


def table(first, rows, shift, seed):
    features = np.random.default_rng(seed).normal(shift, 1, (rows, 3)).round(4)
    return pd.DataFrame(features, columns=COLUMNS).assign(account=range(first, first + rows))


@pytest.fixture(scope="module")
def loop(flow_folder):
    """Go once around; the review list, and the runs of the second training and scoring."""
    path = flow_folder.path
    (path / "tables").mkdir()
    shifts = {"dormant": -1, "heavy": 1, "risky": 3}
    for number, (name, rows) in enumerate(COUNTS.items()):
        table(1000 * number, rows, shifts.get(name, 0), seed=number).to_csv(path / f"tables/{name}.csv", index=False)
    everyone = pd.concat([table(4000, 540, 0, seed=8), table(RISKY_FROM, 60, 3, seed=9)])
    for place in ("tables/unlabeled.csv", "2026-11-01.csv"):
        everyone.to_csv(path / place, index=False)
    own = {
        "data": {"source": "tables", "path": str(path / "tables"), "id_column": "account"},
        "snapshots": {"folder": f"{path}/snapshots"},
        "scoring": {"folder": f"{path}/scores"},
        "outcomes": {"folder": f"{path}/outcomes"},
        "train": {"members": 1, "iterations": 10, "families": ["small_extra_trees"]},
        "evaluate": {"rivals": []},
    }
    flow_folder.configure(own)
    flow_folder.launch("run")
    command(flow_folder, "snapshots", "publish", str(path / "2026-11-01.csv"))
    listed = score(flow_folder, 1)
    reviewed = listed.assign(decision=np.where(listed["player_id"] >= RISKY_FROM, "risky", "harmless"))
    reviewed = reviewed.assign(snapshot=SNAPSHOT, reviewer="rita", when="2026-11-10T09:00:00Z")
    reviewed.drop(columns="reasons").to_csv(path / "reviewed.csv", index=False)
    assert "Added 120 outcomes" in command(flow_folder, "outcomes", "add", str(path / "reviewed.csv"))
    flow_folder.configure(
        own
        | {"data": own["data"] | {"outcomes": "reviewed"}}
        | {"populations": {"negatives": ["dormant", "normal", "heavy", "reviewed"]}}
    )
    _, run_id = flow_folder.launch("run")
    again = score(flow_folder, 5)
    return listed, flow_folder.run(run_id), again


def command(flow_folder, *arguments):
    answer = CliRunner().invoke(app, [*arguments, "--config", str(flow_folder.path / "tiny.toml")])
    assert answer.exit_code == 0, answer.output
    return answer.output


def score(flow_folder, version):
    """Approve a version and score with it; the review list as reviewers get it."""
    command(flow_folder, "models", "approve", str(version), "--reason", "good", "--who", "rita", "--force")
    options = ("--snapshot", SNAPSHOT, "--version", str(version), "--set", "review_budget=0.2")
    _, run_id = flow_folder.launch("run", *options, flow="score_flow")
    report = flow_folder.run(run_id, "ScoreFlow")["report"].task["score_report"].data
    return pd.read_csv(f"{report['plan']['folder']}/{report['review']['csv']}")


def test_reviewed_players_are_trained_on_as_what_they_were_found_to_be(loop):
    listed, run, _ = loop
    players = run["preprocess"].task["players"].data
    label = dict(zip(players["ids"].tolist(), players["labels"].tolist(), strict=True))
    assert {label[one] for one in listed["player_id"] if one >= RISKY_FROM} == {4}
    assert {label[one] for one in listed["player_id"] if one < RISKY_FROM} == {3}
    others = set(range(4000, 4600)) - set(listed["player_id"])
    assert {label[one] for one in others} == {-1}


def test_the_data_card_says_how_many_labels_come_from_which_part_of_the_list(loop):
    listed, run, _ = loop
    origins = {one["name"]: one for one in run["preprocess"].task["data_report"].data["label_origins"]}
    counts = {name: one["rare"] + one["others"] for name, one in origins.items()}
    assert counts == {"input": 150, "top": 108, "audit": 12, "other": 0}
    assert origins["top"]["rare"] + origins["audit"]["rare"] == (listed["player_id"] >= RISKY_FROM).sum()


def test_a_model_with_a_class_more_scores_beside_a_champion_without_it(loop, flow_folder):
    _, run, again = loop
    verdicts = run["evaluate"].task["evaluation"].data["verdicts"]
    assert verdicts["recall_first"]["against_champion"]["verdict"] == "no rival"
    assert len(again) == 120
    told = json.loads(command(flow_folder, "outcomes", "report", "--json"))
    # The second list is of the same snapshot: the outcomes say of both champions what they find.
    assert [one["version"] for one in told["champions"]] == [1, 5]
    assert all(one["recall"]["value"] > 0.5 for one in told["champions"])
