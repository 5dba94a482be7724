"""Scoring a snapshot with a registered model: plan, shards, report; without Metaflow."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from metaflow.cards import Table

from cards.drift_card import drift_card
from cards.score_card import score_card
from scarcegan import settings as settings_module
from scarcegan import words
from scarcegan.problems import DataProblem, RegistryProblem
from scarcegan.workflow.scoring.plan import plan_scoring, planned_model
from scarcegan.workflow.scoring.records import ScoreReport
from scarcegan.workflow.scoring.report import shares_in_words, tell_scores, watch_scored
from scarcegan.workflow.scoring.shard import score_shard

RUN = "ScoreFlow/21"


def rows_of(frame, players):
    """Place of each scored player in the published features."""
    return players - frame.index.to_numpy()


def test_scores_classes_and_flags_are_those_of_the_training(snapshot, score, model, prepared):
    _, _, frame = score()
    features = prepared.players.features[rows_of(frame, len(prepared.players.features))]
    assert sorted(frame.index) == list(range(1, snapshot.players + 1))
    wanted = model.probabilities(features)
    np.testing.assert_allclose(frame["risk_score"], wanted[:, model.rare_index], atol=1e-5)
    assert list(frame["class"]) == [model.class_names[number] for number in wanted.argmax(axis=1)]
    assert list(frame["is_flagged"]) == list(wanted[:, model.rare_index] >= np.float32(model.threshold))
    assert set(frame["model_version"]) == {1}
    assert set(frame["run"]) == {RUN}


def test_flagged_players_have_their_strongest_markers_as_reasons_and_nobody_else_has_any(
    snapshot, score, model, prepared
):
    _, _, frame = score()
    lengths = frame["reasons"].map(len)
    assert lengths[frame["is_flagged"]].between(1, 3).all()
    assert not lengths[~frame["is_flagged"]].any()
    top = frame["risk_score"].idxmax()
    row = prepared.players.features[[len(prepared.players.features) - top]]
    # The quantiles' own rule for the typical player: a value that some player has.
    typical = np.quantile(prepared.players.features, 0.5, axis=0, method="inverted_cdf")
    marker = {"night": "time of day", "spend": "spend"}
    sums = dict.fromkeys([*marker.values(), "other"], 0.0)
    for name, attribution in zip(model.feature_names, model.explain(row, typical)[0], strict=True):
        sums[marker.get(name, "other")] += attribution
    assert frame.loc[top, "reasons"][0].startswith(f"{max(sums, key=sums.get)}: ")


def test_the_report_counts_what_the_files_hold(snapshot, score):
    report, _, frame = score()
    assert (report.players, report.flagged) == (snapshot.players, frame["is_flagged"].sum())
    scored = report.scored
    assert (scored.players, scored.flagged_share.value) == (snapshot.players, frame["is_flagged"].mean())
    assert scored.flagged_share.low < scored.flagged_share.value < scored.flagged_share.high
    assert scored.unknown_share.value == pytest.approx((frame["class"] == "unknown").mean())
    assert {name: count for name, count in report.classes.items() if count} == dict(frame["class"].value_counts())
    quantiles = np.quantile(frame["risk_score"], report.levels, method="inverted_cdf")
    np.testing.assert_allclose(scored.quantiles, quantiles, rtol=0.01)
    beside = json.loads(Path(report.plan.folder, "report.json").read_text())
    assert ScoreReport.from_plain(beside | {"plan": beside}) == report


def test_the_players_that_the_threshold_was_set_on_are_in_the_archive_and_the_report(
    snapshot, score, model, prepared, scoring
):
    set_on = score()[0].threshold_set_on
    background = prepared.players.features[prepared.fold == scoring.folds.k]
    scores = model.risk(background)
    assert set_on.players == len(background)
    assert set_on.flagged_share.value == pytest.approx((scores >= np.float32(model.threshold)).mean())
    assert set_on.quantiles[50] == pytest.approx(np.quantile(scores, 0.5, method="inverted_cdf"), rel=0.01)


@pytest.fixture
def watched(scoring, registry, model, score, publish, prepared, tmp_path):
    """Score a month of other players and watch it; the champion was trained on a cohort of the month before.

    The cohort is told apart from everyone: those whom the threshold was set on are not like all players.
    """
    everyone = prepared.players.features[::-1] * np.float32(0.5)
    publish(everyone, model.feature_names)
    publish(everyone[:200], model.feature_names, "players-2026-02-01", "2026-02-01")
    places = {"registry": {"path": str(tmp_path / "registry")}}
    rule = {"monitoring": {"rows": 100, "reference": "players-2026-01-01"}}
    settings = settings_module.load(scoring.model_dump(mode="json") | places | rule)
    report = score()[0]
    return report, watch_scored(report, model, settings)


def test_one_reference_has_the_same_figures_on_both_cards_in_the_artifacts_and_in_the_terminal(watched):
    report, found = watched
    assert found.drift.score.now == report.scored
    assert (found.drift.current.compared, report.scored.players) == (100, 200)
    before = found.drift.score.before
    assert (before.players, before.unknown_share != report.threshold_set_on.unknown_share) == (100, True)
    cards = score_card(report, found.drift, found.decision, []), drift_card(found.drift, found.decision)
    shares = [words.share(one.flagged_share) for one in (report.scored, before)]
    for card in cards:
        tables = [part for part in card if isinstance(part, Table)]
        assert [words.metric_name("flagged_share"), *shares] in [row for table in tables for row in table._data]
    flagged, _, *_ = shares_in_words(report, found.drift)
    who = found.drift.reference.who(found.drift.words)
    assert flagged == f"Flagged share at its threshold: {shares[0]}; of the reference ({who}) {shares[1]}"
    assert who.startswith("100 drawn from all ")


def test_more_flagged_than_the_budget_is_said_only_beyond_the_sampling_error(snapshot, scoring, registry, champion):
    plan = plan_scoring(scoring, registry, "balanced", None, None, RUN)
    model = planned_model(plan, registry)
    [*tallies] = (score_shard(plan, model, number, scoring.snapshots) for number in range(plan.snapshot.parts))
    share = tell_scores(plan, model, tallies, scoring)[0].scored.flagged_share
    for budget, is_over in ((0.9 * share.low, True), (0.5 * (share.low + share.value), False)):
        report, _ = tell_scores(plan, model, tallies, scoring.model_copy(update={"review_budget": budget}))
        assert ("is above the review budget" in report.over_budget) == is_over
        assert (report.over_budget in shares_in_words(report, None)) == is_over


def test_the_review_list_is_the_top_of_the_budget_in_a_fixed_order(snapshot, score):
    report, review, frame = score()
    best = frame.reset_index().sort_values(["risk_score", "player_id"], ascending=[False, True])
    assert len(review) == int(0.05 * snapshot.players) == report.review.players
    assert list(review["player_id"]) == list(best["player_id"][: len(review)])
    assert report.review.lowest_score == review["risk_score"].min()
    written = list(csv.DictReader(io.StringIO(Path(report.plan.folder, report.review.csv).read_text())))
    assert [int(row["player_id"]) for row in written] == list(review["player_id"])
    assert written[0]["reasons"] == "; ".join(review["reasons"][0])


def test_equal_scores_are_ordered_by_id_across_shards(publish, model, score):
    same = np.tile(np.full((1, len(model.feature_names)), 20, np.float32), (100, 1))
    publish(same, model.feature_names, text=True)
    assert list(score()[1]["player_id"]) == ["p00001", "p00002", "p00003", "p00004", "p00005"]


def test_a_shard_done_twice_is_one_file_with_the_same_bytes(snapshot, score, scoring, registry):
    report, _, _ = score()
    folder = Path(report.plan.folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    score()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert set(before) == {*report.files, "review.parquet", "review.csv", "report.json"}


def test_another_run_writes_beside_it(snapshot, score):
    assert score()[0].plan.folder != score(run="ScoreFlow/22")[0].plan.folder


def test_a_shard_that_fails_half_way_leaves_no_file(snapshot, scoring, registry, champion, monkeypatch):
    plan = plan_scoring(scoring, registry, "balanced", None, None, RUN)
    model = planned_model(plan, registry)

    def runs_out(*_):
        raise MemoryError

    monkeypatch.setattr("scarcegan.workflow.scoring.shard.count_scores", runs_out)
    with pytest.raises(MemoryError):
        score_shard(plan, model, 0, scoring.snapshots)
    assert list(Path(plan.folder).iterdir()) == []


def test_the_newest_snapshot_with_the_prefix_is_scored(publish, prepared, model, score):
    for name, cutoff in (("players-b", "2026-01-01"), ("players-a", "2026-02-01"), ("others-2027", "2027-01-01")):
        publish(prepared.players.features, model.feature_names, name, cutoff)
    assert score()[0].plan.snapshot.name == "players-a"
    assert score("others-2027")[0].plan.snapshot.cutoff == "2027-01-01"


def test_features_count_by_name_whatever_their_place_and_company(publish, prepared, model, score):
    features, names = prepared.players.features, list(model.feature_names)
    publish(features, names, "players-a")
    publish(np.column_stack([features[:, ::-1], features[:, 0]]), [*names[::-1], "more"], "players-b")
    (_, _, one), (_, _, other) = score("players-a"), score("players-b")
    pd.testing.assert_series_equal(one["risk_score"], other["risk_score"], rtol=0, atol=1e-6)


def test_missing_features_are_refused_by_name(publish, prepared, model, score):
    publish(prepared.players.features[:, 1:], model.feature_names[1:])
    with pytest.raises(DataProblem, match="got none called opens"):
        score()


def test_a_changed_part_is_refused(scoring, snapshot, score):
    path = Path(scoring.snapshots.folder, snapshot.name, snapshot.parts[1].file)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(DataProblem, match="the part was changed"):
        score()


def test_a_snapshot_replaced_since_the_plan_is_refused(scoring, registry, champion, snapshot):
    plan = plan_scoring(scoring, registry, "balanced", None, None, RUN)
    model = planned_model(plan, registry)
    plan = replace(plan, snapshot=replace(plan.snapshot, fingerprint="0" * 16))
    with pytest.raises(DataProblem, match="it was replaced since this run began"):
        score_shard(plan, model, 0, scoring.snapshots)


def test_a_changed_archive_is_refused(snapshot, champion, score):
    path = Path(champion.location)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(RegistryProblem, match="sha256"):
        score()


@pytest.mark.parametrize(("constraint", "asked_for"), [(None, "widest"), ("flagged", "few")])
def test_without_a_definition_the_one_that_bounds_the_flagged_share_is_asked_for(
    scoring, registry, constraint, asked_for
):
    few = settings_module.Definition(name="few", maximise="recall", constraint=constraint)
    own = scoring.model_copy(update={"definitions": (settings_module.Definition(name="widest", maximise="f2"), few)})
    with pytest.raises(RegistryProblem, match=f"champion of '{asked_for}', got none"):
        plan_scoring(own, registry, None, None, None, RUN)


def test_without_a_champion_nothing_is_scored(snapshot, scoring, registry, champion):
    with pytest.raises(RegistryProblem, match="champion of 'recall_first', got none among balanced"):
        plan_scoring(scoring, registry, "recall_first", None, None, RUN)


def test_a_version_that_nobody_approved_is_refused(snapshot, scoring, registry, champion):
    registry.reject(champion.version, who="rita", why="bad")
    with pytest.raises(RegistryProblem, match="got 1, which is Rejected"):
        plan_scoring(scoring, registry, "balanced", 1, None, RUN)


def test_a_named_version_brings_its_own_definition(snapshot, scoring, registry, champion):
    assert plan_scoring(scoring, registry, "recall_first", 1, None, RUN).model.definition == "balanced"


def test_without_a_snapshot_the_way_to_one_is_told(scoring, score):
    with pytest.raises(
        DataProblem, match=r"publish it with `scarcegan snapshots publish TABLE` or, .* with `scarcegan features`"
    ):
        score()


def test_an_empty_part_gives_an_empty_file_of_the_same_form(snapshot, scoring, registry, champion, monkeypatch):
    plan = plan_scoring(scoring, registry, "balanced", None, None, RUN)
    model = planned_model(plan, registry)
    full = score_shard(plan, model, 0, scoring.snapshots)
    monkeypatch.setattr("scarcegan.workflow.scoring.shard.score_parquet", lambda *_: iter(()))
    empty = score_shard(plan, model, 1, scoring.snapshots)
    schemas = [pq.read_schema(Path(plan.folder, one.file)) for one in (full, empty)]
    assert schemas[0] == schemas[1]
    assert (empty.players, empty.counts.sum()) == (0, 0)
    report, review = tell_scores(plan, model, [empty, full], scoring)
    assert report.players == full.players
    assert len(review) == int(0.05 * full.players)


def test_the_registry_knows_what_was_scored_with(snapshot, champion, score):
    model = score()[0].plan.model
    assert model.sha256 == champion.sha256
    assert (model.version, model.release_id, model.run) == (1, "release-11", "RetrainFlow/11")


def test_a_shard_says_how_far_it_is_before_each_batch(snapshot, scoring, registry, champion, monkeypatch):
    monkeypatch.setattr("scarcegan.serving.stream.score_parquet.__defaults__", (30,))
    plan, told = plan_scoring(scoring, registry, "balanced", None, None, RUN), []
    score_shard(plan, planned_model(plan, registry), 0, scoring.snapshots, told.append)
    of = snapshot.parts[0].players
    assert told == [f"Scored {start} of {of} players" for start in range(0, of, 30)]
