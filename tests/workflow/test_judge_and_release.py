import json
from dataclasses import replace

import numpy as np
import pytest

from scarcegan.serving.archive import read_archive
from scarcegan.serving.forward import risk_score
from scarcegan.workflow.judge import judge_models
from scarcegan.workflow.release import HEADLINES, Lineage, register_models, release_summary

LINEAGE = Lineage(
    run="RetrainFlow/12",
    origin_run="11",
    commit="0a1b2c3",
    data_fingerprint="d" * 16,
    settings_fingerprint="5" * 16,
    config="simulated",
    card="RetrainFlow/12/evaluate/7",
)


def test_models_are_measured_on_the_untouched_test_players(evaluation, selected, prepared):
    assert evaluation["test_sets"] == ["later"]
    truth = prepared.players.truth[prepared.fold == -1] == 1
    for name, model in selected[0].items():
        flagged = risk_score(model, prepared.players.features[prepared.fold == -1]) >= np.float32(model["threshold"])
        test = evaluation["models"][name]["test"]["later"]
        assert (test["players"], test["risky"]) == (200, 12)
        assert test["recall"]["value"] == pytest.approx(flagged[truth].mean())
        assert test["flagged_share"]["value"] == pytest.approx(flagged.mean())


def test_the_tests_own_prevalence_is_used_where_the_truth_is_known(evaluation):
    assert evaluation["prevalence"] == {"value": pytest.approx(12 / 200), "how": "known from truth"}


def test_baselines_and_verdicts_stand_beside_every_model(evaluation):
    assert list(evaluation["baselines"]) == ["logistic_regression"]
    # three features apart by more than their spread: even a small model must see it
    assert evaluation["baselines"]["logistic_regression"]["later"]["roc_auc"]["value"] > 0.8
    assert set(evaluation["verdicts"]) == set(evaluation["models"])
    assert evaluation["champions"] == {}
    assert json.loads(json.dumps(evaluation, allow_nan=False)) == evaluation


def test_registered_models_are_the_judged_ones(selected, evaluation, registry):
    models, _ = selected
    versions = register_models(models, evaluation, LINEAGE, registry)
    assert [version.version for version in versions] == [1, 2, 3, 4]
    assert [version.definition for version in versions] == list(models)
    for version in versions:
        measured = evaluation["models"][version.definition]
        assert version.status == "PendingManualApproval"
        assert version.release_id == "release-11"
        assert version.threshold == models[version.definition]["threshold"]
        assert version.constraint_met == measured["constraint_met"]
        assert version.metrics == {name: measured["test"]["later"][name]["value"] for name in HEADLINES}
        assert version.metadata["git_commit"] == "0a1b2c3"
        stored = read_archive(registry.fetch_archive(version.version), version.sha256)
        assert stored["threshold"] == version.threshold


def test_an_archived_model_scores_as_the_selected_one(selected, evaluation, registry, prepared):
    raw = prepared.players.features[:40]
    for version in register_models(selected[0], evaluation, LINEAGE, registry):
        stored = read_archive(registry.fetch_archive(version.version))
        assert np.array_equal(risk_score(stored, raw), risk_score(selected[0][version.definition], raw))


def test_registering_again_gives_the_same_versions(selected, evaluation, registry):
    first = register_models(selected[0], evaluation, LINEAGE, registry)
    resumed = replace(LINEAGE, run="RetrainFlow/13")
    again = register_models(selected[0], evaluation, resumed, registry)
    assert [version.version for version in again] == [version.version for version in first]
    assert len(registry.versions()) == 4


def test_the_champion_is_scored_in_the_next_evaluation(selected, evaluation, registry, prepared, settings):
    versions = register_models(selected[0], evaluation, LINEAGE, registry)
    registry.approve(*(version.version for version in versions), who="ada", why="better")
    second = judge_models(prepared, *selected, registry, settings, threads=1)
    assert set(second["champions"]) == set(selected[0])
    for name, champion in second["champions"].items():
        own = second["models"][name]["test"]["later"]
        assert champion["version"] in {version.version for version in versions if version.definition == name}
        # it is the same model: it must be measured the same
        assert champion["later"]["recall"]["value"] == own["recall"]["value"]
        assert champion["later"]["pr_auc"]["value"] == own["pr_auc"]["value"]


def test_a_champion_of_other_features_is_left_out(selected, evaluation, registry, prepared, settings):
    versions = register_models(selected[0], evaluation, LINEAGE, registry)
    registry.approve(*(version.version for version in versions), who="ada", why="better")
    names = ("minutes", *prepared.players.feature_names[1:])
    renamed = replace(prepared, players=replace(prepared.players, feature_names=names))
    models = {name: model | {"feature_names": list(names)} for name, model in selected[0].items()}
    assert judge_models(renamed, models, selected[1], registry, settings, threads=1)["champions"] == {}


def test_a_champion_of_other_classes_is_left_out(selected, evaluation, registry, prepared, settings):
    versions = register_models(selected[0], evaluation, LINEAGE, registry)
    registry.approve(*(version.version for version in versions), who="ada", why="better")
    reordered = ["normal", "dormant", "heavy", "risky", "unknown"]
    models = {name: model | {"class_names": reordered} for name, model in selected[0].items()}
    assert judge_models(prepared, models, selected[1], registry, settings, threads=1)["champions"] == {}


def test_without_truth_the_validated_prevalence_is_taken_over(selected, prepared, registry, settings):
    players = prepared.players
    labels = np.where(players.truth == 1, 3, players.labels).astype(np.int8)
    blind = replace(prepared, players=replace(players, labels=labels, truth=np.full_like(players.truth, -1)))
    judged = judge_models(blind, *selected, registry, settings, threads=1)
    assert judged["prevalence"] == next(iter(selected[1].values()))["prevalence"]


def test_the_release_is_summed_up_in_plain_data(selected, evaluation, registry, settings):
    versions = register_models(selected[0], evaluation, LINEAGE, registry)
    summary = release_summary(versions, LINEAGE, settings)
    assert json.loads(json.dumps(summary)) == summary
    assert summary["release_id"] == "release-11"
    assert [one["definition"] for one in summary["versions"]] == list(selected[0])
    assert "scarcegan models compare 1 2 3 4" in summary["commands"]
