from dataclasses import replace

import numpy as np
import pytest

from scarcegan.evaluation.definitions import OperatingPoint
from scarcegan.evaluation.intervals import resample_weights
from scarcegan.evaluation.measures import measure
from scarcegan.evaluation.records import Comparison, Interval
from scarcegan.evaluation.scored import Scored
from scarcegan.evaluation.verdict import CHAMPION, compare, judge


@pytest.fixture
def weights(ten_players):
    return resample_weights(ten_players.is_risky, ten_players.in_population, 200, np.random.default_rng(5))


@pytest.fixture
def judged(ten_players, weights):
    """Judge the model that flags ranks 1 to 3, and finds two of three risky players there, against others."""

    def judged(bound_met=True, flagged=0.3, **others):
        point = OperatingPoint(0.8, 0.3, 0.6, 0.5, 0.5, constraint_met=bound_met)
        recall, share = Interval(0.41, 0.35, 0.48), Interval(flagged, flagged, flagged)
        measures = replace(measure(ten_players, weights, 0.3, 0.8), recall=recall, flagged_share=share)
        return judge("balanced", ten_players, point, measures, others, weights)

    return judged


@pytest.fixture
def perfect(ten_players):
    return ten_players.with_score(ten_players.is_risky.astype(float))


def test_the_difference_is_taken_at_the_models_own_flagged_share(ten_players, weights):
    # at 0.8 three are flagged: we find ranks 1 and 3; reversed, the rival finds original rank 8
    found = compare(ten_players, ten_players.with_score(-ten_players.score), 0.8, weights)
    assert found.difference == pytest.approx(2 / 3 - 1 / 3)


def test_equal_scores_are_an_exact_tie(labelled_apart):
    weights = resample_weights(labelled_apart.is_risky, labelled_apart.in_population, 50, np.random.default_rng(1))
    same = labelled_apart.with_score(2 * labelled_apart.score)
    for threshold in (0.0, 0.5, 0.75, 2.0):
        assert compare(labelled_apart, same, threshold, weights) == Comparison("tie", 0, 0, 0)


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
    assert judged(extra_trees=ten_players).sentence == (
        "`balanced` finds 41 % [35, 48] of risky players at 30 % flagged; best rival extra_trees 67 %: tie"
    )


@pytest.mark.parametrize(
    ("compared", "given", "end"),
    [
        (
            Comparison("worse", -0.08, -0.14, -0.021),
            {"bound_met": False, "flagged": 0.123},
            "at 12 % flagged; it does not meet its bound on validation players; best rival extra_trees 41 %: "
            "extra_trees is better by 8.0 points [2.1, 14.0]",
        ),
        (
            Comparison("better", 0.05, 0.01, 0.09),
            {"flagged": 0.004},
            "at 0.4 % flagged; best rival extra_trees 1 %: better than extra_trees by 5.0 points [1.0, 9.0]",
        ),
    ],
)
def test_who_wins_is_said_by_how_much_and_a_missed_bound_as_well(judged, perfect, monkeypatch, compared, given, end):
    monkeypatch.setattr("scarcegan.evaluation.verdict.compare", lambda *_: compared)
    assert judged(**given, extra_trees=perfect).sentence.endswith(end)


def test_the_strongest_is_judged_against_and_the_champion_named_first(judged, ten_players, perfect):
    champion, idle = ten_players.with_score(-ten_players.score), ten_players.with_score(np.zeros(10))
    verdict = judged(champion=champion, random_forest=idle, extra_trees=perfect)
    assert verdict.rival == "extra_trees"
    assert verdict.against_rival.difference == pytest.approx(2 / 3 - 1)
    assert verdict.against_champion.difference == pytest.approx(1 / 3)
    assert "; tie with the champion's 33 %; best rival extra_trees 100 %: " in verdict.sentence


def test_a_champion_that_is_the_strongest_is_judged_at_the_end(judged, ten_players, perfect):
    verdict = judged(champion=perfect, extra_trees=ten_players)
    assert verdict.rival == CHAMPION
    assert verdict.against_rival == verdict.against_champion
    assert "; champion 100 %; best rival extra_trees 67 %: " in verdict.sentence


def test_of_equal_rivals_the_sentence_names_the_one_that_was_judged(judged, ten_players):
    verdict = judged(b=ten_players, c=ten_players, a=ten_players)
    assert f"best rival {verdict.rival} " in verdict.sentence


def test_without_rivals_nothing_is_claimed(judged):
    verdict = judged()
    assert (verdict.rival, verdict.against_rival, verdict.against_champion) == (None, Comparison("no rival"), None)
    assert verdict.sentence.endswith("at 30 % flagged: no rival")
