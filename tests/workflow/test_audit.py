"""The audit sample: drawn at random below the top of the list, the same by the same seed, unseen by reviewers."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scarcegan import settings as settings_module
from scarcegan.outcomes.store import open_outcomes
from scarcegan.registry import ModelToRegister
from scarcegan.serving.distribution import count_scores
from scarcegan.workflow.scoring.audit import audit_strata, draw, mixed_in
from scarcegan.workflow.scoring.plan import plan_scoring, planned_model
from scarcegan.workflow.scoring.report import tell_scores, watch_scored
from scarcegan.workflow.scoring.shard import score_shard


@pytest.fixture
def audited(snapshot, scoring, registry, champion):
    """Score the snapshot with a list of 60 players; `changes` are settings. Returns report, list and CSV."""

    def audited(run="ScoreFlow/21", order=1, **changes):
        tree = {"review_budget": 0.1, **changes}
        settings = settings_module.load(scoring.model_dump(mode="json") | tree | {"scoring": scoring_of(changes)})
        plan = plan_scoring(settings, registry, "balanced", None, None, run)
        model = planned_model(plan, registry)
        tallies = [score_shard(plan, model, number, settings.snapshots) for number in range(plan.snapshot.parts)]
        report, review = tell_scores(plan, model, tallies[::order], settings)
        return report, review, pd.read_csv(Path(plan.folder, report.review.csv))

    def scoring_of(changes):
        return {"folder": scoring.scoring.folder, **changes.pop("scoring", {})}

    return audited


def test_a_share_of_the_list_is_drawn_from_everyone_below_its_top(audited, snapshot):
    report, review, _ = audited()
    listed = int(0.1 * snapshot.players)
    drawn = review[review["stratum"] > 0]
    top = review[review["stratum"] == 0]
    assert (len(review), len(drawn)) == (listed, round(0.1 * listed))
    assert (report.review.players, report.review.audit_players) == (listed, len(drawn))
    assert drawn["risk_score"].max() <= top["risk_score"].min() == report.review.lowest_score
    assert review["player_id"].is_unique
    # Each drawn player stands for 1 / inclusion: together they are everyone below the top.
    assert (1 / drawn["inclusion"]).sum() == pytest.approx(snapshot.players - len(top))
    assert set(top["inclusion"]) == {1.0}


def test_the_top_is_the_highest_scores_in_their_order(audited):
    review = audited()[1]
    top = review[review["stratum"] == 0]
    assert top["risk_score"].is_monotonic_decreasing


def test_the_same_seed_draws_the_same_players_whatever_the_order_of_the_shards(audited):
    one, other = audited()[1], audited("ScoreFlow/22", order=-1)[1]
    pd.testing.assert_frame_equal(one, other)
    different = audited("ScoreFlow/23", seed=8)[1]
    drawn = [set(each.loc[each["stratum"] > 0, "player_id"]) for each in (one, different)]
    assert drawn[0] != drawn[1]


def test_reviewers_see_neither_scores_nor_who_was_drawn(audited):
    _, review, seen = audited()
    assert list(seen.columns) == ["player_id", "reasons"]
    assert list(seen["player_id"]) == list(review["player_id"])
    places = np.flatnonzero(review["stratum"] > 0)
    assert places.max() < len(review) - 1 or places.min() < len(review) - len(places), "not all at the end"


def test_everyone_on_the_list_has_reasons_without_their_share_of_the_score(audited):
    _, review, seen = audited()
    assert review["reasons"].map(len).ge(1).all()
    assert review["reasons"].iloc[0][0].endswith(")")
    assert not seen["reasons"].str.contains("(", regex=False).any()


def test_without_an_audit_the_list_is_the_top_with_its_scores(audited, snapshot):
    report, review, seen = audited(scoring={"audit_share": 0})
    assert (report.review.audit_players, len(review)) == (0, int(0.1 * snapshot.players))
    assert list(seen.columns) == ["player_id", "risk_score", "class", "is_flagged", "reasons"]


def scores_of(players, seed=0):
    return np.random.default_rng(seed).beta(0.3, 8, players).astype(np.float32)


@pytest.mark.parametrize("is_probability", [True, False])
def test_strata_hold_everyone_below_the_top_the_riskier_the_fewer(is_probability):
    strata = audit_strata(count_scores(scores_of(20_000)), 180, 20, is_probability=is_probability)
    players = [one.players for one in strata]
    assert (sum(players), sum(one.drawn for one in strata)) == (19_820, 20)
    assert min(one.drawn for one in strata) >= 2
    assert players[-1] > 3 * players[0]
    assert [one.lowest for one in strata] == sorted((one.lowest for one in strata), reverse=True)


@pytest.mark.parametrize(("wanted", "drawn"), [(0, []), (1, [1]), (3, [3])])
def test_few_are_drawn_from_one_stratum(wanted, drawn):
    strata = audit_strata(count_scores(scores_of(1_000)), 10, wanted, is_probability=True)
    assert [one.drawn for one in strata] == drawn


def test_nobody_is_left_to_draw_where_the_top_is_everyone():
    assert audit_strata(count_scores(scores_of(50)), 50, 5, is_probability=True) == []


def test_equal_scores_are_one_stratum():
    [one] = audit_strata(count_scores(np.full(100, 0.25, np.float32)), 10, 8, is_probability=True)
    assert (one.players, one.drawn) == (90, 8)


def test_everyone_is_drawn_as_often_as_the_inclusion_says():
    score = scores_of(300)
    everyone = pd.DataFrame({"player_id": np.arange(300), "risk_score": score})
    top = everyone.nlargest(20, "risk_score")["player_id"]
    strata = audit_strata(count_scores(score), 20, 40, is_probability=True)
    drawn = pd.concat([draw(strata, [everyone[:100], everyone[100:]], top, 7, turn) for turn in range(200)])
    expected = drawn.groupby("player_id")["inclusion"].first()
    often = drawn["player_id"].value_counts() / 200
    assert not set(top) & set(drawn["player_id"])
    assert len(often) > 270
    assert (often - expected).abs().max() < 0.16  # four standard deviations at a half
    for _, one in zip(range(3), [draw(strata, [everyone], top, 7, turn) for turn in range(3)], strict=True):
        assert one["stratum"].value_counts().sort_index().tolist() == [each.drawn for each in strata]


def test_the_drawn_are_mixed_in_at_random_places():
    top, drawn = pd.DataFrame({"player_id": range(90)}), pd.DataFrame({"player_id": range(100, 110), "stratum": 1})
    places = [np.flatnonzero(mixed_in(top, drawn, 7, turn)["stratum"] > 0) for turn in range(50)]
    assert 40 < np.mean(places) < 60
    assert len({tuple(one) for one in places}) == 50


def test_outcomes_of_an_audited_list_tell_the_next_months_drift_its_recall(
    publish, prepared, model, scoring, registry, tmp_path
):
    """Score a month with an audit, say that nobody listed is risky but the drawn: the model finds nobody."""
    archive = tmp_path / "model.tar.gz"
    facts = {"release_id": "release-11", "origin_run_id": "11", "run_pathspec": "RetrainFlow/11"}
    facts |= {"sha256": model.save(archive, {}), "threshold": model.threshold, "metrics": {"recall": 0.9}}
    [version] = registry.register_release([ModelToRegister(definition="balanced", archive=archive, **facts)])
    registry.approve(version.version, who="rita", why="good")
    places = {"outcomes": {"folder": str(tmp_path / "outcomes")}, "registry": {"path": str(tmp_path / "registry")}}
    audit = {"scoring": {"folder": scoring.scoring.folder}}
    rule = {"monitoring": {"rows": 100, "reference": "players-2026-01-01"}, "review_budget": 0.2}
    settings = settings_module.load(scoring.model_dump(mode="json") | places | rule | audit)
    for month in (1, 2):
        publish(prepared.players.features, model.feature_names, f"players-2026-0{month}-01", f"2026-0{month}-01")

    def scored(month, run):
        snapshot = f"players-2026-0{month}-01"
        plan = plan_scoring(settings, registry, "balanced", None, snapshot, run)
        loaded = planned_model(plan, registry)
        tallies = [score_shard(plan, loaded, number, settings.snapshots) for number in range(plan.snapshot.parts)]
        report, review = tell_scores(plan, loaded, tallies, settings)
        return review, watch_scored(report, loaded, settings)

    review, _ = scored(1, "ScoreFlow/1")
    found = np.where(review["stratum"] > 0, "risky", "harmless")
    outcomes = rows_of(review["player_id"], found)
    open_outcomes(settings.outcomes, settings.registry.group).add(outcomes)
    _, watched = scored(2, "ScoreFlow/2")
    assert watched.drift.recall.reviewed == len(review)
    assert watched.drift.recall.snapshot == "players-2026-01-01"
    assert watched.drift.recall.value < 0.5
    assert "recall" in watched.drift.beyond
    # What is found out later measures the same snapshot anew.
    store = open_outcomes(settings.outcomes, settings.registry.group)
    store.add(rows_of(review["player_id"], "harmless").assign(reviewer="otto"))
    assert scored(2, "ScoreFlow/3")[1].drift.recall is None


def rows_of(players, decision):
    """Checked outcomes of the first month's players."""
    frame = pd.DataFrame({"player_id": players.astype(str), "decision": decision})
    when = pd.Timestamp("2026-01-20", tz="UTC").as_unit("us")
    return frame.assign(snapshot="players-2026-01-01", reviewer="rita", when=when, reason="", recorded_at=when)
