"""What scoring and reviewers read: the registry's archives, plain data by digest, and no run's artifacts."""

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scarcegan.data.records import DataReport
from scarcegan.problems import RegistryProblem
from scarcegan.registry.release import Lineage
from scarcegan.serving.model import Model
from scarcegan.workflow.retraining.release import register_models
from scarcegan.workflow.retraining.review import read_review, review_of
from scarcegan.workflow.scoring.plan import plan_scoring, planned_model

SCORE_FLOW = Path(__file__).parents[2] / "flows" / "score_flow.py"
LINEAGE = Lineage("RetrainFlow/12", "11", "0a1b2c3", "d" * 16, "5" * 16, "config/retrain.toml", "12/evaluate/7")


def test_every_step_of_scoring_has_the_registrys_model_by_its_digest(snapshot, scoring, registry, champion):
    plan = plan_scoring(scoring, registry, "balanced", None, None, "ScoreFlow/21")
    model = Model.load(registry.fetch(champion.sha256))
    players = np.ones((3, len(model.feature_names)), np.float32)
    assert np.array_equal(planned_model(plan, registry).risk(players), model.risk(players))
    place = registry.fetch(plan.model.sha256)
    place.write_bytes(place.read_bytes() + b" ")
    with pytest.raises(RegistryProblem, match="it was changed"):
        planned_model(plan, registry)


def test_scoring_keeps_no_model_among_its_artifacts():
    written = {
        node.attr
        for node in ast.walk(ast.parse(SCORE_FLOW.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }
    assert {"plan", "model_version", "scored"} <= written
    assert "model" not in written


@pytest.fixture
def review(evaluation, settings):
    report = DataReport("simulated", "2024-06-30", "d" * 16, 900, 6, [], [], 90, [], [], ["a likely leak"])
    return review_of(evaluation, report, settings)


def test_each_archive_keeps_what_a_reviewer_reads(selected, evaluation, registry, review):
    versions = register_models(selected[0], evaluation, LINEAGE, registry, review=review)
    for version in versions:
        found = read_review(registry.fetch(version.sha256), version.sha256)
        assert found.to_file() == review.to_file()
        assert set(found.evaluation.models) == set(selected[0])
        assert found.settings["train"]["families"] == ["small_extra_trees", "linear"]
    assert register_models(selected[0], evaluation, LINEAGE, registry, review=review) == versions


def test_another_review_makes_a_second_whole_release(selected, evaluation, registry, review):
    first = register_models(selected[0], evaluation, LINEAGE, registry, review=review)
    other = replace(review, data_report=replace(review.data_report, warnings=[]))
    second = register_models(selected[0], evaluation, LINEAGE, registry, review=other)
    assert second[0].release_id != first[0].release_id
    assert len(second) == len(first)
    registry.approve(first[0].version, second[1].version, who="ada", why="each release is whole")
