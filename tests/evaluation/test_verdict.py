from dataclasses import replace

import numpy as np
import pytest

from scarcegan.evaluation.figures import Interval
from scarcegan.evaluation.intervals import resample_weights
from scarcegan.evaluation.measures import measure
from scarcegan.evaluation.records import Comparison
from scarcegan.evaluation.scored import Scored
from scarcegan.evaluation.verdict import CHAMPION, compare, compare_pr_auc, deciding, judge


@pytest.fixture
def weights(ten_players):
    return resample_weights(ten_players.is_risky, ten_players.in_population, 200, np.random.default_rng(5))


@pytest.fixture
def judged(ten_players, weights):
    """Judge the model that flags ranks 1 to 3, and finds two of three risky players there, against others."""

    def judged(flagged=0.3, **others):
        recall, share = Interval(0.41, 0.35, 0.48), Interval(flagged, flagged, flagged)
        measures = replace(measure(ten_players, weights, 0.3, 0.8), recall=recall, flagged_share=share)
        measures = replace(measures, pr_auc=Interval(0.61, 0.5, 0.7))
        return judge("balanced", ten_players, 0.8, measures, others, weights)

    return judged


@pytest.fixture
def perfect(ten_players):
    return ten_players.with_score(ten_players.is_risky.astype(float))


def test_the_difference_is_taken_at_the_models_own_flagged_share(ten_players, weights):
    # at 0.8 three are flagged: we find ranks 1 and 3; reversed, the rival finds original rank 8
    found = compare(ten_players, ten_players.with_score(-ten_players.score), 0.8, weights)
    assert found.difference == pytest.approx(2 / 3 - 1 / 3)


def test_equal_scores_are_an_exact_tie(rng):
    is_risky = np.arange(200) < 20
    scored = Scored(rng.random(200), is_risky, ~is_risky, 0.1)
    weights = resample_weights(is_risky, scored.in_population, 50, np.random.default_rng(1))
    same = scored.with_score(2 * scored.score)
    for threshold in (0.0, 0.5, 0.75):
        assert compare(scored, same, threshold, weights) == Comparison("tie", 0, 0, 0)
    assert compare_pr_auc(scored, same, weights) == Comparison("tie", 0, 0, 0, "pr_auc")


def test_a_difference_among_few_players_cannot_be_told(ten_players, weights, perfect):
    # Three risky players in ten: even a better model may be so by chance.
    assert compare(perfect, ten_players, 0.8, weights).verdict == "too few risky"
    assert compare_pr_auc(perfect, ten_players, weights).verdict == "too few risky"
    twenty = Scored(np.arange(200.0), np.arange(200) % 10 == 0, np.ones(200, bool))
    drawn = resample_weights(twenty.is_risky, twenty.in_population, 50, np.random.default_rng(1))
    assert compare(twenty, twenty, 180.0, drawn).verdict == "too few flagged"
    assert compare(twenty, twenty, 100.0, drawn).verdict == "tie"


def test_what_one_threshold_cannot_tell_pr_auc_may(rng):
    is_risky = np.arange(2_000) < 200
    ours = Scored(rng.normal(size=2_000) + is_risky, is_risky, np.ones(2_000, dtype=bool))
    rival = ours.with_score(ours.score + is_risky)
    weights = resample_weights(is_risky, ours.in_population, 100, rng)
    few = compare(ours, rival, float(np.sort(ours.score)[-10]), weights)
    area = compare_pr_auc(ours, rival, weights)
    assert (area.verdict, area.measure) == ("worse", "pr_auc")
    assert area.low < area.difference < area.high < 0
    assert deciding(replace(few, verdict="too few flagged"), area) == area
    assert deciding(replace(few, verdict="better"), area).verdict == "better"


def test_pairing_makes_a_small_steady_gain_visible(rng):
    is_risky = np.arange(2_000) < 200
    rival = Scored(rng.normal(size=2_000) + 1.5 * is_risky, is_risky, np.ones(2_000, dtype=bool))
    ours = rival.with_score(rival.score + 0.5 * is_risky)
    weights = resample_weights(is_risky, rival.in_population, 200, rng)
    threshold = float(np.quantile(ours.score, 0.95))
    found = compare(ours, rival, threshold, weights)
    assert found.verdict == "better"
    assert 0 < found.low < found.difference < found.high < 0.2
    swapped = compare(rival, ours, float(np.quantile(rival.score, 0.95)), weights)
    assert swapped.verdict == "worse"
    assert swapped.difference == pytest.approx(-found.difference)


