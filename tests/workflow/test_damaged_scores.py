"""Scores that somebody has damaged or moved: readers of their report and lists name the file, or find it again."""

import json
import shutil
from pathlib import Path

import pytest

from scarcegan import settings as settings_module
from scarcegan.outcomes.lists import review_lists
from scarcegan.problems import DataProblem
from scarcegan.workflow.scoring.decision_record import explain_player

SNAPSHOT = "players-2026-01-01"


@pytest.fixture
def chosen(scoring, tmp_path):
    places = {"outcomes": {"folder": str(tmp_path / "outcomes")}}
    return settings_module.load(scoring.model_dump(mode="json") | places)


@pytest.fixture
def folder(snapshot, score):
    """The folder of the scores of a snapshot."""
    report, _, _ = score()
    return Path(report.plan.folder)


def test_a_report_without_a_byte_is_named(folder, chosen):
    (folder / "report.json").write_bytes(b"")
    with pytest.raises(DataProblem, match=r"report\.json is no report of ScoreFlow .*score the snapshot again"):
        review_lists(chosen.own_scoring, chosen.registry.group, [folder.parent.name])


@pytest.mark.reliability(
    case="A report of a scoring cannot be read",
    sees="where its snapshot is asked for, which report; elsewhere nothing",
    resume="is stopped only if it needs that snapshot's list",
)
def test_a_damaged_report_stops_nobody_who_asks_for_other_snapshots(folder, chosen, registry):
    other = folder.parent.with_name("players-2025-12-01") / folder.name
    other.mkdir(parents=True)
    (other / "report.json").write_bytes(b"half a")
    [found] = review_lists(chosen.own_scoring, chosen.registry.group, [SNAPSHOT])
    assert found.folder == str(folder)
    assert review_lists(chosen.own_scoring, chosen.registry.group, []) == []
    assert explain_player("1", SNAPSHOT, chosen, registry).recorded_score is not None


@pytest.mark.parametrize("damage", [{"files": None}, {"run": None}, {"players": "many"}, {"review": {"table": 3}}])
def test_a_report_of_another_shape_is_named(folder, chosen, registry, damage):
    place = folder / "report.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | damage))
    with pytest.raises(DataProblem, match=r"report\.json is no report of ScoreFlow .*score the snapshot again"):
        explain_player("1", SNAPSHOT, chosen, registry)


def test_scores_that_cannot_be_read_are_named(folder, chosen, registry):
    for part in folder.glob("part-*.parquet"):
        part.write_bytes(b"half a file")
    with pytest.raises(DataProblem, match=r"cannot read .*part-00000\.parquet"):
        explain_player("1", SNAPSHOT, chosen, registry)


@pytest.mark.parametrize("content", [b"half a file", None])
def test_a_list_that_cannot_be_read_is_named(folder, chosen, content):
    table = folder / "review.parquet"
    table.unlink() if content is None else table.write_bytes(content)
    [found] = review_lists(chosen.own_scoring, chosen.registry.group, [SNAPSHOT])
    with pytest.raises(DataProblem, match=r"cannot read .*review\.parquet"):
        found.rows()


def test_scores_that_were_moved_are_read_where_they_lie(folder, chosen):
    root = Path(chosen.own_scoring.folder)
    shutil.move(root, root.with_name("moved"))
    moved = chosen.own_scoring.model_copy(update={"folder": str(root.with_name("moved"))})
    [found] = review_lists(moved, chosen.registry.group, [SNAPSHOT])
    assert found.folder == str(root.with_name("moved") / folder.relative_to(root))
    assert len(found.rows()) == 41
