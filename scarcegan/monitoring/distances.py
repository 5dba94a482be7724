"""How far one feature's distribution lies from another's: PSI and the largest distance of distribution functions."""

from collections.abc import Mapping
from typing import Any

import numpy as np

# The population stability index is taken over the earlier snapshot's deciles, as everybody's is.
BINS = 10
# Distribution functions are compared at this many quantiles of either side: the distance is known to 0.5 %.
GRID = 200
# An empty bin would make the index infinite; this share is below what 51 quantiles can tell.
LEAST_SHARE = 1e-3
# A manifest's quantiles are rounded to seven digits.
ROUNDED = 1e-5
_COLUMNS = 16  # copied at once out of a row-major table, whose columns are slow to read one by one


def column_distances(before: np.ndarray, now: np.ndarray) -> dict[str, np.ndarray]:
    """Compare the columns of two tables of players.

    Args:
        before: float array [n, F]; NaN where a value is missing.
        now: float array [m, F].

    Returns:
        Float arrays [F]: psi, ks, missing_before, missing_now, median_before, median_now.
    """
    rows = []
    for start in range(0, before.shape[1], _COLUMNS):
        pairs = zip(*(_sorted_columns(one[:, start : start + _COLUMNS]) for one in (before, now)), strict=True)
        rows += [{**distances(old, new), **_missing(old, before, "before"), **_missing(new, now, "now")}
                 for old, new in pairs]  # fmt: skip
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def quantile_drift(
    before: Mapping[str, Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Compare the features of two snapshots from what their manifests tell, without reading a row.

    Args:
        before: column -> statistics with `quantiles` at evenly spaced ranks, both ends included.
        now: the same columns.

    Returns:
        Plain dicts, the most moved feature first: name, psi, ks (resolved to 2 %), median_before, median_now.
    """
    rows = [
        {"name": name, **distances(*(_as_rows(one[name]["quantiles"]) for one in (before, now)), tolerance=ROUNDED)}
        for name in now
    ]
    return sorted(rows, key=lambda row: -row["psi"])


def distances(before: np.ndarray, now: np.ndarray, *, tolerance: float = 0.0) -> dict[str, float]:
    """Compare two samples of one feature.

    Args:
        before: float array, ascending, without missing values.
        now: the same.
        tolerance: relative rounding of the values; many players share one, it must not move them across an edge.

    Returns:
        psi: sum over the earlier deciles of (q - p) ln(q / p), >= 0; ks: largest distance of the two distribution
        functions, in [0, 1]; median_before and median_now. NaN where one side has no value.
    """
    if not len(before) or not len(now):
        return dict.fromkeys(("psi", "ks", "median_before", "median_now"), np.nan)
    deciles = _quantiles(before, BINS)
    grid = np.union1d(_quantiles(before, GRID), _quantiles(now, GRID))
    expected, actual = (np.diff(_below(one, deciles, tolerance), prepend=0, append=1) for one in (before, now))
    return {
        "psi": stability_index(expected, actual),
        "ks": float(np.abs(_below(before, grid, tolerance) - _below(now, grid, tolerance)).max()),
        "median_before": float(before[len(before) // 2]),
        "median_now": float(now[len(now) // 2]),
    }


def stability_index(expected: np.ndarray, actual: np.ndarray) -> float:
    """Return the population stability index of two arrays of shares over the same bins."""
    expected, actual = np.maximum(expected, LEAST_SHARE), np.maximum(actual, LEAST_SHARE)
    return float(np.sum((actual - expected) * np.log(actual / expected)))


def _sorted_columns(block: np.ndarray) -> list[np.ndarray]:
    """Sort each column of [n, few]; missing values, which sort last, are cut off."""
    columns = np.sort(np.ascontiguousarray(block.T), axis=1)
    present = columns.shape[1] - np.isnan(columns).sum(axis=1)
    return [column[:count] for column, count in zip(columns, present, strict=True)]


def _missing(values: np.ndarray, table: np.ndarray, when: str) -> dict[str, float]:
    return {f"missing_{when}": 1 - len(values) / len(table)}


def _as_rows(quantiles: Any) -> np.ndarray:
    """Return a hundred players, say, that stand for 51 quantiles: each for two of them, the ends for one."""
    values = np.asarray(quantiles)
    return np.repeat(values, [1, *[2] * (len(values) - 2), 1])


def _quantiles(values: np.ndarray, parts: int) -> np.ndarray:
    """Return the inner quantiles that cut a sample into so many parts; ties across them leave fewer."""
    return np.unique(values[np.arange(1, parts) * len(values) // parts])


def _below(values: np.ndarray, at: np.ndarray, tolerance: float) -> np.ndarray:
    """Return the share of players at or below each value."""
    return np.searchsorted(values, at + tolerance * np.abs(at), side="right") / len(values)
