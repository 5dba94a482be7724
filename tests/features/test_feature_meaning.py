"""Each family against a series whose answer is known, or against a plain loop over days."""

from itertools import takewhile

import numpy as np
import pytest

from scarcegan.features.extract import extract
from scarcegan.settings.data_sections import RoleNames


@pytest.fixture(scope="module")
def features(block):
    """Return a function from series to a dictionary of features, one array [players] each."""

    def compute(series, names=("bets",), roles=None, observed=None):
        table = extract(block(series, names, observed), roles)
        return {name: table.features[:, place] for place, name in enumerate(table.names)}

    return compute


def _by_loop(series):
    """Recency, tenure, gaps and streaks as one would count them by hand."""
    weeks = [any(series[start : start + 7]) for start in range(0, len(series), 7)]
    quiet, keeping = list(takewhile(lambda played: not played, weeks[::-1])), list(takewhile(bool, weeks[::-1]))
    active = [day for day, count in enumerate(series) if count > 0]
    gaps = np.diff(active) if len(active) > 1 else np.zeros(1)
    streak = longest = 0
    for count in series:
        streak = streak + 1 if count > 0 else 0
        longest = max(longest, streak)
    size = gaps.std() + gaps.mean()
    return {
        "active_share": len(active) / len(series),
        "recency_days": 7 * len(quiet),
        "tenure_days": len(series) - active[0] // 7 * 7 if active else 0,
        "gap_mean_days": gaps.mean(),
        "gap_longest_days": gaps.max(),
        "burstiness": (gaps.std() - gaps.mean()) / size if size else 0,
        "streak_longest_days": longest,
        "streak_now_weeks": len(keeping),
    }


def test_gaps_and_streaks_agree_with_counting_by_hand(features):
    rng = np.random.default_rng(3)
    series = (rng.random((60, 42)) < rng.random((60, 1)) ** 3) * rng.integers(1, 9, (60, 42))
    series[:3] = 0
    series[1, 0] = series[2, -1] = 1
    found = features(series)
    for player, days in enumerate(series):
        for name, value in _by_loop(days).items():
            assert found[f"bets_{name}"][player] == pytest.approx(value, abs=1e-3), name