def test_a_sentence_as_people_say_it(judged, ten_players):
    said = "`balanced` finds 41 % [35, 48] of risky players where it flags 30 %; best rival extra_trees finds 67 % "
    said += "[21, 94] where it flags as many: too few risky to tell; PR-AUC 0.61 [0.50, 0.70], best rival "
    said += "extra_trees 0.68: too few risky to tell"
    assert judged(extra_trees=ten_players).sentence == said


@pytest.mark.parametrize(
    ("compared", "said"),
    [
        (Comparison("worse", -0.08, -0.14, -0.021), "extra_trees is better by 8.0 [2.1, 14.0] points"),
        (Comparison("better", 0.05, 0.01, 0.09), "better by 5.0 [1.0, 9.0] points"),
        (Comparison("tie", 0.05, -0.01, 0.09), "tie"),
    ],
)
def test_who_wins_is_said_by_how_much(judged, perfect, monkeypatch, compared, said):
    monkeypatch.setattr("scarcegan.evaluation.verdict.compare", lambda *_: compared)
    assert f"where it flags as many: {said}; PR-AUC " in judged(extra_trees=perfect).sentence
    area = replace(compared, measure="pr_auc")
    monkeypatch.setattr("scarcegan.evaluation.verdict.compare_pr_auc", lambda *_: area)
    in_area = {"worse": "by 0.080 [0.021, 0.140]", "better": "by 0.050 [0.010, 0.090]", "tie": "tie"}
    assert judged(extra_trees=perfect).sentence.endswith(in_area[compared.verdict])


def test_the_strongest_is_judged_against_and_the_champion_named_too(judged, ten_players, perfect):
    champion, idle = ten_players.with_score(-ten_players.score), ten_players.with_score(np.zeros(10))
    verdict = judged(champion=champion, random_forest=idle, extra_trees=perfect)
    assert (verdict.rival, verdict.pr_auc_rival) == ("extra_trees", "extra_trees")
    assert verdict.against_rival.difference == pytest.approx(2 / 3 - 1)
    assert verdict.by_pr_auc.difference < 0
    assert "; champion finds 33" in verdict.sentence


def test_a_champion_that_is_the_strongest_is_judged_once(judged, ten_players, perfect):
    verdict = judged(champion=perfect, extra_trees=ten_players)
    assert verdict.rival == verdict.pr_auc_rival == CHAMPION
    assert verdict.against_champion in (verdict.against_rival, verdict.by_pr_auc)
    assert verdict.sentence.count("champion finds") == 1


def test_what_decides_against_a_champion_is_said_with_its_own_measure(judged, ten_players, perfect, monkeypatch):
    at_share = Comparison("tie", 0.07, -0.02, 0.12)
    over_all = Comparison("better", 0.02, 0.003, 0.049, "pr_auc")
    monkeypatch.setattr("scarcegan.evaluation.verdict.compare", lambda *_: at_share)
    monkeypatch.setattr("scarcegan.evaluation.verdict.compare_pr_auc", lambda *_: over_all)
    verdict = judged(champion=ten_players.with_score(-ten_players.score), extra_trees=perfect)
    assert verdict.against_champion == over_all
    assert verdict.sentence.endswith("; PR-AUC of the champion 0.29: better by 0.020 [0.003, 0.049]")
    assert "champion finds" not in verdict.sentence


def test_of_equal_rivals_the_sentence_names_the_one_that_was_judged(judged, ten_players):
    verdict = judged(b=ten_players, c=ten_players, a=ten_players)
    assert f"best rival {verdict.rival} " in verdict.sentence


def test_without_rivals_nothing_is_claimed(judged):
    verdict = judged()
    assert (verdict.rival, verdict.against_rival, verdict.against_champion) == (None, Comparison("no rival"), None)
    assert (verdict.pr_auc_rival, verdict.by_pr_auc.verdict) == (None, "no rival")
    assert verdict.sentence.endswith("where it flags 30 %")
