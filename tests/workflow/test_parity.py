"""Two scores of one snapshot side by side: would moderators see other players?"""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from scarcegan.cli import app
from scarcegan.problems import DataProblem
from scarcegan.settings import Settings
from scarcegan.snapshots import Snapshot, open_snapshots
from scarcegan.workflow.scoring.parity import _from_file, parity

FALLING = np.arange(9, -1, -1) / 10  # scores of ten players


@pytest.fixture
def compare(snapshot, scoring, registry, champion):
    """Compare two sides on the snapshot at a budget of 5 %."""

    def compare(old, new):
        players = open_snapshots(scoring.snapshots.folder).read(snapshot.name)
        return parity(str(old), str(new), players, registry, scoring)

    return compare


def test_a_model_and_the_folder_of_its_own_scores_agree(compare, score):
    found = compare(score()[0].plan.folder, 1)
    assert (found.agreement, found.rank_correlation) == (1.0, pytest.approx(1))
    assert found.largest_difference < 1e-6
    assert (found.players, found.only_in_snapshot) == (len(score()[2]), 0)
    assert (found.moved_in, found.moved_out) == ([], [])


def test_who_moves_is_told_with_the_reasons_of_the_model_that_shows_them(compare, score, tmp_path):
    scores = score()[2]["risk_score"]
    best, worst = scores.idxmax(), scores.idxmin()
    scores[best], scores[worst] = 0.0, 2.0
    scores.reset_index().to_csv(tmp_path / "old.csv", index=False)
    found = compare(tmp_path / "old.csv", "v1")
    [came], [went] = found.moved_in, found.moved_out
    assert (came.player_id, came.new_rank, came.old_score) == (best, 1, 0)
    assert (went.player_id, went.old_rank, went.old_score) == (worst, 1, 2)
    assert found.moved_in_players == 1
    assert 1 <= len(came.why) <= 3
    assert went.why == []


@pytest.fixture
def side_by_side(tmp_path):
    """Compare two lists of scores of the same players, from files, at a budget."""

    def compare(old, new, budget, ids=range(10)):
        files = [str(tmp_path / f"{name}.parquet") for name in ("old", "new")]
        for file, scores in zip(files, (old, new), strict=True):
            pd.DataFrame({"player_id": ids, "risk_score": scores}).to_parquet(file)
        players = Snapshot(SimpleNamespace(name="players"), np.array(ids), np.empty((len(ids), 0)))
        return parity(*files, players, None, Settings(review_budget=budget))

    return compare


def test_the_same_scores_agree_wholly_on_another_scale_as_well(side_by_side):
    for new, difference in ((FALLING, 0), (FALLING**3, 0.384)):
        found = side_by_side(FALLING, new, 0.3)
        assert (found.budget_players, found.agreement, found.rank_correlation) == (3, 1.0, pytest.approx(1))
        assert (found.moved_in, found.moved_out) == ([], [])
        assert found.largest_difference == pytest.approx(difference)


def test_who_moves_in_and_out_is_told_highest_first(side_by_side):
    found = side_by_side(FALLING, [*FALLING[:8], 0.85, 0.95], 0.3)
    assert found.agreement == pytest.approx(1 / 3)
    assert [(one.player_id, one.old_rank, one.new_rank) for one in found.moved_in] == [(9, 10, 1), (8, 9, 3)]
    assert [(one.player_id, one.old_rank, one.new_rank) for one in found.moved_out] == [(1, 2, 4), (2, 3, 5)]


def test_equal_scores_are_looked_at_by_id_whatever_the_rows(side_by_side):
    found = side_by_side(np.ones(10), FALLING[::-1], 0.2, ids=range(9, -1, -1))
    assert (found.agreement, found.rank_correlation) == (1.0, None)


def test_a_budget_of_less_than_one_player_has_nobody_to_disagree_on(side_by_side):
    found = side_by_side(FALLING, FALLING[::-1], 0.05)
    assert (found.budget_players, found.agreement, found.moved_in) == (0, 1.0, [])
    assert found.rank_correlation == pytest.approx(-1)


def test_ids_in_a_csv_file_keep_their_zeros(tmp_path):
    (tmp_path / "old.csv").write_text("player_id,risk_score\n007,0.5\n")
    assert _from_file(str(tmp_path / "old.csv"), np.array(["007"]), "").tolist() == [0.5]


def test_scores_of_other_players_cannot_be_compared(compare, tmp_path):
    (tmp_path / "other.csv").write_text("player_id,risk_score\nabc,0.5\n")
    with pytest.raises(DataProblem, match="got none: compare on the snapshot"):
        compare(tmp_path / "other.csv", 1)


def test_a_file_without_scores_or_with_a_player_twice_is_refused(compare, tmp_path):
    (tmp_path / "bare.csv").write_text("player_id\n1\n")
    with pytest.raises(DataProblem, match="got no risk_score: rename"):
        compare(tmp_path / "bare.csv", 1)
    (tmp_path / "twice.csv").write_text("player_id,risk_score\n1,0.5\n1,0.6\n")
    with pytest.raises(DataProblem, match="got 1 again, first in row 2"):
        compare(tmp_path / "twice.csv", 1)
    (tmp_path / "endless.csv").write_text("player_id,risk_score\n1,inf\n2,0.6\n")
    with pytest.raises(DataProblem, match="column 'risk_score': expected finite numbers, got 1 infinite"):
        compare(tmp_path / "endless.csv", 1)


@pytest.mark.parametrize("rows", ["", "1,\n2,\n"])
def test_a_file_of_which_no_player_has_a_score_is_told_from_one_of_other_players(tmp_path, rows):
    (tmp_path / "old.csv").write_text(f"player_id,risk_score\n{rows}")
    with pytest.raises(DataProblem, match=f"'risk_score': expected scores, got none in {rows.count(',')} rows: fill"):
        _from_file(str(tmp_path / "old.csv"), np.array([1, 2]), "")


def test_the_command_tells_parity_in_words_and_in_json(snapshot, champion, scoring, score, tmp_path):
    file = Path(score()[0].plan.folder, "part-00001.parquet")
    config = tmp_path / "own.toml"
    config.write_text(f'[snapshots]\nfolder = "{scoring.snapshots.folder}"\n')
    where = ["--snapshot", snapshot.name, "--config", str(config), "--registry-folder", str(tmp_path / "registry")]
    told = CliRunner().invoke(app, ["parity", str(file), "1", *where])
    assert "Agreement at the budget: 100\N{NO-BREAK SPACE}%" in told.output, told.output
    found = json.loads(CliRunner().invoke(app, ["parity", "1", "1", "--json", *where]).output)
    assert (found["old"], found["agreement"]) == ("version 1", 1.0)
