from dataclasses import fields, replace
from typing import get_args

import numpy as np
import pytest

from scarcegan.evaluation.definitions import AIMS, OperatingPoint, describe, operating_point
from scarcegan.evaluation.metrics import at_threshold
from scarcegan.evaluation.scored import Scored
from scarcegan.settings import Definition, Settings

RECALL_FIRST, PRECISION_FIRST, REVIEW_BUDGET, BALANCED = Settings().definitions


def measures(point):
    return point.threshold, point.flagged_share, point.recall, point.precision


@pytest.mark.parametrize(
    ("definition", "budget", "expected"),
    [
        (RECALL_FIRST.model_copy(update={"bound": 0.6}), 0.01, (0.8, 0.3, 2 / 3, 2 / 3)),
        (RECALL_FIRST, 0.01, (0.3, 0.8, 1, 3 / 8)),
        (PRECISION_FIRST, 0.01, (1.0, 0.1, 1 / 3, 1)),
        (REVIEW_BUDGET, 0.2, (0.9, 0.2, 1 / 3, 1 / 2)),  # two reviews find no more than one here, but could
        (REVIEW_BUDGET.model_copy(update={"bound": 0.3}), 0.1, (0.8, 0.3, 2 / 3, 2 / 3)),  # its own share goes first
    ],
)
def test_each_definition_has_the_threshold_that_serves_it_best(ten_players, definition, budget, expected):
    assert measures(operating_point(definition, ten_players, budget)) == pytest.approx(expected)


def test_balanced_maximises_f2(ten_players):
    point = operating_point(BALANCED, ten_players, 0.01)
    all_f2 = [at_threshold(ten_players, threshold).f2[0] for threshold in ten_players.score]
    assert point.f2 == pytest.approx(max(all_f2))
    assert point.recall == 1


def test_bounds_are_met_in_spite_of_rounding():
    is_risky = np.arange(100) % 10 != 0
    scored = Scored(-np.arange(100.0), is_risky, np.ones(100, dtype=bool))
    nine_of_ten = Definition(name="d", maximise="recall", constraint="precision", bound=0.9)
    assert operating_point(nine_of_ten, scored, 0.01).flagged_share == 1


def test_a_constraint_nobody_can_meet_gives_the_closest_point():
    # harmless players on top: precision is best, at 2 / 4, when four are flagged
    scored = Scored(-np.arange(10.0), np.isin(np.arange(10), [2, 3]), np.ones(10, dtype=bool))
    point = operating_point(PRECISION_FIRST, scored, 0.01)
    assert measures(point) == pytest.approx((-3.0, 0.4, 1.0, 0.5))


def test_tied_players_are_flagged_together():
    score = np.array([0.9, 0.8, 0.8, 0.8, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])
    scored = Scored(score, np.isin(np.arange(10), [0, 1]), np.ones(10, dtype=bool))
    assert operating_point(REVIEW_BUDGET, scored, 0.3).flagged_share == pytest.approx(0.1)
    assert operating_point(REVIEW_BUDGET, scored, 0.4).flagged_share == pytest.approx(0.4)


def test_when_all_scores_are_equal_everybody_is_flagged():
    scored = Scored(np.full(10, 0.5), np.arange(10) < 2, np.ones(10, dtype=bool))
    point = operating_point(REVIEW_BUDGET, scored, 0.1)
    assert measures(point) == pytest.approx((0.5, 1, 1, 0.2))


def test_labelled_players_outside_the_population_are_found_for_free(labelled_apart):
    point = operating_point(RECALL_FIRST.model_copy(update={"bound": 0.5}), labelled_apart, 0.01)
    assert measures(point) == pytest.approx((0.75, 0.3, 0.5, 0.5 * 0.2 / 0.3))


def test_a_bound_is_compared_with_what_is_sure_where_that_is_given(ten_players):
    half = Definition(name="d", maximise="fewest_flagged", constraint="recall", bound=0.5)
    # From half of what is found at each of the ten thresholds, recall reaches .5 where all three are found.
    sure = np.array([1, 1, 2, 2, 2, 2, 2, 3, 3, 3]) / 6
    assert measures(operating_point(half, ten_players, 0.01, sure)) == pytest.approx((0.3, 0.8, 1, 3 / 8))


def test_rows_count_for_as_many_players_as_they_stand_for(ten_players):
    weighed = replace(ten_players, stands_for=np.where(ten_players.is_risky, 1.0, 10.0), prevalence=3 / 73)
    point = operating_point(REVIEW_BUDGET, weighed, 12 / 73)
    assert measures(point) == pytest.approx((0.8, 12 / 73, 2 / 3, 2 / 12))


def test_an_operating_point_is_what_its_threshold_gives(rng):
    is_risky = rng.random(400) < 0.1
    score = (rng.random(400) + 0.5 * is_risky).astype(np.float32).round(2)
    for in_population, prevalence in ((np.ones(400, dtype=bool), None), (~is_risky, 0.03)):
        scored = Scored(score, is_risky, in_population, prevalence)
        for definition in Settings().definitions:
            point = operating_point(definition, scored, 0.05)
            at = at_threshold(scored, point.threshold)
            assert (point.recall, point.precision, point.flagged_share, point.f2) == pytest.approx(
                tuple(figure[0] for figure in at)
            )


def test_everything_that_a_definition_may_maximise_has_a_metric_that_tells():
    assert set(get_args(Definition.model_fields["maximise"].annotation)) == AIMS.keys()
    assert {aim.metric for aim in AIMS.values()} <= {field.name for field in fields(OperatingPoint)}


def test_definitions_are_described_in_a_few_words():
    assert [describe(definition, 0.01) for definition in Settings().definitions] == [
        "recall ≥ 85 %, fewest flagged",
        "precision ≥ 90 %, highest recall",
        "flagged share ≤ 1 %, highest recall",
        "highest F2",
    ]


def test_a_labelled_player_above_all_others_does_not_meet_a_precision_bound_by_flagging_nobody():
    score = np.concatenate([[0.99], np.linspace(0.1, 0.5, 9), np.linspace(0, 0.9, 200)])
    is_risky = np.arange(210) < 10
    scored = Scored(score, is_risky, ~is_risky, prevalence=0.02)
    definition = Definition(name="precise", maximise="recall", constraint="precision", bound=0.9)
    point = operating_point(definition, scored, 0.01)
    # One in ten found at a share that cannot be told from 1 in 200: 0.1 * 0.02 / 0.005.
    assert point.precision == pytest.approx(0.4)