def test_levels_and_concentration_agree_with_numpy(features):
    series = np.random.default_rng(4).poisson(2, (30, 42)).astype(float)
    series[:9, :12] = 0
    late, early = series[:, 28:].mean(axis=1), series[:, :28].mean(axis=1)
    found = features(series)
    ordered = np.sort(series, axis=1)
    gini = np.abs(series[:, :, None] - series[:, None]).mean(axis=(1, 2)) / 2 / series.mean(axis=1)
    expected = {
        "level": series.mean(axis=1),
        "level_active": series.sum(axis=1) / (series > 0).sum(axis=1),
        "level_since_first": series.sum(axis=1) / (42 - (series > 0).argmax(axis=1) // 7 * 7),
        "level_last_week": series[:, -7:].mean(axis=1),
        "level_recent": np.average(series, axis=1, weights=0.5 ** np.repeat(np.arange(6)[::-1], 7)),
        "acceleration": (late - early) / (late + early),
        "spread": series.std(axis=1),
        "dispersion": series.var(axis=1) / series.mean(axis=1),
        "peak": series.max(axis=1),
        "top3_share": ordered[:, -3:].sum(axis=1) / series.sum(axis=1),
        "gini": gini,
    }
    for name, value in expected.items():
        np.testing.assert_allclose(found[f"bets_{name}"], value, rtol=1e-4, err_msg=name)


def test_a_weekly_habit_shows_strength_and_period(features):
    weekday = np.arange(70) % 7
    rng = np.random.default_rng(5)
    noise = rng.poisson(3, (3, 70))
    found = features(np.stack([noise[0], noise[1] + 12 * (weekday == 0), noise[2] + 12 * (weekday == 2)]))
    assert found["bets_weekly_strength"][0] < 0.15 < 0.3 < found["bets_weekly_strength"][1:].min()
    assert found["bets_period_1_days"][1:].round(1).tolist() in ([7, 7], [3.5, 7], [7, 3.5], [3.5, 3.5])
    assert found["bets_weekly_strength"][1] == pytest.approx(found["bets_weekly_strength"][2], rel=0.3)


@pytest.mark.parametrize("period", [4, 7, 14])
def test_the_strongest_period_is_found_across_missing_days(period, features):
    days = np.arange(84)
    series = 10 + 8 * np.cos(2 * np.pi * days / period)
    observed = np.ones(84, bool)
    observed[30:33] = False
    found = features(np.where(observed, series, 0)[None], observed=observed)
    assert found["bets_period_1_days"] == period
    assert found["bets_period_1_share"] > 0.5
    assert found["bets_spectral_entropy"] < 0.6


def test_a_break_of_trend_is_dated(features):
    days = np.arange(91)
    series = np.expm1(1 + 0.08 * np.maximum(days - 49, 0))
    found = features(np.stack([series, np.full(91, series[0])]))
    assert found["bets_change_age_days"][0] == pytest.approx(41, abs=8)
    assert found["bets_change_largest"][0] > 1
    assert found["bets_trend"][0] == pytest.approx(0.08 * (41 - 3), rel=0.1)  # to the middle of the last week
    assert found["bets_slope_end"][0] > 4
    for name in ("trend", "change_age_days", "outlier_largest", "period_1_share", "weekly_strength"):
        assert found[f"bets_{name}"][1] == pytest.approx(0, abs=1e-3), f"{name} of a constant series"


def test_days_beyond_the_players_own_band_are_counted(features):
    series = np.random.default_rng(6).poisson(20, (1, 63))
    series[0, [15, 49]] = 300
    found = features(series)
    assert found["bets_outlier_days"] == 2
    assert found["bets_outlier_recency_days"] == 7
    assert found["bets_outlier_largest"] > 3


@pytest.mark.parametrize(("lag", "other"), [(1, 7), (7, 1)])
def test_days_that_repeat_shocks_at_a_lag_show_as_memory_at_that_lag_alone(features, lag, other):
    rng = np.random.default_rng(7)
    shocks = rng.normal(size=(40, 400))
    for day in range(lag, 400):
        shocks[:, day] += 0.7 * shocks[:, day - lag]
    found, noise = features(np.exp(3 + shocks / 2)), features(rng.poisson(9, (40, 400)))
    assert found[f"bets_autocorrelation_{lag}"].mean() == pytest.approx(0.65, abs=0.1)
    assert abs(found[f"bets_autocorrelation_{other}"].mean()) < 0.1
    assert abs(noise[f"bets_autocorrelation_{lag}"].mean()) < 0.08


def test_chasing_tells_players_who_play_on_after_losses(features):
    rng = np.random.default_rng(8)
    losses = rng.gamma(1, 20, (60, 90))
    calm = rng.poisson(5, (60, 90))
    chasing = calm.copy()
    chasing[:30, 1:] += (losses[:30, :-1] / 4).astype(int)
    found = features(np.stack([chasing, losses], axis=2), ("bets", "losses"), RoleNames(loss="losses"))
    for name in ("chasing_lift", "chasing_correlation", "chasing_after_worst"):
        assert np.median(found[name][:30]) > np.percentile(found[name][30:], 90), name


def test_without_a_loss_counter_days_without_a_win_stand_for_losses(features):
    bets = np.full((1, 60), 2.0)
    wins = np.ones((1, 60))
    wins[0, [10, 30]] = 0
    bets[0, [11, 31]] = 20
    found = features(np.stack([bets, wins], axis=2), ("bets", "wins"), RoleNames(win="wins"))
    assert found["chasing_lift"] == pytest.approx(np.log(21) - np.log(3), rel=1e-4)
    assert found["chasing_correlation"] == pytest.approx(1, abs=0.01)


def test_night_play_is_a_share_of_the_days_played(features):
    bets, nights = np.zeros((2, 84)), np.zeros((2, 84))
    bets[:, ::2] = 4
    nights[0, ::4] = 30
    nights[1, 56::2] = 30
    found = features(np.stack([bets, nights], axis=2), ("bets", "nights"), RoleNames(night="nights"))
    np.testing.assert_allclose(found["night_days_share"], [0.5, 14 / 42], rtol=1e-5)
    np.testing.assert_allclose(found["night_days_share_change"], [0, 2 / 3], atol=1e-6)


def test_escalation_rises_week_by_week(features):
    rising = np.repeat(np.arange(1, 9), 7)
    found = features(np.stack([rising, rising[::-1], np.ones(56)]))
    np.testing.assert_allclose(found["escalation_rise_share"], [1, 0, 0])
    np.testing.assert_allclose(found["escalation_record"], [1 / 15, -7 / 9, 0], atol=1e-6)
    np.testing.assert_allclose(found["escalation_last_week"], [4 / 12, -4 / 6, 0], atol=1e-6)
    np.testing.assert_allclose(found["bets_acceleration"] > 0.1, [True, False, False])


def test_intensity_follows_the_amount_per_round_not_the_rounds(features):
    days = np.arange(60)
    rounds = np.random.default_rng(9).poisson(2, (2, 60))
    stakes = np.stack([rounds[0] * np.exp(1 + days / 60), rounds[1] * 3.0])
    found = features(np.stack([rounds, stakes], axis=2), ("rounds", "stakes"), RoleNames(intensity="stakes"))
    np.testing.assert_allclose(found["intensity_slope"], [0.8, 0], atol=0.1)


def test_deposits_that_follow_each_other_and_losses(features):
    paid, lost = np.zeros((2, 63)), np.zeros((2, 63))
    paid[0, [5, 6, 7, 20]], paid[1, ::6] = 50, 50
    lost[0] = paid[0] * 2
    series = np.stack([np.ones((2, 63)), paid, lost], axis=2)
    found = features(series, ("bets", "paid", "lost"), RoleNames(deposit="paid", loss="lost"))
    np.testing.assert_allclose(found["deposit_again_share"], [0.5, 0])
    np.testing.assert_allclose(found["deposit_with_loss"], [1, 0], atol=0.01)


def test_comovement_is_the_correlation_of_logs(features):
    rng = np.random.default_rng(10)
    counters = rng.poisson(3, (5, 63, 2))
    found = features(counters, ("a", "b"))
    logs = np.log1p(counters)
    expected = [np.corrcoef(player.T)[0, 1] for player in logs]
    np.testing.assert_allclose(found["b_comovement"], expected, atol=1e-5)
