import copy
import json
import re
import tarfile
from dataclasses import replace

import numpy as np
import pytest

from scarcegan.backends import open_registry
from scarcegan.problems import RegistryProblem
from scarcegan.serving.archive import read_evaluation
from scarcegan.serving.model import Model
from scarcegan.settings import Registry, load
from scarcegan.workflow.retraining.judge import judge_models
from scarcegan.workflow.retraining.release import HEADLINES, Lineage, register_models, release_summary

LINEAGE = Lineage(
    run="RetrainFlow/12",
    origin_run="11",
    commit="0a1b2c3",
    data_fingerprint="d" * 16,
    settings_fingerprint="5" * 16,
    config="config/retrain.toml",
    card="RetrainFlow/12/evaluate/7",
)


def test_models_are_measured_on_the_untouched_test_players(evaluation, selected, prepared):
    assert evaluation["test_sets"] == ["later"]
    truth = prepared.players.truth[prepared.fold == -1] == 1
    for name, model in selected[0].items():
        flagged = model.flags(model.risk(prepared.players.features[prepared.fold == -1]))
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


def test_the_review_budgets_model_is_measured_by_the_groups_that_were_asked_for(
    selected, rivals, prepared, registry, settings
):
    tree = settings.model_dump(mode="json")
    asked = load(tree | {"evaluate": tree["evaluate"] | {"subgroup_features": ["opens"]}})
    found = judge_models(prepared, *selected, rivals, registry, asked)
    [feature] = found["subgroups"]["features"]
    assert (found["subgroups"]["definition"], found["subgroups"]["test_set"]) == ("review_budget", "later")
    assert feature["feature"] == "opens"
    whole = found["models"]["review_budget"]["test"]["later"]
    assert sum(one["players"] for one in feature["groups"]) == whole["players"]
    flagged = sum(one["players"] * one["flagged_share"]["value"] for one in feature["groups"])
    assert flagged / whole["players"] == pytest.approx(whole["flagged_share"]["value"])


def test_players_without_telling_features_are_not_grouped(evaluation):
    assert evaluation["subgroups"]["features"] == []


def test_registered_models_are_the_judged_ones(selected, evaluation, registry):
    models, _ = selected
    versions = register_models(models, evaluation, LINEAGE, registry)
    assert [version.version for version in versions] == [1, 2, 3, 4]
    assert [version.definition for version in versions] == list(models)
    for version in versions:
        measured = evaluation["models"][version.definition]
        assert version.status == "PendingManualApproval"
        assert re.fullmatch("release-11-[0-9a-f]{8}", version.release_id)
        assert version.threshold == models[version.definition].threshold
        assert version.constraint_met == measured["constraint_met"]
        assert version.metrics == {name: measured["test"]["later"][name]["value"] for name in HEADLINES}
        assert version.metadata["git_commit"] == "0a1b2c3"
        stored = Model.load(registry.fetch_archive(version.version), version.sha256)
        assert stored.threshold == version.threshold


def test_an_archived_model_scores_as_the_selected_one(selected, evaluation, registry, prepared):
    raw = prepared.players.features[:40]
    for version in register_models(selected[0], evaluation, LINEAGE, registry):
        stored = Model.load(registry.fetch_archive(version.version))
        assert np.array_equal(stored.risk(raw), selected[0][version.definition].risk(raw))


def test_registering_again_gives_the_same_versions(selected, evaluation, registry):
    first = register_models(selected[0], evaluation, LINEAGE, registry)
    resumed = replace(LINEAGE, run="RetrainFlow/13")
    again = register_models(selected[0], evaluation, resumed, registry)
    assert [version.version for version in again] == [version.version for version in first]
    assert len(registry.versions()) == 4


def with_verdict(evaluation, definition, **champion):
    """The evaluation, with another verdict against the champion of one definition."""
    changed = copy.deepcopy(evaluation)
    numbers = {"version": 3, "difference": -0.08, "low": -0.14, "high": -0.02}
    changed["verdicts"][definition]["champion"] = numbers | champion
    return changed


