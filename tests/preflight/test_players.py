import pandas as pd
import pytest

from scarcegan.aws.findings import Refused
from scarcegan.preflight.players import check_players
from scarcegan.problems import DataProblem
from scarcegan.settings import load

SIZES = {"dormant": 30, "normal": 40, "heavy": 35, "risky": 12, "unlabeled": 200}


@pytest.fixture
def tables(tmp_path):
    def write(**sizes):
        for name, size in (SIZES | sizes).items():
            if size:
                pd.DataFrame({"player_id": range(size), "bets": 1.0}).to_parquet(tmp_path / f"{name}.parquet")
        return load({"data": {"source": "tables", "path": str(tmp_path)}, "folds": {"k": 5}})

    return write


def test_labelled_players_are_counted(tables):
    assert check_players(tables()) == "30 dormant, 40 normal, 35 heavy, 12 risky for 5 folds"


def test_the_unlabelled_players_are_looked_up_and_not_read(tables, tmp_path):
    settings = tables()
    (tmp_path / "unlabeled.parquet").write_bytes(b"no table, but there")
    assert check_players(settings)
    (tmp_path / "unlabeled.parquet").unlink()
    with pytest.raises(DataProblem, match=r"expected tables of \['unlabeled'\]"):
        check_players(settings)


def test_too_few_players_for_the_folds_are_told_before_anything_runs(tables):
    # Two of seven are held out for the test, as of six: five reach five folds, four do not.
    assert check_players(tables(risky=7))
    with pytest.raises(DataProblem, match=r"expected at least 5 'risky' players for 5 folds .*, got 4"):
        check_players(tables(risky=6))


def test_a_test_table_of_ones_own_leaves_all_players_to_the_folds(tables, tmp_path):
    settings = tables(risky=5)
    pd.DataFrame({"player_id": [900, 901], "bets": 1.0, "truth_risky": [0, 1]}).to_parquet(tmp_path / "test.parquet")
    assert "5 risky" in check_players(settings)


def test_the_place_of_the_tables_must_be_named():
    with pytest.raises(DataProblem, match=r"expected data\.path for data\.source 'tables', got none"):
        check_players(load({"data": {"source": "tables"}}))
    with pytest.raises(Refused, match=r"data\.path is not set"):
        check_players(load({"data": {"source": "snapshot"}}))


def test_a_missing_snapshot_and_unreadable_labels_are_told_at_once(tmp_path):
    data = {"source": "snapshot", "snapshot": "gone", "path": str(tmp_path / "labels.csv")}
    with pytest.raises(DataProblem) as refused:
        check_players(load({"data": data, "snapshots": {"folder": str(tmp_path / "snapshots")}}))
    assert "expected a snapshot 'gone'" in str(refused.value)
    assert f"cannot read {tmp_path / 'labels.csv'}" in str(refused.value)
