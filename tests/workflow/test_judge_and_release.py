import json
import re
import tarfile
from dataclasses import replace

import numpy as np
import pytest

from scarcegan import words
from scarcegan.backends import open_registry
from scarcegan.evaluation.figures import Interval
from scarcegan.evaluation.records import Comparison, FamilyShare
from scarcegan.problems import RegistryProblem
from scarcegan.registry import AgainstChampion
from scarcegan.registry.release import Lineage, Release
from scarcegan.serving import networks
from scarcegan.serving.model import Model
from scarcegan.settings import Registry, load
from scarcegan.workflow.retraining.explain import explain_on_test
from scarcegan.workflow.retraining.judge import challengers_of, judge_models, scarcegan_on_test
from scarcegan.workflow.retraining.release import HEADLINES, advised_version, register_models, release_summary

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
    assert evaluation.test_sets == ["later"]
    # What the thresholds were set by stays, whatever the test players' truth is.
    assert evaluation.prevalence == next(iter(selected[1].values())).prevalence
    truth = prepared.players.truth[prepared.fold == -1] == 1
    for name, model in selected[0].items():
        flagged = model.flags(model.risk(prepared.players.features[prepared.fold == -1]))
        test = evaluation.models[name].test["later"]
        assert (test.players, test.risky) == (200, 12)
        assert test.recall.value == pytest.approx(flagged[truth].mean())
        assert test.flagged_share.value == pytest.approx(flagged.mean())


def test_a_network_that_models_share_scores_the_test_players_once(
    selected, families, rivals, prepared, registry, settings, monkeypatch
):
    parts = [part for model in selected[0].values() for part in model.parts]
    own = [part.layers[0].weights[member].tobytes() for part in parts for member in range(part.members)]
    run, runs = networks.member_logits, []
    monkeypatch.setattr(networks, "member_logits", lambda *given: runs.append(1) or run(*given))
    challengers = challengers_of(prepared, *selected, families, scarcegan_on_test(prepared, selected[0]))
    judge_models(prepared, *selected, challengers, rivals, registry, settings)
    assert len(runs) == len(set(own)) < len(own)


def test_what_models_are_known_to_say_of_the_test_players_is_not_found_out_again(
    selected, challengers, rivals, prepared, registry, settings, evaluation, monkeypatch
):
    headline = selected[0][evaluation.headline]
    own = {"later": headline.probabilities(prepared.players.features[prepared.fold == -1])}
    explained = explain_on_test(prepared, headline, 1, own)
    # Risks of the sample are still asked for, to stretch what families say of it.
    sizes, probabilities = [], Model.probabilities
    monkeypatch.setattr(Model, "probabilities", lambda one, raw: sizes.append(len(raw)) or probabilities(one, raw))
    assert explain_on_test(prepared, headline, 1, challengers[evaluation.headline].probabilities) == explained
    assert max(sizes) <= 1 + explained.players < np.count_nonzero(prepared.fold == -1)
    sizes.clear()
    judged = judge_models(prepared, *selected, challengers, rivals, registry, settings)
    assert (judged, sizes) == (evaluation, [])


def test_rivals_and_verdicts_stand_beside_every_model_and_nobody_is_grouped_unasked(evaluation):
    assert list(evaluation.rivals) == ["logistic_regression"]
    # three features apart by more than their spread: even a small model must see it
    assert evaluation.rivals["logistic_regression"]["later"].roc_auc.value > 0.8
    assert set(evaluation.verdicts) == set(evaluation.models)
    assert (evaluation.champions, evaluation.subgroups) == ({}, None)


def test_it_is_told_what_each_family_brings_and_scarcegan_alone_stands_beside_the_model(evaluation, selected):
    for name, model in evaluation.models.items():
        shares = selected[1][name].shares
        assert {one.family: one.share for one in model.families} == shares
        assert list(shares) == ["scarcegan", "small_extra_trees", "linear"]
        alone = model.families[0].alone
        assert alone.low <= alone.value <= alone.high
        assert model.scarcegan["later"].pr_auc.value == pytest.approx(alone.value)
        assert all((one.without is None) == (one.share in (0, 1)) for one in model.families)


def test_the_headline_model_is_measured_by_the_groups_that_were_asked_for(
    selected, challengers, rivals, prepared, registry, settings
):
    tree = settings.model_dump(mode="json")
    asked = load(tree | {"evaluate": tree["evaluate"] | {"subgroup_features": ["opens"]}})
    found = judge_models(prepared, *selected, challengers, rivals, registry, asked)
    [feature] = found.subgroups.features
    assert (found.subgroups.definition, found.subgroups.test_set) == ("review_budget", "later")
    assert feature.feature == "opens"
    whole = found.on_first_test_set("review_budget")
    assert sum(one.players for one in feature.groups) == whole.players
    flagged = sum(one.players * one.flagged_share.value for one in feature.groups)
    assert flagged / whole.players == pytest.approx(whole.flagged_share.value)