def test_measuring_anew_makes_a_second_whole_release(selected, evaluation, registry):
    """As after `resume evaluate` of a run that was registered: only one model's part has changed."""
    first = register_models(selected[0], evaluation, LINEAGE, registry)
    changed = with_verdict(evaluation, "balanced", verdict="tie")
    second = register_models(selected[0], changed, replace(LINEAGE, run="RetrainFlow/13"), registry)
    assert [version.version for version in second] == [5, 6, 7, 8]
    assert second[0].release_id != first[0].release_id
    assert register_models(selected[0], evaluation, LINEAGE, registry) == first
    registry.approve(1, 6, who="ada", why="each release is whole")


def test_a_worse_challenger_is_registered_and_marked(selected, evaluation, registry):
    changed = with_verdict(evaluation, "balanced", verdict="worse")
    versions = register_models(selected[0], changed, LINEAGE, registry)
    marked = {version.definition: version.metadata for version in versions}
    assert marked["balanced"]["against_champion"] == "worse"
    assert marked["balanced"]["champion_version"] == "3"
    assert marked["balanced"]["recall_against_champion"] == "-0.0800 from -0.1400 to -0.0200"
    assert marked["recall_first"]["against_champion"] == "no champion"
    assert {version.status for version in versions} == {"PendingManualApproval"}


def test_a_worse_challenger_is_left_out_where_the_settings_say_so(selected, evaluation, registry, settings):
    changed = with_verdict(evaluation, "balanced", verdict="worse")
    versions = register_models(selected[0], changed, LINEAGE, registry, worse_challenger="refuse")
    assert [version.definition for version in versions] == ["recall_first", "precision_first", "review_budget"]
    assert release_summary(versions, LINEAGE, settings)["refused"] == ["balanced"]
    registry.approve(versions[0].version, who="ada", why="three of three are whole")


def test_a_release_of_worse_challengers_alone_is_refused_in_words(selected, evaluation, registry):
    changed = evaluation
    for name in selected[0]:
        changed = with_verdict(changed, name, verdict="worse")
    with pytest.raises(RegistryProblem, match=r"recall_first, precision_first.*worse_challenger = 'register'"):
        register_models(selected[0], changed, LINEAGE, registry, worse_challenger="refuse")
    assert registry.versions() == []


def test_a_metric_that_could_not_be_measured_is_left_out_and_named(selected, evaluation, registry):
    changed = copy.deepcopy(evaluation)
    for figure in ("roc_auc", "pr_auc"):
        changed["models"]["balanced"]["test"]["later"][figure] = dict.fromkeys(
            ("value", "low", "high", "std"), float("nan")
        )
    balanced = register_models(selected[0], changed, LINEAGE, registry)[-1]
    assert "pr_auc" not in balanced.metrics
    assert balanced.metadata["not_measured"] == "pr_auc"
    stored = read_evaluation(registry.fetch_archive(balanced.version))
    assert stored["models"]["balanced"]["test"]["later"]["pr_auc"]["value"] is None


def test_the_archive_holds_what_sagemaker_serves_and_shows(selected, evaluation, registry):
    version = register_models(selected[0], evaluation, LINEAGE, registry)[0]
    with tarfile.open(registry.fetch_archive(version.version)) as tar:
        names = set(tar.getnames())
    served = {"1/saved_model.pb", "code/inference.py", "code/schema.json"}
    assert served | {"model.json", "evaluation.json", "model_quality.json", "model_quality.csv"} <= names


