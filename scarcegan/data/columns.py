"""One description of a column, for manifests, data reports, Model Monitor and every comparison of two tables.

It is made part by part and merged, so that no table is read twice, and says enough to compare two tables without
reading a row of them: see `scarcegan.data.distances`.
"""

from collections.abc import Sequence
from dataclasses import field

import numpy as np

from scarcegan.records import Record

LEVELS = np.linspace(0, 1, 51)
# Rows behind the quantiles of a part: known to 0.4 % of rank, at a cost that does not grow with the part.
QUANTILE_ROWS = 65_536


class Column(Record):
    """One column of a table, of the players who have a value; `missing_share` of all players lack it.

    The quantiles are at `LEVELS`, to seven digits: each the least value that so many players do not exceed.
    """

    mean: float
    std: float
    low: float
    high: float
    zero_share: float
    quantiles: Sequence[float]
    missing_share: float | None = field(default=None, kw_only=True)

    @property
    def median(self) -> float:
        """The quantile at 50 %: a value that some player has."""
        return self.quantiles[len(self.quantiles) // 2]

    def stand_ins(self) -> np.ndarray:
        """Return a hundred values, ascending, that stand for all players: two of each quantile, one of the ends."""
        return np.repeat(self.quantiles, [1, *[2] * (len(self.quantiles) - 2), 1])


def describe(features: np.ndarray) -> list[Column]:
    """Describe each column of a table, float array [n, F] with n > 0."""
    # Column by column, each contiguous in memory: a quarter of the time, and no second copy of the table.
    return [describe_column(np.ascontiguousarray(values)) for values in features.T]


def describe_column(values: np.ndarray) -> Column:
    """Describe the values of n > 0 players, float array [n] in any order, NaN where one is missing."""
    everyone, low, high = len(values), values.min(), values.max()
    if np.isnan(low):
        values = values[~np.isnan(values)]
        if not len(values):  # zeros stand for what nobody has
            return Column(0.0, 0.0, 0.0, 0.0, 0.0, [0.0] * len(LEVELS), missing_share=1.0)
        low, high = values.min(), values.max()
    rows = len(values)
    # Evenly spaced rows, not drawn ones: the same table always gives the same figures.
    ordered = np.sort(values[:: -(-rows // QUANTILE_ROWS)])
    # The small subtrahend undoes rounding, which could lift a whole number to the next one.
    places = np.ceil(LEVELS * len(ordered) - 1e-9).astype(int) - 1
    quantiles = ordered[np.maximum(places, 0)]
    # A sample may miss the extremes.
    quantiles[[0, -1]] = low, high
    return Column(
        # In float64: sums of millions of float32 values lose digits.
        mean=float(values.mean(dtype=np.float64)),
        std=float(values.std(dtype=np.float64)),
        low=float(low),
        high=float(high),
        zero_share=1 - np.count_nonzero(values) / rows,
        quantiles=[float(f"{value:.7g}") for value in quantiles],
        missing_share=1 - rows / everyone,
    )


def merge(parts: Sequence[Column], players: Sequence[int]) -> Column:
    """Join the descriptions of one column in parts of so many different `players`; exact but for inner quantiles."""
    present = [many * (1 - (part.missing_share or 0)) for part, many in zip(parts, players, strict=True)]
    if not any(present):
        return parts[0]
    parts = [part for part, many in zip(parts, present, strict=True) if many]
    weight = np.array([many for many in present if many], dtype=np.float64) / sum(present)
    means, stds = np.array([part.mean for part in parts]), np.array([part.std for part in parts])
    mean = float(weight @ means)
    return Column(
        mean=mean,
        # The spread inside the parts and between them.
        std=float(np.sqrt(weight @ (stds**2 + (means - mean) ** 2))),
        low=min(part.low for part in parts),
        high=max(part.high for part in parts),
        zero_share=float(weight @ [part.zero_share for part in parts]),
        quantiles=_merged_quantiles(parts, weight),
        missing_share=1 - sum(present) / sum(players),
    )


def at_or_below(ordered: np.ndarray, edges: np.ndarray, tolerance: float = 0.0) -> np.ndarray:
    """Return the share of n > 0 ascending values at or below each of k edges.

    `tolerance` is the relative rounding of the values: many players share one, it must not move them across an edge.
    """
    return np.searchsorted(ordered, edges + tolerance * np.abs(edges), side="right") / len(ordered)


def bin_shares(ordered: np.ndarray, edges: np.ndarray, tolerance: float = 0.0) -> np.ndarray:
    """Return the share of the players in each of the k + 1 bins that k inner edges cut; see `at_or_below`."""
    return np.diff(at_or_below(ordered, edges, tolerance), prepend=0, append=1)


def _merged_quantiles(parts: Sequence[Column], weight: np.ndarray) -> Sequence[float]:
    """Return the quantiles of the mixture of the parts' own."""
    if len(parts) == 1:
        return parts[0].quantiles
    values = np.concatenate([part.stand_ins() for part in parts])
    mass = np.repeat(weight, len(values) // len(parts))
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(mass[order]) / mass.sum()
    places = np.minimum(np.searchsorted(reached, LEVELS - 1e-9), len(values) - 1)
    merged: list[float] = values[order][places].tolist()
    return [float(values.min()), *merged[1:-1], float(values.max())]
