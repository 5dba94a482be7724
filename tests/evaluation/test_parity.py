import math

import numpy as np
import pytest

from scarcegan.evaluation.parity import compare_scores

IDS = np.arange(10)
OLD = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0])


def test_the_same_scores_agree_wholly_on_another_scale_as_well():
    for new, difference in ((OLD, 0), (OLD**3, 0.384)):
        found = compare_scores(IDS, OLD, new, 0.3)
        assert (found.budget_players, found.agreement, found.rank_correlation) == (3, 1.0, pytest.approx(1))
        assert (len(found.moved_in), len(found.moved_out)) == (0, 0)
        assert found.largest_difference == pytest.approx(difference)


def test_who_moves_in_and_out_is_told_highest_first():
    new = OLD.copy()
    new[[8, 9]] = [0.85, 0.95]
    found = compare_scores(IDS, OLD, new, 0.3)
    assert found.agreement == pytest.approx(1 / 3)
    assert list(found.moved_in) == [9, 8]
    assert list(found.moved_out) == [1, 2]
    assert (found.old_rank[9], found.new_rank[9]) == (10, 1)


def test_equal_scores_are_looked_at_by_id_whatever_the_rows():
    ids = IDS[::-1]
    found = compare_scores(ids, np.ones(10), np.ones(10), 0.2)
    assert set(ids[found.old_rank <= 2]) == {0, 1}
    assert math.isnan(found.rank_correlation)


def test_a_budget_of_less_than_one_player_has_nobody_to_disagree_on():
    found = compare_scores(IDS, OLD, OLD[::-1], 0.05)
    assert (found.budget_players, found.agreement, len(found.moved_in)) == (0, 1.0, 0)
    assert found.rank_correlation == pytest.approx(-1)