def test_a_release_lands_in_sagemaker_with_quality_report_and_card(selected, evaluation, aws_account):
    chosen = Registry(kind="sagemaker", archives="s3://models/risky", image="some/image")
    versions = register_models(selected[0], evaluation, LINEAGE, open_registry(chosen))
    assert [version.definition for version in versions] == list(selected[0])
    for version in versions:
        package = aws_account("sagemaker").describe_model_package(ModelPackageName=version.arn)
        statistics = package["ModelMetrics"]["ModelQuality"]["Statistics"]
        bucket, key = statistics["S3Uri"].removeprefix("s3://").split("/", 1)
        kept = json.loads(aws_account("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
        recall = evaluation["models"][version.definition]["test"]["later"]["recall"]["value"]
        assert kept["binary_classification_metrics"]["recall"]["value"] == recall
        assert package["MetadataProperties"]["CommitId"] == "0a1b2c3"


def test_the_champion_is_scored_in_the_next_evaluation(selected, rivals, evaluation, registry, prepared, settings):
    versions = register_models(selected[0], evaluation, LINEAGE, registry)
    registry.approve(*(version.version for version in versions), who="ada", why="better")
    second = judge_models(prepared, *selected, rivals, registry, settings)
    assert set(second["champions"]) == set(selected[0])
    for name, champion in second["champions"].items():
        own = second["models"][name]["test"]["later"]
        assert champion["version"] in {version.version for version in versions if version.definition == name}
        # it is the same model: it must be measured the same
        assert champion["later"]["recall"]["value"] == own["recall"]["value"]
        assert champion["later"]["pr_auc"]["value"] == own["pr_auc"]["value"]
        against = second["verdicts"][name]["champion"]
        assert (against["difference"], against["verdict"]) == (0, "tie")


def test_a_champion_of_other_features_is_left_out(selected, rivals, evaluation, registry, prepared, settings):
    versions = register_models(selected[0], evaluation, LINEAGE, registry)
    registry.approve(*(version.version for version in versions), who="ada", why="better")
    names = ("minutes", *prepared.players.feature_names[1:])
    renamed = replace(prepared, players=replace(prepared.players, feature_names=names))
    models = {name: replace(model, feature_names=names) for name, model in selected[0].items()}
    judged = judge_models(renamed, models, selected[1], rivals, registry, settings)
    assert judged["champions"] == {}
    for version in versions:
        verdict = judged["verdicts"][version.definition]
        assert f"version {version.version}, has other features or classes: not compared" in verdict["sentence"]
        assert verdict["champion"]["version"] == version.version
    challengers = register_models(models, judged, replace(LINEAGE, origin_run="12"), registry)
    assert {version.metadata["against_champion"] for version in challengers} == {"not comparable"}


def test_a_champion_of_other_classes_is_left_out(selected, rivals, evaluation, registry, prepared, settings):
    versions = register_models(selected[0], evaluation, LINEAGE, registry)
    registry.approve(*(version.version for version in versions), who="ada", why="better")
    reordered = ("normal", "dormant", "heavy", "risky", "unknown")
    models = {name: replace(model, class_names=reordered) for name, model in selected[0].items()}
    assert judge_models(prepared, models, selected[1], rivals, registry, settings)["champions"] == {}


def test_without_truth_the_validated_prevalence_is_taken_over(selected, rivals, prepared, registry, settings):
    players = prepared.players
    labels = np.where(players.truth == 1, 3, players.labels).astype(np.int8)
    blind = replace(prepared, players=replace(players, labels=labels, truth=np.full_like(players.truth, -1)))
    judged = judge_models(blind, *selected, rivals, registry, settings)
    assert judged["prevalence"] == next(iter(selected[1].values())).prevalence.to_plain()


def test_the_release_is_summed_up_in_plain_data(selected, evaluation, registry, settings):
    versions = register_models(selected[0], evaluation, LINEAGE, registry)
    summary = release_summary(versions, LINEAGE, settings)
    assert json.loads(json.dumps(summary)) == summary
    assert summary["release_id"] == versions[0].release_id
    assert summary["refused"] == []
    assert [one["definition"] for one in summary["versions"]] == list(selected[0])
    assert "scarcegan models compare 1 2 3 4" in summary["commands"]
    assert any(command.startswith("scarcegan report ") for command in summary["commands"])
