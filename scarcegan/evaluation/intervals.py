"""The spread a figure would have with other players of the same kind: bootstrap, and Wilson for counts."""

import numpy as np

from scarcegan.evaluation.records import Interval

_Z = 1.959964  # 95 % of a normal distribution lie within so many deviations


def resample_weights(
    is_risky: np.ndarray, in_population: np.ndarray, resamples: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw players with replacement and count how often each was drawn.

    Risky and other players are drawn apart, each as many as there are, so that no resample lacks risky ones; so
    are rows in and out of the population. Metrics of several models on the same weights are paired.

    Args:
        is_risky: bool array [n].
        in_population: bool array [n].
        resamples: how many.
        rng: source of the draws.

    Returns:
        uint8 array [resamples, n] (a byte per player and resample).
    """
    weights = np.zeros((resamples, len(is_risky)), dtype=np.uint8)
    stratum = 2 * is_risky.astype(int) + in_population
    for kind in np.unique(stratum):
        rows = np.flatnonzero(stratum == kind)
        for one in weights:
            one[rows] = np.bincount(rng.integers(len(rows), size=len(rows), dtype=np.int32), minlength=len(rows))
    return weights


def interval(value: float, samples: np.ndarray) -> Interval:
    """Put a figure beside its 95 % bootstrap interval (percentiles) and standard deviation.

    Args:
        value: the figure on the players as they are.
        samples: float array [resamples]; the figure on each resample.
    """
    low, high = np.percentile(samples, [2.5, 97.5])
    return Interval(float(value), float(low), float(high), std=float(np.std(samples, ddof=1)))


def share_of(part: int, whole: int) -> Interval | None:
    """Put a share of counted players beside its 95 % Wilson interval; None of nobody.

    Source: Wilson (1927), Probable inference, the law of succession, and statistical inference.
    """
    if not whole:
        return None
    share, weight = part / whole, _Z**2 / whole
    middle = (share + weight / 2) / (1 + weight)
    half = (share * (1 - share) * weight + weight**2 / 4) ** 0.5 / (1 + weight)
    return Interval(share, max(0.0, middle - half), min(1.0, middle + half))
