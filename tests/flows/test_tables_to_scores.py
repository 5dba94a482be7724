"""A team's own tables, from files to a list for moderators, without a line of telemetry."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from scarcegan.cli import app

pytestmark = pytest.mark.slow

COUNTS = {"dormant": 40, "normal": 40, "heavy": 40, "risky": 30, "unlabeled": 600}
COLUMNS = ("stakes", "nights", "chases")


def table(first, rows, shift, seed):
    features = np.random.default_rng(seed).normal(shift, 1, (rows, 3)).round(4)
    return pd.DataFrame(features, columns=COLUMNS).assign(account=range(first, first + rows))


@pytest.fixture(scope="module")
def scored(flow_folder):
    """Train on tables, approve, publish the month before and this one, score it; what was printed, and the run."""
    path = flow_folder.path
    (path / "tables").mkdir()
    shifts = {"dormant": -1, "heavy": 1, "risky": 3}
    for number, (name, rows) in enumerate(COUNTS.items()):
        players = table(1000 * number, rows, shifts.get(name, 0), seed=number)
        players.to_csv(path / "tables" / f"{name}.csv", index=False)
    everyone = [table(8000, 950, 0, seed=8), table(9000, 50, 3, seed=9)]
    now = pd.concat([*everyone]).assign(population="unlabeled", stakes=lambda rows: rows["stakes"] + 2)
    now["nights"] = now["nights"].mask(now["account"] % 10 == 0)
    now.to_parquet(path / "2026-11-01.parquet", index=False)
    table(4000, 600, 0, seed=4).to_parquet(path / "2026-10-01.parquet", index=False)
    flow_folder.configure(
        {
            "data": {"source": "tables", "id_column": "account"},
            "snapshots": {"folder": f"{path}/snapshots"},
            "scoring": {"folder": f"{path}/scores"},
            "monitoring": {"reference": "players-2026-10-01"},
        }
    )
    flow_folder.launch("run", "--data", str(path / "tables"))
    commands = [
        ["models", "approve", "1", "--reason", "good", "--who", "rita", "--force"],
        ["snapshots", "publish", str(path / "2026-10-01.parquet")],
        ["snapshots", "publish", str(path / "2026-11-01.parquet")],
    ]
    for command in commands:
        answer = CliRunner().invoke(app, [*command, "--config", str(path / "tiny.toml")])
        assert answer.exit_code == 0, answer.output
    printed, run_id = flow_folder.launch("run", "--version", "1", "--snapshot", "players-2026-11-01", flow="score_flow")
    return printed, flow_folder.run(run_id, "ScoreFlow"), now


def test_the_review_list_has_players_of_the_table_by_their_ids(scored):
    _, run, now = scored
    report = run["report"].task["score_report"].data
    assert report["players"] == len(now)
    review = pd.read_csv(f"{report['plan']['folder']}/{report['review']['csv']}")
    assert len(review) == report["review"]["players"] > 0
    assert set(review["player_id"]) <= set(now["account"])
    # Those far out are on it, whom the model has learnt to find.
    assert np.mean(review["player_id"] >= 9000) > 0.5


def test_drift_is_measured_against_the_table_of_the_training(scored):
    printed, run, _ = scored
    drift = run["report"].task["drift"].data
    assert drift["reference"]["name"] == "players-2026-10-01"
    assert "Drift: " in printed
    moved = {feature["name"]: feature for feature in drift["features"]}
    assert moved["stakes"]["psi"] > moved["chases"]["psi"]
    assert moved["nights"]["missing_share"] == pytest.approx(0.1, abs=0.02)


def test_parity_compares_a_scores_file_on_the_same_snapshot(scored, flow_folder):
    now = scored[2]
    scores = now[["account", "stakes"]].rename(columns={"account": "player_id", "stakes": "risk_score"})
    scores.to_csv(flow_folder.path / "old.csv", index=False)
    command = ["parity", str(flow_folder.path / "old.csv"), "1", "--snapshot", "players-2026-11-01", "--json"]
    answer = CliRunner().invoke(app, [*command, "--config", str(flow_folder.path / "tiny.toml")])
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.output)["players"] == len(now)