@pytest.fixture
def versions(selected, evaluation, registry):
    """The first release."""
    return register_models(selected[0], evaluation, LINEAGE, registry, warnings=["a likely leak"])


def test_every_model_carries_the_warnings_about_the_data(versions, registry):
    assert [version.warnings for version in registry.versions()] == [("a likely leak",)] * len(versions)


def test_every_version_says_which_families_share_its_risk(versions, selected):
    for version in versions:
        shares = {words.family_name(name): share for name, share in selected[1][version.definition].shares.items()}
        told = version.metadata["families"]
        assert all((f"{name} {words.number(share)}" in told) == bool(share) for name, share in shares.items())
        assert re.fullmatch(r"[\w. ]{1,256}", told)


def test_of_many_families_with_long_names_the_largest_are_told(selected, evaluation, registry):
    names = [f"a_family_with_a_name_as_long_as_any_{at:04d}" for at in range(12)]
    shares = [FamilyShare(name, at / 66, Interval(0, 0, 0), None) for at, name in enumerate(names)]
    models = {name: replace(model, families=shares) for name, model in evaluation.models.items()}
    first = register_models(selected[0], replace(evaluation, models=models), LINEAGE, registry)[0]
    assert first.metadata["families"].startswith(f"{words.family_name(names[-1])} 0.167 ")
    assert len(first.metadata["families"]) <= 256


@pytest.fixture
def champions(versions, registry):
    return registry.approve(*(version.version for version in versions), who="ada", why="better")


def test_registered_models_are_the_judged_ones(selected, evaluation, registry, versions):
    models, _ = selected
    assert [version.version for version in versions] == [1, 2, 3, 4]
    assert [version.definition for version in versions] == list(models)
    for version in versions:
        measured = evaluation.models[version.definition]
        assert version.status == "PendingManualApproval"
        assert re.fullmatch("release-11-[0-9a-f]{8}", version.release_id)
        assert version.threshold == models[version.definition].threshold
        assert version.bound == measured.bound.get("later")
        assert version.metrics == {name: getattr(measured.test["later"], name).value for name in HEADLINES}
        assert version.metadata["git_commit"] == "0a1b2c3"
        assert version.metadata["prevalence"].startswith("0.")
        assert f" {evaluation.prevalence.origin} " in version.metadata["prevalence"]
        assert Model.load(registry.fetch(version.sha256), version.sha256).threshold == version.threshold


def test_registering_again_gives_the_same_versions(selected, evaluation, registry, versions):
    resumed = replace(LINEAGE, run="RetrainFlow/13")
    assert register_models(selected[0], evaluation, resumed, registry) == registry.versions() == versions


def against(evaluation, verdict, *definitions):
    """The evaluation, with a verdict against the champion of some definitions."""
    champion = {"champion_version": 3, "against_champion": Comparison(verdict, -0.08, -0.14, -0.02)}
    changed = {name: replace(evaluation.verdicts[name], **champion) for name in definitions}
    return replace(evaluation, verdicts={**evaluation.verdicts, **changed})


def test_measuring_anew_makes_a_second_whole_release(selected, evaluation, registry, versions):
    """As after `resume evaluate` of a run that was registered: only one model's part has changed."""
    changed = against(evaluation, "tie", "balanced")
    second = register_models(selected[0], changed, replace(LINEAGE, run="RetrainFlow/13"), registry)
    assert [version.version for version in second] == [5, 6, 7, 8]
    assert second[0].release_id != versions[0].release_id
    assert register_models(selected[0], evaluation, LINEAGE, registry) == versions
    registry.approve(1, 6, who="ada", why="each release is whole")


def test_a_worse_challenger_is_registered_and_marked(selected, evaluation, registry):
    versions = register_models(selected[0], against(evaluation, "worse", "balanced"), LINEAGE, registry)
    told = {version.definition: version.against_champion for version in versions}
    assert told == dict.fromkeys(told) | {"balanced": AgainstChampion("worse", -0.08, -0.14, -0.02, version=3)}


def test_a_worse_challenger_is_left_out_where_the_settings_say_so(selected, evaluation, registry):
    changed = against(evaluation, "worse", "balanced")
    versions = register_models(selected[0], changed, LINEAGE, registry, worse_challenger="refuse")
    assert [version.definition for version in versions] == ["recall_first", "precision_first", "review_budget"]
    assert release_summary(versions, evaluation, LINEAGE).refused == ["balanced"]
    registry.approve(versions[0].version, who="ada", why="three of three are whole")


def test_a_release_of_worse_challengers_alone_is_refused_in_words(selected, evaluation, registry):
    changed = against(evaluation, "worse", *selected[0])
    with pytest.raises(RegistryProblem, match=r"recall_first, precision_first.*worse_challenger = 'register'"):
        register_models(selected[0], changed, LINEAGE, registry, worse_challenger="refuse")
    assert registry.versions() == []


