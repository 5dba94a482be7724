import numpy as np
import pytest
from scipy.stats import chi2, ks_2samp

from scarcegan.data.columns import describe
from scarcegan.data.distances import BINS, column_distances, distance, moves


def described(features):
    return dict(zip(("level", "visits", "same"), describe(features), strict=True))


def test_the_distance_is_that_of_kolmogorov_and_smirnov(skewed):
    before, now = skewed(5_000), skewed(4_000, seed=1) * np.float32(1.2)
    found = column_distances(before, now)["ks"]
    exact = [ks_2samp(old, new).statistic for old, new in zip(before.T, now.T, strict=True)]
    np.testing.assert_allclose(found, exact, atol=0.005)


def test_the_index_is_the_sum_over_deciles():
    before, now = np.arange(1_000.0), np.concatenate([np.full(500, -1.0), np.arange(0.0, 1_000.0, 2)])
    shares = np.array([0.55, *[0.05] * 9])
    assert distance(before, now).psi == pytest.approx(np.sum((shares - 0.1) * np.log(shares / 0.1)), rel=0.02)


def test_an_emptied_bin_leaves_the_index_finite():
    found = distance(np.arange(100.0), np.full(100, 3.0))
    assert 1 < found.psi < 10
    assert found.ks > 0.9


def test_the_index_of_a_feature_that_few_have_is_seldom_beyond_its_limit_by_chance():
    rng = np.random.default_rng(1)
    most, few = rng.normal(size=(150, 4_000)), rng.normal(size=(30, 4_000))
    limit = chi2.isf(0.003, BINS - 1) * (1 / 150 + 1 / 30)
    assert np.mean(column_distances(most, few)["psi"] > limit) < 0.003
    assert distance(np.sort(most[:, 0]), np.full(30, 9.0)).psi > 2 * limit


def test_a_constant_that_jumps_is_as_far_as_can_be():
    assert distance(np.full(50, 7.0), np.full(50, 8.0)).ks == 1


def test_missing_values_are_counted_and_left_out(skewed):
    before = skewed(1_000)
    now = before.copy()
    now[:250, 0] = np.nan
    found = column_distances(before, now)
    assert found["missing_now"].tolist() == [0.25, 0, 0]
    assert found["ks"][0] < 0.05


def test_a_column_without_a_value_has_no_distance(skewed):
    now = skewed(100)
    now[:, 1] = np.nan
    found = column_distances(skewed(100), now)
    assert np.isnan(found["ks"][1])
    assert found["missing_now"][1] == 1


def test_descriptions_of_the_same_players_tell_that_nothing_moved(skewed):
    found = moves(described(skewed(20_000)), described(skewed(20_000, seed=1)))
    assert all(move.psi < 0.02 and move.ks <= 0.041 for move in found)


def test_descriptions_tell_what_moved_first_with_its_medians(skewed):
    now = skewed(20_000, seed=1)
    now[:, 0] *= 2
    first, *others = moves(described(skewed(20_000)), described(now))
    assert first.name == "level"
    assert first.psi > 0.25
    assert first.ks == pytest.approx(0.25, abs=0.03)
    assert first.median_now == pytest.approx(2 * first.median_before, rel=0.1)
    assert all(move.psi < 0.1 for move in others)


def test_a_feature_that_one_side_lacks_is_left_out(skewed):
    columns = described(skewed(100))
    assert [move.name for move in moves({"level": columns["level"]}, columns)] == ["level"]


def test_rounding_of_a_value_that_many_share_is_no_drift(skewed):
    before, now = skewed(500), skewed(500)
    before[:450, 0], now[:450, 0] = np.float32(0.9999999), 1
    assert moves(described(before), described(now))[0].psi < 0.01


def test_descriptions_tell_that_fewer_players_have_a_value_or_nobody(skewed):
    now = skewed(1_000)
    now[:400, 0], now[:, 1] = np.nan, np.nan
    names = list(described(now))
    found = {move.name: move for move in moves(described(skewed(1_000)), described(now))}
    assert found[names[0]].psi > 0.25
    assert (found[names[1]].median_now, found[names[1]].ks) == (None, 1)
    assert found[names[1]].psi > found[names[0]].psi
    assert all(move.psi < 0.01 for name, move in found.items() if name not in names[:2])
