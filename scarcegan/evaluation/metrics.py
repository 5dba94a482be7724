"""Ranking and threshold metrics, for the players as they are or for many weighted resamples at once."""

from typing import Generic, NamedTuple, TypeVar

import numpy as np

from scarcegan.evaluation.scored import Scored
from scarcegan.records import Record

# Resamples summed up at a time: keeps the running sums of 70,000 rows within the processor's cache.
_BLOCK = 8
_TOLERANCE = 1e-9
Figure = TypeVar("Figure")


class AtThreshold(NamedTuple, Generic[Figure]):
    """Metrics at one threshold, such as float arrays [resamples]."""

    recall: Figure
    precision: Figure
    flagged_share: Figure
    f2: Figure


class RunningCounts(Record):
    """Counts over falling scores, kept where risky players are found: recall changes nowhere else.

    Int arrays [resamples, steps], a step per distinct score of a risky player (tied players are flagged together):
    `found` are the risky players at or above it, `flagged` the population rows at or above it, `flagged_before` those
    above it. `population`, int [resamples], are population rows in all. The prevalence is known if it does not come
    from the rows.
    """

    found: np.ndarray
    found_in_population: np.ndarray
    flagged_before: np.ndarray
    flagged: np.ndarray
    population: np.ndarray
    known_prevalence: float | None

    @property
    def recall(self) -> np.ndarray:
        """Recall at each step, [resamples, steps]."""
        return self.found / self.found[:, -1:]

    @property
    def prevalence(self) -> np.ndarray:
        """Share of risky players among all players, [resamples]."""
        if self.known_prevalence is not None:
            return np.full(len(self.found), self.known_prevalence)
        return self.found_in_population[:, -1] / self.population


def curve(scored: Scored, weights: np.ndarray | None = None) -> RunningCounts:
    """Rank the players once, ties allowed, and count along the ranking.

    Weights, uint8 [resamples, n], say how often each resample drew each player; None: everybody once.
    """
    if weights is None:
        weights = np.ones((1, len(scored)), dtype=np.uint8)
    order = np.argsort(-scored.score, kind="stable")
    falling = -scored.score[order]
    risky = np.flatnonzero(scored.is_risky[order])
    # Ties are flagged together: a step ends with the last player of its score.
    last = np.searchsorted(falling, falling[risky], side="right")
    step = np.flatnonzero(np.append(last[1:] != last[:-1], True))
    first = np.searchsorted(falling, falling[risky[step]], side="left")
    drawn = weights[:, order[risky]].astype(np.int32)
    population = order[scored.in_population[order]]
    # How many population rows precede each position of the full ranking.
    rank = np.concatenate([[0], np.cumsum(scored.in_population[order])])
    ends, total = _running_counts(weights, population, np.concatenate([rank[first], rank[last[step]]]))
    return RunningCounts(
        found=np.cumsum(drawn, axis=1)[:, step],
        found_in_population=np.cumsum(drawn * scored.in_population[order[risky]], axis=1)[:, step],
        flagged_before=ends[:, : len(step)],
        flagged=ends[:, len(step) :],
        population=total,
        known_prevalence=scored.prevalence,
    )


def average_precision(points: RunningCounts) -> np.ndarray:
    """Sum precision over the steps of recall (scikit-learn's definition if truth is known), [resamples]."""
    flagged_share = points.flagged / points.population[:, None]
    precision = precision_of(points.recall, flagged_share, points.prevalence[:, None])
    return np.sum(np.diff(points.recall, axis=1, prepend=0.0) * precision, axis=1)


def roc_auc(points: RunningCounts) -> np.ndarray:
    """Chance that a risky player outscores one not known to be risky (ties count half), [resamples]."""
    found_before = np.pad(points.found_in_population[:, :-1], ((0, 0), (1, 0)))
    false = points.flagged_before - found_before + points.flagged - points.found_in_population
    middle = false / (2 * (points.population - points.found_in_population[:, -1])[:, None])
    return np.sum(np.diff(points.recall, axis=1, prepend=0.0) * (1 - middle), axis=1)


def recall_at_shares(points: RunningCounts, shares: np.ndarray) -> np.ndarray:
    """Recall [resamples, k] when exactly a share of the population is flagged, ties at the edge in random order.

    The shares are [k], or [resamples, k] for shares of each resample's own.
    """
    counts = shares * points.population[:, None]
    recall, before, after = np.pad(points.recall, ((0, 0), (1, 0))), points.flagged_before, points.flagged
    at = np.empty(counts.shape)
    for row, count in enumerate(counts):
        # Rounding is forgiven: 0.29 x 100 players are 29, though the product is a little less.
        whole = np.searchsorted(after[row], count + _TOLERANCE * (1 + count), side="right")
        cut = np.minimum(whole, after.shape[1] - 1)
        # A step of labelled players alone has no width; the 1 only keeps the quotient finite.
        width = np.maximum(after[row, cut] - before[row, cut], 1)
        part = np.clip((count - before[row, cut]) / width, 0.0, 1.0)
        at[row] = recall[row, whole] + part * (recall[row, cut + 1] - recall[row, whole])
    return at


def at_threshold(scored: Scored, threshold: float, weights: np.ndarray | None = None) -> AtThreshold[np.ndarray]:
    """Measure recall, precision, flagged share and F2 of flagging every score >= threshold."""
    if weights is None:
        weights = np.ones((1, len(scored)), dtype=np.uint8)
    flagged = scored.score >= threshold
    risky = _drawn(weights, scored.is_risky)
    population = _drawn(weights, scored.in_population)
    recall = _drawn(weights, scored.is_risky & flagged) / risky
    share = _drawn(weights, scored.in_population & flagged) / population
    prevalence: np.ndarray | float | None = scored.prevalence
    if prevalence is None:
        prevalence = _drawn(weights, scored.is_risky & scored.in_population) / population
    precision = precision_of(recall, share, prevalence)
    return AtThreshold(recall, precision, share, f_score(precision, recall))


def precision_of(recall: np.ndarray, flagged_share: np.ndarray, prevalence: np.ndarray | float) -> np.ndarray:
    """Precision as min(1, recall x prevalence / flagged share); 0 where nobody is found."""
    found = np.asarray(recall) > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(found, np.minimum(1.0, recall * prevalence / flagged_share), 0.0)


def f_score(precision: np.ndarray | float, recall: np.ndarray | float, beta: float = 2.0) -> np.ndarray:
    """F measure that weighs recall beta times as much as precision; 0 where both are 0."""
    bottom = np.asarray(beta**2 * precision + recall)
    return np.divide((1 + beta**2) * precision * recall, bottom, out=np.zeros_like(bottom), where=bottom > 0)


def _running_counts(weights: np.ndarray, rows: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Count drawn players among the first `ends` of `rows`, and among all: [resamples, ends], [resamples]."""
    counts = np.empty((len(weights), len(ends)), dtype=np.int32)
    totals = np.empty(len(weights), dtype=np.int32)
    # Column 0 stays 0: nobody comes before the first row.
    running = np.zeros((_BLOCK, len(rows) + 1), dtype=np.int32)
    for start in range(0, len(weights), _BLOCK):
        block = weights[start : start + _BLOCK]
        sums = running[: len(block)]
        np.cumsum(np.take(block, rows, axis=1), axis=1, dtype=np.int32, out=sums[:, 1:])
        counts[start : start + _BLOCK] = sums[:, ends]
        totals[start : start + _BLOCK] = sums[:, -1]
    return counts, totals


def _drawn(weights: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return weights[:, rows].sum(axis=1, dtype=np.int64).astype(float)
