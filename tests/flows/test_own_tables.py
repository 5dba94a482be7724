"""A team's own five tables, in every form that is read, through a whole retraining."""

import numpy as np
import pandas as pd
import pytest

from scarcegan.data.folds import held_out
from scarcegan.data.ids import lots

pytestmark = pytest.mark.slow

COUNTS = {"dormant": 40, "normal": 40, "heavy": 40, "risky": 30, "unlabeled": 600}


def table(name, first, rng):
    """Players of one population: three features, of which risky players show more."""
    shift = {"dormant": -1, "heavy": 1, "risky": 2}.get(name, 0)
    features = rng.normal(shift, 1, (COUNTS[name], 3)).round(4)
    ids = [f"player-{first + row}" for row in range(COUNTS[name])]
    return pd.DataFrame(features, columns=["stakes", "nights", "chases"]).assign(account=ids)


@pytest.fixture(scope="module")
def launched(flow_folder):
    folder, rng = flow_folder.path / "tables", np.random.default_rng(0)
    (folder / "unlabeled").mkdir(parents=True)
    for number, name in enumerate(COUNTS):
        rows = table(name, 1000 * number, rng).assign(version=3)
        if name == "unlabeled":
            for part, start in enumerate(range(0, len(rows), 200)):
                rows.iloc[start : start + 200].to_parquet(folder / name / f"part-{part}.parquet", index=False)
        elif name == "risky":
            rows[["version", "account", "chases", "nights", "stakes"]].to_parquet(
                folder / f"{name}.parquet", index=False
            )
        else:
            rows.to_csv(folder / f"{name}.csv")  # with the row numbers
    flow_folder.configure({"data": {"source": "tables", "id_column": "account"}})
    output, run_id = flow_folder.launch("run", "--data", str(folder))
    return output, flow_folder.run(run_id)


@pytest.fixture(scope="module")
def finished(launched):
    return launched[1]


def test_warnings_about_the_data_are_said_beside_the_verdict_and_go_with_every_model(launched, flow_folder):
    output, run = launched
    warnings = run["preprocess"].task["data_report"].data["warnings"]
    assert any("constant over the pool: 'version'" in warning for warning in warnings)
    assert any("having no name" in warning for warning in warnings)
    for warning in warnings:
        assert output.count(f"Warning: {warning}") == 3, "preprocess, register and end"
    assert run["register"].task["release"].data["warnings"] == warnings


def test_every_row_of_every_form_is_read(finished):
    players = finished["preprocess"].task["players"].data
    assert sorted(players["feature_names"]) == ["chases", "nights", "stakes"]
    assert len(players["ids"]) == sum(COUNTS.values())
    tested = [held_out(lots(players["ids"][players["labels"] == label]), 0.2).sum() for label in range(-1, 4)]
    assert (players["fold"] == -1).sum() == sum(tested)


def test_without_known_truth_the_flagged_share_is_measured_on_unlabelled_players(finished):
    evaluation = finished["evaluate"].task["evaluation"].data
    assert evaluation["prevalence"] == {"value": 0.05, "origin": "configured", "low": None, "high": None}
    measured = evaluation["models"]["review_budget"]["test"]["test"]
    players = finished["preprocess"].task["players"].data
    assert measured["risky"] == ((players["labels"] == 3) & (players["fold"] == -1)).sum() > 0
    assert finished["register"].task["release"].data["versions"][3]["definition"] == "balanced"


def test_the_players_are_stored_once_though_training_spends_them(finished):
    stored = finished["preprocess"].task["players"].sha
    assert {task["players"].sha for step in ("train", "select", "evaluate") for task in finished[step]} == {stored}
