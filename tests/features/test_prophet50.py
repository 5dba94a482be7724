import numpy as np
import pytest

from scarcegan.features.prophet50 import PERIOD_FEATURES, TREND_FEATURES, extract_prophet50


@pytest.fixture(scope="module")
def columns(block):
    """Return a function from series of bets to a dictionary of columns, one array [players] each."""

    def compute(series):
        table = extract_prophet50(block(series))
        return {name.removeprefix("bets_"): table.features[:, place] for place, name in enumerate(table.names)}

    return compute


def test_five_counters_give_the_published_fifty_columns(block):
    counters = np.random.default_rng(1).poisson(2, (700, 90, 5)).astype(float)
    counters[0], counters[1, 1:], counters[2] = 0, 0, 3
    table = extract_prophet50(block(counters, tuple("abcde")))
    assert table.features.shape == (700, 50)
    assert np.isfinite(table.features).all()
    assert table.names[:4] == ("a_period_1", "a_period_2", "a_period_3", "b_period_1")
    assert table.names[15:17] == ("a_m", "a_k")
    assert (table.features[0] == 0).all()
    assert all(feature.formula and feature.unit and feature.why for feature in PERIOD_FEATURES + TREND_FEATURES)


def test_columns_stand_under_their_own_counter(block):
    counters = np.random.default_rng(2).poisson(2, (20, 60, 3))
    table = extract_prophet50(block(counters, ("a", "b", "c")))
    for place, name in enumerate("abc"):
        alone = extract_prophet50(block(counters[:, :, [place]], (name,)))
        chosen = [table.names.index(column) for column in alone.names]
        np.testing.assert_allclose(table.features[:, chosen], alone.features, rtol=1e-3, atol=1e-4)


def test_periods_come_strongest_first(columns):
    days = np.arange(84)
    waves = 10 + 5 * np.cos(2 * np.pi * days / 6) + 2 * np.cos(2 * np.pi * days / 4)
    found = columns(waves[None])
    assert (found["period_1"], found["period_2"]) == (6, 4)


def test_offset_and_slope_are_shares_of_the_players_own_largest_day(columns):
    days = np.arange(90)
    found = columns(np.stack([20 + days, 20 * (20 + days), np.full(90, 7)]).astype(float))
    np.testing.assert_allclose(found["m"][:2], 20 / 109, atol=0.03)
    np.testing.assert_allclose(found["k"][:2], 90 / 109, atol=0.2)
    assert found["m"][2] == pytest.approx(1, abs=0.01)
    assert found["k"][2] == pytest.approx(0, abs=0.01)


def test_a_rise_after_a_flat_start_shows_in_the_growth(columns):
    days = np.arange(90)
    found = columns(np.stack([5 + np.maximum(days - 45, 0), 5 + np.minimum(days, 45)]).astype(float))
    assert found["growth_mean"][0] > 0.2
    assert found["growth_mean"][1] < -0.2
    assert found["delta_mean"][0] == pytest.approx(-found["delta_mean"][1], abs=0.1)
    assert (found["changepoint_gap_mean"] > 0).all()
