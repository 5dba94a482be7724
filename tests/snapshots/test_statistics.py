import numpy as np
import pytest

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
