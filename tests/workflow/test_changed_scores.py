"""Scores that are changed between the steps of a run go into no report."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from scarcegan.problems import DataProblem, RegistryProblem
from scarcegan.snapshots import open_snapshots
from scarcegan.workflow.scoring.plan import plan_scoring, planned_model
from scarcegan.workflow.scoring.report import tell_scores
from scarcegan.workflow.scoring.shard import score_shard

RUN = "ScoreFlow/21"


@pytest.fixture
def scored(snapshot, scoring, registry, champion):
    plan = plan_scoring(scoring, registry, "balanced", None, None, RUN)
    model = planned_model(plan, registry)
    return model, plan, [score_shard(plan, model, number, scoring.snapshots) for number in range(plan.snapshot.parts)]


@pytest.mark.reliability(
    case="Scores are changed between `score` and `report`",
    sees="which file, and how to write it anew",
    resume="`resume score` scores anew",
)
def test_scores_that_were_changed_since_are_refused_and_a_resume_writes_them_anew(scored, scoring):
    model, plan, tallies = scored
    file = Path(plan.folder, tallies[0].file)
    before = file.read_bytes()
    file.write_bytes(Path(plan.folder, tallies[-1].file).read_bytes() + b" ")
    with pytest.raises(DataProblem, match=r"expected the scores that step score wrote to .*part-00000.*`resume score`"):
        tell_scores(plan, model, tallies, scoring)
    assert not Path(plan.folder, "report.json").exists()
    assert score_shard(plan, model, 0, scoring.snapshots).sha256 == tallies[0].sha256
    assert file.read_bytes() == before
    tell_scores(plan, model, tallies, scoring)


def test_scores_that_are_gone_are_told_in_words(scored, scoring):
    model, plan, tallies = scored
    Path(plan.folder, tallies[0].file).unlink()
    with pytest.raises(DataProblem, match=r"cannot read .*part-00000.parquet: No such file"):
        tell_scores(plan, model, tallies, scoring)


@pytest.mark.parametrize(("version", "refused"), [(None, "expected a champion"), (1, "expected a registered version")])
def test_a_version_that_cannot_be_read_is_named_by_the_refusal(scoring, registry, champion, tmp_path, version, refused):
    with closing(sqlite3.connect(tmp_path / "registry" / "registry.sqlite", isolation_level=None)) as database:
        database.execute("DROP TRIGGER version_stays")
        database.execute("UPDATE version SET metrics = 'not json'")
    with pytest.raises(RegistryProblem, match=f"{refused} .*; version 1.* cannot be read and is left out"):
        plan_scoring(scoring, registry, "balanced", version, None, RUN)


def test_a_snapshot_that_cannot_be_read_is_left_out_of_the_choice_and_named(snapshot, scoring, registry, champion):
    folder = Path(open_snapshots(scoring.snapshots.folder).folder)
    (folder / "players-2099-01-01").mkdir()
    (folder / "players-2099-01-01" / "manifest.json").write_text("{}")
    plan = plan_scoring(scoring, registry, "balanced", None, None, RUN)
    assert plan.snapshot.name == snapshot.name
    [told] = plan.left_out
    assert told.startswith("snapshot 'players-2099-01-01' is left out: ")
