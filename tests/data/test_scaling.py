import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm

from scarcegan.data.scaling import Scaler, fit_scaler
from scarcegan.problems import DataProblem
from scarcegan.settings import Scaling

KINDS = ("quantile_normal", "log_minmax")
values = st.floats(-(2.0**100), 2.0**100, width=32)
counters = st.integers(-5, 5).map(np.float32)
columns = arrays(np.float32, st.integers(1, 60), elements=st.one_of(values, counters))


def players_by_features(rows=5_000, features=3, seed=0):
    return np.random.default_rng(seed).gamma(0.5, 100, (rows, features)).astype(np.float32)


@pytest.mark.parametrize("kind", KINDS)
@given(column=columns, new=columns)
def test_a_larger_value_never_gets_a_smaller_score(kind, column, new):
    scaler = fit_scaler(column[:, None], Scaling(kind=kind))
    seen = np.sort(np.concatenate([column, new]))[:, None]
    scaled = scaler.apply(seen)
    assert scaled.dtype == np.float32
    assert np.isfinite(scaled).all()
    # Interpolation towards a knot whose value is 0 may end a rounding error beyond it, at 5e-17.
    assert (np.diff(scaled[:, 0]) >= -1e-15).all()
    low, high = (-3, 3) if kind == "quantile_normal" else (0, 1)
    assert scaled.min() >= low
    assert scaled.max() <= high
    with np.errstate(over="ignore"):
        assert (np.diff(scaler.knots, axis=1) > 0).all()


def test_quantile_normal_of_a_continuous_feature_is_normal():
    raw = players_by_features()
    scaled = fit_scaler(raw, Scaling()).apply(raw)
    rank = (np.argsort(np.argsort(raw[:, 0])) + 0.5) / len(raw)
    exact = np.clip(norm.ppf(rank), -3, 3)
    assert np.abs(scaled[:, 0] - exact).max() < 2 * 6 / 127
    assert scaled.std(axis=0) == pytest.approx(1, abs=0.02)


def test_a_tied_value_gets_the_mean_normal_score_of_its_ranks():
    raw = np.array([0.0] * 700 + [1.0] * 200 + [5.0] * 100)[:, None]
    scores = norm.ppf((np.arange(100_000) + 0.5) / 100_000)
    expected = [scores[:70_000].mean(), scores[70_000:90_000].mean(), scores[90_000:].mean()]
    scaled = fit_scaler(raw, Scaling()).apply(np.array([[0.0], [1.0], [5.0]]))
    assert scaled[:, 0] == pytest.approx(expected, abs=1e-3)


