import numpy as np
import pytest

from scarcegan.serving.distribution import LEVELS, count_scores, counted_quantiles, lowest_of_top, top_order

RNG = np.random.default_rng(0)
SCORES = {
    "bold": RNG.beta(0.5, 3, 20_000).astype(np.float32),
    "timid": RNG.uniform(0.05, 1, 20_000).astype(np.float32) ** 8 * np.float32(1e-6),
}


@pytest.mark.parametrize("scores", SCORES.values(), ids=SCORES)
def test_quantiles_are_known_to_their_own_size(scores):
    wanted = np.quantile(scores, LEVELS, method="inverted_cdf")
    np.testing.assert_allclose(counted_quantiles(count_scores(scores)), wanted, rtol=0.02)


@pytest.mark.parametrize("scores", SCORES.values(), ids=SCORES)
def test_hardly_more_players_than_wanted_reach_the_lowest_of_the_top(scores):
    lowest = lowest_of_top(count_scores(scores), 200)
    assert 200 <= (scores >= lowest).sum() < 250


def test_all_reach_it_if_there_are_fewer_than_wanted():
    assert lowest_of_top(count_scores(SCORES["bold"]), 30_000) == 0


def test_counts_of_shards_add_up():
    scores = SCORES["bold"]
    together = count_scores(scores[:7_000]) + count_scores(scores[7_000:])
    np.testing.assert_array_equal(together, count_scores(scores))


def test_zero_and_one_are_scores():
    ends = np.array([0, 1], dtype=np.float32)
    assert counted_quantiles(count_scores(ends))[0] == 0
    assert counted_quantiles(count_scores(ends))[-1] == 1
    assert lowest_of_top(count_scores(ends), 1) == 1


def test_no_players_no_quantiles():
    assert counted_quantiles(count_scores(np.empty(0, np.float32))) == []


def test_equal_scores_are_ordered_by_id():
    order = top_order(np.array([0.5, 0.9, 0.5], np.float32), np.array(["c", "b", "a"]))
    assert list(order) == [1, 2, 0]
