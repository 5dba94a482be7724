import numpy as np
import pytest

from scarcegan.data.log_odds import (
    LEAST_RISK,
    log_odds,
    pooled_log_odds,
    pooled_risk,
    sigmoid,
    slope_of_log_odds,
    slope_of_sigmoid,
)

RISKS = np.array([0.01, 0.02, 0.3, 0.5, 0.97, 0.99])


def test_log_odds_and_sigmoid_undo_each_other():
    np.testing.assert_allclose(sigmoid(log_odds(RISKS)), RISKS, rtol=1e-12)
    assert log_odds(np.array([0.5])) == 0


def test_risks_beyond_one_and_ninety_nine_per_cent_count_as_these():
    np.testing.assert_array_equal(log_odds(np.array([0.0, 1e-9, 1.0])), log_odds(np.array([0.01, 0.01, 0.99])))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_far_log_odds_are_sure_risks_without_overflow(dtype):
    with np.errstate(all="raise", under="ignore"):
        risks = sigmoid(np.array([-1e6, 0, 1e6], dtype=dtype))
    assert risks.dtype == dtype
    np.testing.assert_allclose(risks, [0, 0.5, 1], atol=1e-30)


def test_a_pool_is_the_normalised_weighted_geometric_mean():
    other = RISKS[::-1]
    risky, harmless = RISKS**0.3 * other**0.7, (1 - RISKS) ** 0.3 * (1 - other) ** 0.7
    np.testing.assert_allclose(pooled_risk([RISKS, other], [0.3, 0.7]), risky / (risky + harmless), rtol=1e-12)


def test_families_that_agree_are_believed_as_they_are():
    np.testing.assert_allclose(pooled_risk([RISKS, RISKS, RISKS], [0.2, 0.3, 0.5]), RISKS, rtol=1e-12)


def test_a_family_without_a_share_says_nothing():
    broken = np.full(len(RISKS), 0.77)
    expected = pooled_risk([RISKS, RISKS[::-1]], [0.4, 0.6])
    np.testing.assert_array_equal(pooled_risk([RISKS, broken, RISKS[::-1]], [0.4, 0.0, 0.6]), expected)


@pytest.mark.parametrize("share", [1.0, 0.57 / (1 - 0.43)])
def test_a_single_risk_is_left_as_it_is_even_where_a_pool_would_cut_it_off(share):
    """Shares that are divided by what others leave over need not be 1 to the last bit."""
    sure = np.array([0.0, 1e-7, 0.004, 1.0])
    np.testing.assert_array_equal(pooled_risk([np.full(4, 0.5), sure], [0.0, share]), sure)


def test_a_pool_ranks_players_as_a_rise_in_any_family_says():
    low, high = pooled_risk([np.array([0.2, 0.3]), np.array([0.6, 0.6])], [0.1, 0.9])
    assert low < high


@pytest.mark.parametrize(
    ("slope", "curve", "points"),
    [(slope_of_log_odds, log_odds, RISKS), (slope_of_sigmoid, sigmoid, np.array([-30.0, -2, 0, 0.4, 5]))],
)
def test_a_slope_carries_a_difference_over_exactly(slope, curve, points):
    for start in points:
        carried = slope(np.array([start]), points) * (points - start)
        np.testing.assert_allclose(carried, curve(points) - curve(np.array([start])), atol=1e-12)


@pytest.mark.parametrize(
    ("slope", "curve", "at"), [(slope_of_log_odds, log_odds, 0.3), (slope_of_sigmoid, sigmoid, -1.2)]
)
def test_between_equal_players_a_slope_is_the_derivative(slope, curve, at):
    step = 1e-4
    wanted = (curve(np.array([at + step])) - curve(np.array([at - step]))) / (2 * step)
    for near in (at, at + 1e-12):
        np.testing.assert_allclose(slope(np.array([at]), np.array([near])), wanted, rtol=1e-5)


def test_where_risks_are_cut_off_nothing_changes():
    below = np.array([LEAST_RISK / 4, LEAST_RISK / 2])
    np.testing.assert_array_equal(slope_of_log_odds(below[:1], below), [0, 0])
    np.testing.assert_array_equal(pooled_log_odds([below], [1.0]), log_odds(np.array([LEAST_RISK] * 2)))