def test_log_minmax_by_hand():
    raw = np.array([[-3.0], [0.0], [15.0]])
    scaled = fit_scaler(raw, Scaling(kind="log_minmax")).apply(raw)
    # logs: -ln 4, 0, ln 16 = -2, 0, 4 in units of ln 2
    assert scaled[:, 0] == pytest.approx([0, 1 / 3, 1], abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_new_extreme_values_are_clipped_to_those_of_the_training_rows(kind):
    raw = players_by_features()
    scaler = fit_scaler(raw, Scaling(kind=kind))
    inside = scaler.apply(np.stack([raw.min(axis=0), raw.max(axis=0)]))
    outside = scaler.apply(np.array([[-1e30] * 3, [1e30] * 3], dtype=np.float32))
    np.testing.assert_array_equal(inside, outside)


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_training_rows_are_read(kind):
    raw = players_by_features()
    train = np.arange(0, 5_000, 3)
    others = np.setdiff1d(np.arange(5_000), train)
    fitted = fit_scaler(raw, Scaling(kind=kind), train)
    changed = raw.copy()
    changed[others] = 1e9
    again = fit_scaler(changed, Scaling(kind=kind), train)
    of_copy = fit_scaler(raw[train], Scaling(kind=kind))
    for other in (again, of_copy):
        np.testing.assert_array_equal(fitted.knots, other.knots)
        np.testing.assert_array_equal(fitted.values, other.values)


@pytest.mark.parametrize("kind", KINDS)
def test_a_feature_constant_in_the_training_rows_scales_to_one_value(kind):
    scaled = fit_scaler(np.full((50, 1), 7.0), Scaling(kind=kind)).apply(np.array([[-9.0], [7.0], [99.0]]))
    np.testing.assert_allclose(scaled, 0, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_scaler_survives_its_plain_arrays(kind):
    raw = players_by_features()
    scaler = fit_scaler(raw, Scaling(kind=kind))
    plain = scaler.to_plain()
    assert plain["kind"] == kind
    assert plain["knots"].dtype == plain["values"].dtype == np.float32
    assert plain["knots"].shape == plain["values"].shape
    np.testing.assert_array_equal(Scaler.from_plain(plain).apply(raw), scaler.apply(raw))


def test_rows_are_scaled_as_their_copy_is_across_blocks():
    raw = players_by_features(rows=150_000, features=2)
    scaler = fit_scaler(raw, Scaling())
    rows = np.random.default_rng(1).permutation(150_000)[:100_000]
    np.testing.assert_array_equal(scaler.apply(raw, rows), scaler.apply(raw)[rows])


def test_rows_may_be_scaled_over_the_raw_features():
    raw = players_by_features(rows=150_000, features=2)
    scaler = fit_scaler(raw, Scaling())
    rows = np.flatnonzero(np.arange(150_000) % 3)
    expected = scaler.apply(raw, rows)
    scaled = scaler.apply(raw, rows, out=raw)
    np.testing.assert_array_equal(scaled, expected)
    assert scaled.base is raw


def test_another_number_of_features_is_refused():
    scaler = fit_scaler(players_by_features(features=3), Scaling())
    with pytest.raises(DataProblem, match=r"expected an array \[players, 3 features\], got \[5000, 2\]"):
        scaler.apply(players_by_features(features=2))


def test_200_000_players_by_130_features_fit_in_seconds():
    raw = np.random.default_rng(0).random((200_000, 130), dtype=np.float32)
    start = time.process_time()
    fit_scaler(raw, Scaling())
    assert time.process_time() - start < 4


@pytest.fixture
def gaps():
    """Players who lack the first feature more often the higher it is, and the third one at random."""
    raw = players_by_features()
    raw[np.random.default_rng(1).random(5_000) < raw[:, 0] / 500, 0] = np.nan
    raw[::7, 2] = np.nan
    return raw


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_value_becomes_the_median_and_an_indicator(gaps, kind):
    scaler = fit_scaler(gaps, Scaling(kind=kind))
    assert (scaler.indicators, scaler.width) == ((0, 2), 5)
    np.testing.assert_allclose(scaler.fill, np.nanmedian(gaps, axis=0), rtol=1e-2)
    filled = np.where(np.isnan(gaps), scaler.fill, gaps)
    scaled = scaler.apply(gaps)
    np.testing.assert_array_equal(scaled[:, :3], scaler.apply(filled)[:, :3])
    np.testing.assert_array_equal(scaled[:, 3:], np.isnan(gaps[:, [0, 2]]))


@pytest.mark.parametrize("kind", KINDS)
def test_values_that_are_there_are_scaled_as_if_the_others_did_not_exist(gaps, kind):
    alone = gaps[~np.isnan(gaps[:, 0])][:, :1]
    scaled = fit_scaler(gaps, Scaling(kind=kind)).apply(gaps)[~np.isnan(gaps[:, 0]), 0]
    np.testing.assert_array_equal(scaled, fit_scaler(alone, Scaling(kind=kind)).apply(alone)[:, 0])


@pytest.mark.parametrize("kind", KINDS)
def test_a_feature_that_training_never_lacked_is_filled_without_indicator(kind):
    raw = players_by_features()
    scaler = fit_scaler(raw, Scaling(kind=kind))
    assert scaler.width == 3
    later = raw[:2].copy()
    later[0, 1] = np.nan
    np.testing.assert_array_equal(scaler.apply(later)[0, 1], scaler.apply(scaler.fill[None, :])[0, 1])


@pytest.mark.parametrize("kind", KINDS)
def test_a_feature_that_a_fold_lacks_altogether_counts_as_constant(gaps, kind):
    gaps[:, 1] = np.nan
    gaps[:2, 1] = 1, 2
    scaler = fit_scaler(gaps, Scaling(kind=kind), np.arange(2, 5_000))
    assert np.isfinite(scaler.knots).all()
    assert np.isfinite(scaler.apply(gaps)).all()
    assert set(scaler.apply(gaps)[2:, 1].tolist()) == {0}


def test_rows_that_become_wider_are_not_written_over_the_raw_features(gaps):
    scaler = fit_scaler(gaps, Scaling())
    rows = np.arange(100, 5_000)
    np.testing.assert_array_equal(scaler.apply(gaps, rows, out=gaps.copy()), scaler.apply(gaps)[rows])


def test_a_scaler_of_a_time_before_fills_is_still_read():
    plain = {"kind": "log_minmax", "knots": np.float32([[0, 1]]), "values": np.float32([[0, 1]])}
    scaler = Scaler.from_plain(plain)
    assert (scaler.fill, scaler.width) == (None, 1)
    assert np.isnan(scaler.apply(np.array([[np.nan]]))).all()
