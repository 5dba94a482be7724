import numpy as np
import pytest

from scarcegan.evaluation.definitions import OperatingPoint
from scarcegan.evaluation.intervals import resample_weights
from scarcegan.evaluation.verdict import Rival, compare, judge, sentence

TIE = {"verdict": "tie", "rival": "extra_trees", "difference": 0.02, "low": -0.02, "high": 0.05}
RECALL = {"value": 0.41, "low": 0.35, "high": 0.48}


@pytest.fixture
def weights(ten_players):
    return resample_weights(ten_players.is_risky, ten_players.in_population, 200, np.random.default_rng(5))


def point(threshold):
    return OperatingPoint(threshold, 0.3, 0.6, 0.5, 0.5, constraint_met=True)


def test_the_difference_is_taken_at_the_models_own_flagged_share(ten_players, weights):
    # at 0.8 three are flagged: we find ranks 1 and 3; reversed, the rival finds original rank 8
    found = compare(ten_players, ten_players.with_score(-ten_players.score), 0.8, weights)
    assert found["difference"] == pytest.approx(2 / 3 - 1 / 3)


def test_equal_scores_are_an_exact_tie(labelled_apart):
    weights = resample_weights(labelled_apart.is_risky, labelled_apart.in_population, 50, np.random.default_rng(1))
    same = labelled_apart.with_score(2 * labelled_apart.score)
    for threshold in (0.0, 0.5, 0.75, 2.0):
        assert compare(labelled_apart, same, threshold, weights) == {
            "difference": 0, "low": 0, "high": 0, "verdict": "tie"}  # fmt: skip


def test_pairing_makes_a_small_steady_gain_visible(rng):
    from scarcegan.evaluation.scored import Scored

    is_risky = np.arange(2_000) < 200
    rival = Scored(rng.normal(size=2_000) + 1.5 * is_risky, is_risky, np.ones(2_000, dtype=bool))
    ours = rival.with_score(rival.score + 0.5 * is_risky)
    weights = resample_weights(is_risky, rival.in_population, 200, rng)
    threshold = float(np.quantile(ours.score, 0.95))
    found = compare(ours, rival, threshold, weights)
    assert found["verdict"] == "better"
    assert 0 < found["low"] < found["difference"] < found["high"] < 0.2
    swapped = compare(rival, ours, float(np.quantile(rival.score, 0.95)), weights)
    assert swapped["verdict"] == "worse"
    assert swapped["difference"] == pytest.approx(-found["difference"])


def test_a_sentence_as_people_say_it():
    said = sentence("review_budget", RECALL, 0.01, [("champion", 0.37), ("best baseline extra_trees", 0.39)], TIE, True)
    assert said == (
        "`review_budget` finds 41 % [35, 48] of risky players at 1 % flagged; "
        "champion 37 %; best baseline extra_trees 39 %: tie"
    )


def test_a_winning_baseline_is_said_to_win():
    worse = {**TIE, "verdict": "worse", "difference": -0.08, "low": -0.14, "high": -0.021}
    said = sentence("balanced", RECALL, 0.123, [("best baseline extra_trees", 0.49)], worse, True)
    assert said.endswith(
        "at 12 % flagged; best baseline extra_trees 49 %: extra_trees is better by 8.0 points [2.1, 14.0]"
    )


def test_a_winning_model_and_a_missed_constraint_are_said():
    better = {**TIE, "verdict": "better", "difference": 0.05, "low": 0.01, "high": 0.09}
    said = sentence("precision_first", RECALL, 0.004, [("best baseline extra_trees", 0.36)], better, False)
    assert "at 0.4 % flagged; its constraint could not be met on validation data; best" in said
    assert said.endswith(": better than extra_trees by 5.0 points [1.0, 9.0]")


def test_the_strongest_rival_is_judged_against_and_the_champion_named_first(ten_players, weights):
    measures = {"recall": RECALL, "flagged_share": {"value": 0.3}}
    rivals = [
        Rival("champion", ten_players.with_score(-ten_players.score), is_champion=True),
        Rival("random_forest", ten_players.with_score(np.zeros(10))),
        Rival("extra_trees", ten_players.with_score(ten_players.is_risky.astype(float))),
    ]
    verdict = judge("balanced", ten_players, point(0.8), measures, rivals, weights)
    assert verdict["rival"] == "extra_trees"
    assert verdict["difference"] == pytest.approx(2 / 3 - 1)
    assert verdict["champion"]["difference"] == pytest.approx(1 / 3)
    assert "tie with the champion's 33 %; best baseline extra_trees 100 %: " in verdict["sentence"]


def test_of_equal_baselines_the_sentence_names_the_one_that_was_judged(ten_players, weights):
    measures = {"recall": RECALL, "flagged_share": {"value": 0.3}}
    rivals = [Rival(name, ten_players) for name in ("b", "c", "a")]
    verdict = judge("balanced", ten_players, point(0.8), measures, rivals, weights)
    assert f"best baseline {verdict['rival']} " in verdict["sentence"]


def test_without_rivals_nothing_is_claimed(ten_players, weights):
    measures = {"recall": RECALL, "flagged_share": {"value": 0.3}}
    verdict = judge("balanced", ten_players, point(0.8), measures, [], weights)
    assert (verdict["verdict"], verdict["rival"], verdict["difference"]) == ("no rival", None, None)
    assert verdict["champion"] is None
    assert verdict["sentence"].endswith("at 30 % flagged: no rival")
