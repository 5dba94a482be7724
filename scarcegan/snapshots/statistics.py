"""What a manifest says of each feature, computed part by part and merged: a snapshot is never read twice."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEVELS = np.linspace(0, 1, 51)
# Rows behind the quantiles of a part: known to 0.4 % of rank, at a cost that does not grow with the part.
QUANTILE_ROWS = 65_536


@dataclass(frozen=True)
class Statistics:
    """Statistics of F columns over the same players.

    Attributes:
        players: number of players.
        mean, std, low, high, zero_share: float64 arrays [F].
        quantiles: float64 array [F, 51], at ranks 0 %, 2 % ... 100 %; the ends are exact.
    """

    players: int
    mean: np.ndarray
    std: np.ndarray
    low: np.ndarray
    high: np.ndarray
    zero_share: np.ndarray
    quantiles: np.ndarray

    def column(self, number: int) -> dict[str, float | list[float]]:
        """Return one column's statistics as plain numbers, for the manifest."""
        one = {name: float(getattr(self, name)[number]) for name in ("mean", "std", "low", "high", "zero_share")}
        return {**one, "quantiles": [float(f"{value:.7g}") for value in self.quantiles[number]]}


def describe(features: np.ndarray) -> Statistics:
    """Compute the statistics of a part, float array [n, F] with n > 0."""
    # Column by column, each end to end in memory: a quarter of the time, and no second copy of the part.
    rows = [_column(np.ascontiguousarray(column)) for column in features.T]
    mean, std, low, high, zero_share, quantiles = (np.array(values, np.float64) for values in zip(*rows, strict=True))
    return Statistics(len(features), mean, std, low, high, zero_share, quantiles)


def _column(values: np.ndarray) -> tuple[float, float, float, float, float, np.ndarray]:
    rows, low, high = len(values), values.min(), values.max()
    ordered = np.sort(values[:: -(-rows // QUANTILE_ROWS)])
    # The least value whose share of players at or below it reaches the level; the ends are everybody's.
    places = np.ceil(LEVELS * len(ordered) - 1e-9).astype(int) - 1
    quantiles = ordered[np.maximum(places, 0)]
    quantiles[[0, -1]] = low, high
    zero_share = 1 - np.count_nonzero(values) / rows
    return values.mean(dtype=np.float64), values.std(dtype=np.float64), low, high, zero_share, quantiles


def merge(parts: Sequence[Statistics]) -> Statistics:
    """Join the statistics of parts with different players.

    All but the inner quantiles are exact; those are taken from the mixture of the parts' own.
    """
    weight = np.array([part.players for part in parts], dtype=np.float64)
    weight /= weight.sum()
    mean = sum(share * part.mean for share, part in zip(weight, parts, strict=True))
    square = sum(share * (part.std**2 + (part.mean - mean) ** 2) for share, part in zip(weight, parts, strict=True))
    return Statistics(
        players=sum(part.players for part in parts),
        mean=np.asarray(mean),
        std=np.sqrt(square),
        low=np.min([part.low for part in parts], axis=0),
        high=np.max([part.high for part in parts], axis=0),
        zero_share=weight @ np.stack([part.zero_share for part in parts]),
        quantiles=_merged_quantiles(parts, weight),
    )


def _merged_quantiles(parts: Sequence[Statistics], weight: np.ndarray) -> np.ndarray:
    if len(parts) == 1:
        return parts[0].quantiles
    values = np.concatenate([part.quantiles for part in parts], axis=1)
    mass = np.concatenate([share * rank_mass() for share in weight])
    order = np.argsort(values, axis=1, kind="stable")
    reached = np.cumsum(mass[order], axis=1)
    ordered = np.take_along_axis(values, order, axis=1)
    # The least value whose share of players at or below it reaches the level.
    places = [np.searchsorted(row, LEVELS - 1e-9) for row in reached]
    merged = np.take_along_axis(ordered, np.minimum(np.array(places), ordered.shape[1] - 1), axis=1)
    merged[:, 0], merged[:, -1] = ordered[:, 0], ordered[:, -1]
    return merged


def rank_mass() -> np.ndarray:
    """Return the share of players that each of the 51 quantiles stands for; the two ends half a step each."""
    mass = np.full(len(LEVELS), 1 / (len(LEVELS) - 1))
    mass[[0, -1]] /= 2
    return mass
