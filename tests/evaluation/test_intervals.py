import numpy as np
import pytest
from scipy.stats import binomtest

from scarcegan.evaluation.intervals import interval, lower_bound, resample_weights, share_of, upper_bound


def test_every_resample_draws_as_many_of_each_kind_as_there_are(rng):
    is_risky = np.arange(50) < 3
    in_population = np.arange(50) != 1
    weights = resample_weights(is_risky, in_population, 30, rng)
    assert weights.shape == (30, 50)
    assert (weights[:, is_risky & in_population].sum(axis=1) == 2).all()
    assert (weights[:, is_risky & ~in_population] == 1).all()
    assert (weights[:, ~is_risky].sum(axis=1) == 47).all()


def test_the_spread_of_a_share_is_the_binomial_one(rng):
    is_risky = np.arange(2_000) < 400
    found = np.arange(2_000) < 100
    weights = resample_weights(is_risky, np.ones(2_000, dtype=bool), 800, rng)
    recall = weights[:, found].sum(axis=1) / 400
    assert recall.mean() == pytest.approx(0.25, abs=0.004)
    assert recall.std() == pytest.approx(np.sqrt(0.25 * 0.75 / 400), rel=0.1)


def test_the_same_seed_draws_the_same_players():
    flags = np.arange(40) < 5, np.ones(40, dtype=bool)
    first, again, other = (resample_weights(*flags, 5, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_an_interval_holds_the_percentiles_and_the_deviation():
    samples = np.arange(1_001) / 1_000
    found = interval(0.4, samples)
    assert (found.value, found.low, found.high) == pytest.approx((0.4, 0.025, 0.975))
    assert found.std == samples.std(ddof=1)


def test_wilsons_interval_is_scipys_and_nobody_has_none():
    for part, whole in ((0, 5), (3, 3), (7, 40), (500, 1_000)):
        expected = binomtest(part, whole).proportion_ci(method="wilson")
        found = share_of(part, whole)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-6)
        assert found.value == part / whole
    assert share_of(0, 0) is None


def test_exact_bounds_are_scipys_and_of_nobody_nothing_is_sure():
    for part, whole in ((1, 5), (3, 3), (7, 40), (500, 1_000)):
        expected = binomtest(part, whole).proportion_ci(0.8, method="exact")  # two-sided: a tenth on either side
        assert lower_bound(part, whole, 0.9) == pytest.approx(expected.low)
        assert upper_bound(part, whole, 0.9) == pytest.approx(expected.high)
    assert (lower_bound(0, 9, 0.9), upper_bound(9, 9, 0.9)) == (0, 1)
