"""Players are forgotten between scorings, and in the middle of one: scores, lists and resumes go on without them."""

import numpy as np
import pytest

from scarcegan import settings as settings_module
from scarcegan.outcomes.forgetting import erase
from scarcegan.problems import DataProblem
from scarcegan.settings.data_sections import Scoring
from scarcegan.snapshots import open_snapshots
from scarcegan.workflow.scoring.plan import plan_scoring, planned_model
from scarcegan.workflow.scoring.report import tell_scores, watch_scored
from scarcegan.workflow.scoring.shard import score_shard

pytestmark = pytest.mark.usefixtures("project_apart", "snapshot")
AT = "2026-03-01T09:00:00Z"


@pytest.fixture
def project(scoring, tmp_path):
    places = {"registry": {"path": str(tmp_path / "registry")}, "outcomes": {"folder": str(tmp_path / "outcomes")}}
    watched = {"monitoring": {"rows": 100, "reference": "players-2026-01-01"}}
    return settings_module.load(scoring.model_dump(mode="json") | places | watched)


@pytest.fixture
def shards(project):
    """Score shards by their numbers."""
    return lambda plan, model, *numbers: [score_shard(plan, model, one, project.snapshots) for one in numbers]


def test_everyone_else_is_scored_and_listed_as_before_and_drift_is_still_measured(score, model, project):
    report, review, before = score()
    whom = str(review["player_id"].iloc[0])  # who is on the list
    watched = watch_scored(report, model, project)
    erase(project, whom, "rita", AT, [])
    after_report, _, after = score(run="ScoreFlow/22")
    assert after_report.players == report.players - 1
    assert sorted(after.index) == sorted(set(before.index) - {int(whom)})
    np.testing.assert_array_equal(after["risk_score"], before["risk_score"].drop(int(whom)))
    again = watch_scored(after_report, model, project)
    assert (again.decision.action, again.drift is not None) == (watched.decision.action, True)


def test_a_plan_of_before_still_fits_the_snapshot_of_after(registry, champion, project, shards):
    plan = plan_scoring(project, registry, "balanced", None, None, "ScoreFlow/21")
    model = planned_model(plan, registry)
    erase(project, "5", "rita", AT, [])
    tallies = shards(plan, model, *range(plan.snapshot.parts))
    assert sum(tally.players for tally in tallies) == plan.snapshot.players - 1
    audited = project.model_copy(update={"scoring": Scoring(folder=project.scoring.folder, audit_share=0.1)})
    report, review = tell_scores(plan, model, tallies, audited)
    assert report.players == plan.snapshot.players - 1
    assert 5 not in set(review["player_id"])


def test_scores_that_changed_in_the_middle_of_a_run_are_told_and_resume_makes_them_anew(
    registry, champion, project, shards
):
    plan = plan_scoring(project, registry, "balanced", None, None, "ScoreFlow/21")
    model = planned_model(plan, registry)
    tallies = shards(plan, model, *range(plan.snapshot.parts))
    erase(project, "5", "rita", AT, [])
    with pytest.raises(DataProblem, match="resume score"):
        tell_scores(plan, model, tallies, project)
    report, _ = tell_scores(plan, model, shards(plan, model, *range(plan.snapshot.parts)), project)
    assert report.players == plan.snapshot.players - 1


def test_a_snapshot_that_lost_a_part_asks_for_a_new_run(registry, champion, project, shards, publish, model):
    publish(np.ones((3, 6), np.float32), model.feature_names, "players-2026-02-01", "2026-02-01")
    plan = plan_scoring(project, registry, "balanced", None, "players-2026-02-01", "ScoreFlow/21")
    model = planned_model(plan, registry)
    erase(project, "3", "rita", AT, [])
    assert len(open_snapshots(project.snapshots.folder).describe("players-2026-02-01").parts) == 2
    with pytest.raises(DataProblem, match="start a new run"):
        shards(plan, model, 0)
