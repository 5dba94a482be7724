import numpy as np
import pytest

from scarcegan.evaluation.scored import Scored, held_out
from scarcegan.problems import DataProblem


def scored(score, is_risky, in_population=None, prevalence=None):
    is_risky = np.array(is_risky, dtype=bool)
    everybody = np.ones(len(is_risky), dtype=bool)
    return Scored(np.array(score, dtype=float), is_risky, everybody if in_population is None else in_population,
                  prevalence)  # fmt: skip


@pytest.mark.parametrize(
    ("score", "is_risky", "message"),
    [
        ([np.nan, np.nan, 1], [1, 0, 0], "got 2 NaN or infinite of 3"),
        ([np.inf, 0, 1], [1, 0, 0], "got 1 NaN or infinite of 3"),
        ([1, 2, 3], [0, 0, 0], "at least 1 known risky player, got 0 of 3"),
        ([1, 2, 3], [1, 1, 1], "not known to be risky that stand for the population, got 0"),
    ],
)
def test_players_that_nothing_can_be_measured_on_are_refused(score, is_risky, message):
    with pytest.raises(DataProblem, match=message):
        scored(score, is_risky)


def test_risky_players_outside_the_population_need_a_prevalence():
    is_risky = np.array([True, False, False])
    with pytest.raises(DataProblem, match=r"set data\.prevalence"):
        scored([1, 2, 3], is_risky, ~is_risky)
    assert scored([1, 2, 3], is_risky, ~is_risky, 0.01).prevalence == 0.01


def test_with_truth_all_rows_stand_for_the_population_and_the_truth_decides_who_is_risky():
    rows = held_out(np.array([-1, 3, 0, -1]), np.array([1, 0, 0, 0]), rare_index=3, prevalence=0.3)
    assert rows.is_risky.tolist() == [True, False, False, False]
    assert rows.in_population.all()
    assert rows.prevalence is None


def test_without_truth_labelled_risky_players_are_found_among_the_unlabelled():
    rows = held_out(np.array([-1, 3, 0, -1]), np.full(4, -1), rare_index=3, prevalence=0.3)
    assert rows.is_risky.tolist() == [False, True, False, False]
    assert rows.in_population.tolist() == [True, False, False, True]
    assert rows.prevalence == 0.3


def test_truth_known_for_some_players_only_is_refused():
    with pytest.raises(DataProblem, match="all 3 test players or of none, got 2"):
        held_out(np.array([-1, -1, 3]), np.array([0, -1, 1]), rare_index=3)
