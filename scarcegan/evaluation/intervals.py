"""The spread a figure would have with other players of the same kind: bootstrap, and Wilson for counts."""

import numpy as np

from scarcegan.evaluation.records import Interval


def resample_weights(
    is_risky: np.ndarray, in_population: np.ndarray, resamples: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw players with replacement and count how often each was drawn.

    Risky and other players are drawn apart, each as many as there are, so that no resample lacks risky ones; so
    are rows in and out of the population. Metrics of several models on the same weights are paired. The result is
    uint8 [resamples, n]: a byte per player and resample, as there are hundreds of resamples.
    """
    weights = np.zeros((resamples, len(is_risky)), dtype=np.uint8)
    stratum = 2 * is_risky.astype(int) + in_population
    for kind in np.unique(stratum):
        rows = np.flatnonzero(stratum == kind)
        for one in weights:
            # A byte is enough: a player is drawn about once, and 255 times is out of reach.
            one[rows] = np.bincount(rng.integers(len(rows), size=len(rows), dtype=np.int32), minlength=len(rows))
    return weights


def interval(value: float, samples: np.ndarray) -> Interval:
    """Put a figure beside its 95 % bootstrap interval (percentiles) and deviation over `samples`, [resamples]."""
    low, high = np.percentile(samples, [2.5, 97.5])
    return Interval(float(value), float(low), float(high), std=float(np.std(samples, ddof=1)))


def share_of(part: int, whole: int) -> Interval | None:
    """Put a share of counted players beside its 95 % Wilson interval; None of nobody."""
    # Imported here: SciPy's statistics take a second, and a card that only shows intervals does without.
    from scipy.stats import binomtest

    if not whole:
        return None
    # Wilson's, unlike the bootstrap, leaves doubt where all of a few were found.
    low, high = binomtest(part, whole).proportion_ci(method="wilson")
    return Interval(part / whole, float(low), float(high))
