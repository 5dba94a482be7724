import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scarcegan.features import extract as extract_module
from scarcegan.features.catalogue import columns
from scarcegan.features.extract import extract
from scarcegan.features.telemetry import to_block
from scarcegan.problems import DataProblem
from scarcegan.settings.data_sections import RoleNames

CUTOFF = "2023-03-03"
ROLES = RoleNames(activity="bets", loss="losses", night="nights", intensity="losses", deposit="nights", win="losses")
RANGES = {"0 to 1": (0, 1), "-1 to 1": (-1, 1)}


def test_nothing_after_the_cutoff_leaks(long_form):
    frame = long_form(40, 90)
    late = frame["date"] >= CUTOFF
    moved = frame.assign(
        bets=frame["bets"].mask(late, frame["bets"] * 50 + 7),
        losses=frame["losses"].mask(late, 0),
        date=frame["date"].mask(late, frame["date"] + pd.Timedelta(days=400)),
    )
    before, after = (extract(to_block(table, CUTOFF, 60), ROLES) for table in (frame, moved))
    assert before.names == after.names
    np.testing.assert_array_equal(before.features, after.features)
    np.testing.assert_array_equal(before.features, extract(to_block(frame[~late], CUTOFF, 60), ROLES).features)


def test_the_last_day_before_the_cutoff_is_seen(long_form):
    frame = long_form(40, 60)
    raised = frame.assign(bets=frame["bets"].mask(frame["date"] == "2023-03-02", 99))
    before, after = (extract(to_block(table, CUTOFF, 60)) for table in (frame, raised))
    assert (before.features != after.features).any(axis=1).mean() > 0.5


def _odd_players(days):
    one_day = np.zeros((4, days, 3))
    one_day[0, 0], one_day[1, -1], one_day[2, days // 2, 0] = 1, 1e15, 1
    alternating = np.zeros((1, days, 3))
    alternating[:, ::2] = 3
    return np.concatenate([one_day, alternating, np.ones((1, days, 3)), np.full((1, days, 3), 1e15)])


@pytest.mark.parametrize("days", [14, 15, 60, 90, 365])
def test_odd_players_get_finite_features_within_their_range(days, block):
    telemetry = block(_odd_players(days), ("bets", "losses", "nights"))
    table = extract(telemetry, ROLES)
    assert np.isfinite(table.features).all()
    _assert_in_range(table, telemetry)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), days=st.integers(14, 100), share=st.floats(0, 1))
def test_any_series_gives_finite_features_within_their_range(seed, days, share, block):
    rng = np.random.default_rng(seed)
    counters = rng.lognormal(0, 4, (6, days, 3)) * (rng.random((6, days, 3)) < share)
    observed = rng.random(days) < 0.9
    observed[:14] = True
    counters[:, ~observed] = 0
    telemetry = block(counters, ("bets", "losses", "nights"), observed)
    table = extract(telemetry, ROLES)
    assert np.isfinite(table.features).all()
    _assert_in_range(table, telemetry)


def _assert_in_range(table, telemetry):
    for values, (name, feature) in zip(table.features.T, columns(telemetry.names, ROLES).items(), strict=True):
        low, high = RANGES.get(feature.unit, (-np.inf, np.inf))
        assert values.min() >= low - 1e-4, name
        assert values.max() <= high + 1e-4, name


def test_a_player_does_not_depend_on_the_others(monkeypatch, long_form):
    telemetry = to_block(long_form(50, 60), CUTOFF, 60)
    monkeypatch.setattr(extract_module, "CHUNK_PLAYERS", 7)
    chunked = extract(telemetry, ROLES)
    monkeypatch.undo()
    np.testing.assert_array_equal(chunked.features, extract(telemetry, ROLES).features)


def test_missing_days_have_the_counts_of_their_weekday_in_the_nearest_week(block):
    series = np.full((1, 63), 2.0)
    observed = np.ones(63, bool)
    observed[20:25] = False
    series[:, 20:25] = 0
    table = extract(block(series, observed=observed))
    row = dict(zip(table.names, table.features[0], strict=True))
    assert row["bets_level"] == pytest.approx(2)
    assert row["bets_active_share"] == 1
    assert row["bets_gap_longest_days"] == 1
    assert row["bets_streak_longest_days"] == 63
    assert row["bets_residual_spread"] == 0


def test_no_players_give_no_rows(block):
    assert extract(block(np.zeros((0, 60)))).features.shape == (0, len(columns(("bets",), RoleNames())))


def test_a_role_must_name_a_counter(block):
    with pytest.raises(DataProblem, match=r"roles to name counters \['bets'\], got {'loss': 'losses'}"):
        extract(block(np.zeros((1, 60))), RoleNames(loss="losses"))
