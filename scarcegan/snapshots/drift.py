"""How far each feature has moved between two snapshots, from their manifests alone."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from scarcegan.snapshots.manifest import Manifest
from scarcegan.snapshots.statistics import rank_mass

BINS = 10
# An empty bin would make the index infinite; this share is below what 51 quantiles can tell.
LEAST_SHARE = 1e-3
TOLERANCE = 1e-5
# The usual reading of the index: below 0.1 stable, above 0.25 another distribution.
MODERATE, STRONG = 0.1, 0.25


def drift(before: Manifest, now: Manifest) -> list[dict[str, Any]]:
    """Compare the features of two snapshots with the same columns.

    Returns:
        Plain dicts, the most moved feature first: feature, psi (population stability index over the earlier
        snapshot's deciles), ks (largest distance of the two distribution functions, resolved to 2 %), median
        before and now.
    """
    rows = [{"feature": name, **_moved(before.statistics[name], now.statistics[name])} for name in now.frame.columns]
    return sorted(rows, key=lambda row: -row["psi"])


def _moved(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, float]:
    old, new = (np.asarray(one["quantiles"]) for one in (before, now))
    middle = len(old) // 2
    # The most a decile can be: values tied across deciles share a bin.
    edges = np.unique(old[np.linspace(0, len(old) - 1, BINS + 1).round().astype(int)][1:-1])
    expected, actual = (np.maximum(np.diff(_below(one, edges), prepend=0, append=1), LEAST_SHARE) for one in (old, new))
    everywhere = np.union1d(old, new)
    return {
        "psi": float(np.sum((actual - expected) * np.log(actual / expected))),
        "ks": float(np.abs(_below(old, everywhere) - _below(new, everywhere)).max()),
        "median_before": float(old[middle]),
        "median_now": float(new[middle]),
    }


def _below(quantiles: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the share of players at or below each value.

    Many players share one value (all play on one day); rounding must not move them across an edge.
    """
    reached = np.concatenate([[0.0], np.cumsum(rank_mass())])
    return reached[np.searchsorted(quantiles, values + TOLERANCE * np.abs(values), side="right")]
