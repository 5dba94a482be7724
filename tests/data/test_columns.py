import numpy as np
import pytest

from scarcegan.data.columns import LEVELS, Column, bin_shares, describe, merge

NAMES = ("mean", "std", "low", "high", "zero_share")


def test_a_description_agrees_with_numpy(skewed):
    features = skewed(1_009)
    for column, found in zip(features.T.astype(float), describe(features), strict=True):
        expected = (column.mean(), column.std(), column.min(), column.max(), (column == 0).mean())
        assert [getattr(found, name) for name in NAMES] == pytest.approx(expected)
        quantiles = np.quantile(column, LEVELS, method="inverted_cdf")
        np.testing.assert_allclose(found.quantiles, quantiles, rtol=1e-6)
        assert found.median == found.quantiles[25]


def test_parts_together_tell_what_the_whole_tells(skewed):
    features = skewed(30_000)
    parts = np.split(features, [3_000, 4_000, 20_000])
    described = zip(*map(describe, parts), strict=True)
    merged = [merge(columns, [len(part) for part in parts]) for columns in described]
    for column, whole, found in zip(features.T, describe(features), merged, strict=True):
        for name in NAMES:
            assert getattr(found, name) == pytest.approx(getattr(whole, name), rel=1e-6), name
        assert (found.quantiles[0], found.quantiles[-1]) == (whole.quantiles[0], whole.quantiles[-1])
        below, reached = (np.searchsorted(np.sort(column), found.quantiles, side) for side in ("left", "right"))
        assert (below / len(column) <= LEVELS + 0.015).all()
        assert (reached / len(column) >= LEVELS - 0.015).all()


def test_a_description_is_plain_data_and_back(skewed):
    [column, *_] = describe(skewed(100))
    assert Column.from_plain(column.to_plain()) == column


def test_bins_hold_everybody_and_a_value_on_an_edge_counts_below_it():
    assert bin_shares(np.array([0, 1, 1, 2, 9.0]), np.array([1, 2])).tolist() == pytest.approx([0.6, 0.2, 0.2])