def test_a_metric_that_could_not_be_measured_is_left_out_named_and_null_in_the_archive(selected, evaluation, registry):
    nan, model = float("nan"), evaluation.models["balanced"]
    measures = replace(model.test["later"], pr_auc=Interval(nan, nan, nan, nan))
    spoilt = {**evaluation.models, "balanced": replace(model, test={"later": measures})}
    changed = replace(evaluation, models=spoilt)
    balanced = register_models(selected[0], changed, LINEAGE, registry)[-1]
    assert "pr_auc" not in balanced.metrics
    assert balanced.metadata["not_measured"] == "pr_auc"
    with tarfile.open(registry.fetch(balanced.sha256)) as tar:
        assert {"1/saved_model.pb", "model_quality.json", "model_quality.csv"} <= set(tar.getnames())
        stored = json.load(tar.extractfile("evaluation.json"))
    assert stored["models"]["balanced"]["test"]["later"]["pr_auc"]["value"] is None


def test_a_release_lands_in_sagemaker_with_its_quality_report(selected, evaluation, aws_account):
    chosen = Registry(kind="sagemaker", archives="s3://models/risky", image="some/image")
    for version in register_models(selected[0], evaluation, LINEAGE, open_registry(chosen)):
        package = aws_account("sagemaker").describe_model_package(ModelPackageName=version.arn)
        assert "ModelMetrics" in package
        assert package["MetadataProperties"]["CommitId"] == "0a1b2c3"


def test_the_champion_is_scored_in_the_next_evaluation(
    selected, challengers, rivals, champions, registry, prepared, settings
):
    second = judge_models(prepared, *selected, challengers, rivals, registry, settings)
    assert {name: one.version for name, one in second.champions.items()} == {
        version.definition: version.version for version in champions
    }
    for name, champion in second.champions.items():
        own = second.models[name].test["later"]
        # it is the same model: it must be measured the same
        assert (champion.test["later"].recall, champion.test["later"].pr_auc) == (own.recall, own.pr_auc)
        assert second.verdicts[name].champion_version == champion.version
        against = second.verdicts[name].against_champion
        assert against.verdict in ("tie", "too few flagged")
        assert (against.difference, against.low, against.high) == (0, 0, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"feature_names": ("minutes", "burst", "night", "spend", "breaks", "friends")},
        {"class_names": ("normal", "dormant", "heavy", "risky", "unknown")},
    ],
)
def test_a_champion_of_other_features_or_classes_is_left_out(
    selected, challengers, rivals, champions, registry, prepared, settings, change
):
    models = {name: replace(model, **change) for name, model in selected[0].items()}
    judged = judge_models(prepared, models, selected[1], challengers, rivals, registry, settings)
    assert judged.champions == {}
    versions = register_models(models, judged, replace(LINEAGE, origin_run="12"), registry)
    for version, champion in zip(versions, champions, strict=True):
        assert version.against_champion == AgainstChampion("no rival", version=champion.version)


def test_without_truth_the_validated_prevalence_is_taken_over(
    selected, challengers, rivals, prepared, registry, settings
):
    players = prepared.players
    labels = np.where(players.truth == 1, 3, players.labels).astype(np.int8)
    blind = replace(prepared, players=replace(players, labels=labels, truth=np.full_like(players.truth, -1)))
    judged = judge_models(blind, *selected, challengers, rivals, registry, settings)
    assert judged.prevalence == next(iter(selected[1].values())).prevalence


def test_the_release_says_what_to_do_next_and_where_it_comes_from(selected, evaluation, versions):
    release = release_summary(versions, evaluation, LINEAGE, warnings=["a likely leak"])
    assert release.warnings == ["a likely leak"]
    assert Release.from_plain(json.loads(json.dumps(release.to_plain()))) == release
    assert (release.release_id, release.refused, release.lineage) == (versions[0].release_id, [], LINEAGE)
    assert [one.definition for one in release.versions] == list(selected[0])
    assert "scarcegan models compare 1 2 3 4" in release.commands
    assert any(command.startswith("scarcegan report ") for command in release.commands)


def test_what_to_approve_is_advised_by_verdict_and_nothing_doubtful_is(versions, evaluation):
    def judged(**verdicts):
        beside = {
            name: replace(verdict, against_rival=replace(verdict.against_rival, verdict=verdicts.get(name, "tie")))
            for name, verdict in evaluation.verdicts.items()
        }
        plain = {name: replace(one, by_pr_auc=replace(one.by_pr_auc, verdict="tie")) for name, one in beside.items()}
        return replace(evaluation, verdicts=plain)

    sound = [replace(one, bound=None, warnings=(), against_champion=None) for one in versions]
    by_definition = {one.definition: one for one in sound}
    assert advised_version(sound, judged()) == by_definition[evaluation.headline]
    assert advised_version(sound, judged(balanced="better")) == by_definition["balanced"]
    assert advised_version(sound, judged(**{evaluation.headline: "worse"})) != by_definition[evaluation.headline]
    suspect = [replace(one, warnings=("feature 'nights' alone tells them apart: a likely leak",)) for one in sound]
    assert advised_version(suspect, judged()) is None
    said = release_summary(suspect, judged(), LINEAGE).commands
    assert not any(command.startswith("scarcegan models approve") for command in said)
