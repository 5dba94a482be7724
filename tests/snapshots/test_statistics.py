import numpy as np
import pytest
from snapshot_samples import features_of, publish

from scarcegan.snapshots.drift import drift
from scarcegan.snapshots.statistics import LEVELS, describe, merge


def skewed(rows, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([rng.gamma(1, 5, rows), rng.poisson(0.3, rows), np.full(rows, 7.0)], axis=1).astype(np.float32)


def test_parts_together_tell_what_the_whole_tells():
    features = skewed(30_000)
    cuts = np.split(features, [3_000, 4_000, 20_000])
    whole, merged = describe(features), merge([describe(part) for part in cuts])
    assert merged.players == 30_000
    for name in ("mean", "std", "low", "high", "zero_share"):
        np.testing.assert_allclose(getattr(merged, name), getattr(whole, name), rtol=1e-6, err_msg=name)
    ranks = np.searchsorted(np.sort(features[:, 0]), merged.quantiles[0]) / len(features)
    np.testing.assert_allclose(ranks, LEVELS, atol=0.015)
    np.testing.assert_array_equal(merged.quantiles[2], 7)
    np.testing.assert_array_equal(merged.quantiles[:, [0, -1]], whole.quantiles[:, [0, -1]])


def test_statistics_agree_with_numpy():
    features = skewed(1_000)
    found = describe(features)
    np.testing.assert_allclose(found.mean, features.mean(axis=0, dtype=np.float64))
    np.testing.assert_allclose(found.std, features.std(axis=0, dtype=np.float64))
    np.testing.assert_allclose(found.zero_share, (features == 0).mean(axis=0))
    assert found.quantiles[0][25] == pytest.approx(np.median(features[:, 0]), rel=0.01)
    assert set(found.column(0)) == {"mean", "std", "low", "high", "zero_share", "quantiles"}


def test_the_same_players_have_not_drifted(store):
    before = publish(store, "a", cutoff="2026-01-01", players=2_000)
    now = publish(store, "b", cutoff="2026-02-01", players=2_000, shards=4)
    assert all(row["psi"] < 0.02 and row["ks"] <= 0.041 for row in drift(before, now))


def test_a_moved_feature_comes_first_with_its_medians(store, monkeypatch):
    import snapshot_samples

    before = publish(store, "a", cutoff="2026-01-01", players=2_000)
    moved = features_of(2_000, seed=1)
    moved[:, 1] *= 2
    monkeypatch.setattr(snapshot_samples, "features_of", lambda players, seed: moved)
    first, *others = drift(before, publish(store, "b", cutoff="2026-02-01", players=2_000))
    assert first["feature"] == "bets_active_share"
    assert first["psi"] > 0.25
    assert 0.25 < first["ks"] < 0.45
    assert first["median_now"] == pytest.approx(2 * first["median_before"], rel=0.1)
    assert all(row["psi"] < 0.1 for row in others)


def test_rounding_of_a_value_that_many_share_is_no_drift(store, monkeypatch):
    import snapshot_samples

    nearly = np.float32(0.9999999)
    for name, value, cutoff in (("a", nearly, "2026-01-01"), ("b", np.float32(1), "2026-02-01")):
        same = features_of(500)
        same[:450, 0] = value
        monkeypatch.setattr(snapshot_samples, "features_of", lambda players, seed, same=same: same)
        publish(store, name, cutoff=cutoff, players=500)
    assert drift(store.describe("a"), store.describe("b"))[0]["psi"] < 0.01
