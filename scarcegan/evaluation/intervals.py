"""The spread a figure would have with other players of the same kind: bootstrap, and exact bounds for counts."""

from statistics import NormalDist

import numpy as np

from scarcegan.evaluation.figures import Interval


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


def share_of(part: float, whole: float, confidence: float = 0.95) -> Interval | None:
    """Put a share of counted players beside its interval, see `wilson`; None of nobody."""
    return wilson(part, whole, confidence) if whole else None


def wilson(part: float, whole: float, confidence: float = 0.95) -> Interval:
    """Put a share of counted players, of whom there are some, beside its Wilson interval, by default of 95 %.

    Wilson's, unlike the bootstrap, leaves doubt where all or none of a few were found. The part may be no whole number,
    as where ties at the edge are taken in random order.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, 1927.
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = part / whole
    middle = (share + z**2 / (2 * whole)) / (1 + z**2 / whole)
    half = z / (1 + z**2 / whole) * np.sqrt(share * (1 - share) / whole + z**2 / (4 * whole**2))
    return Interval(share, max(0.0, float(middle - half)), min(1.0, float(middle + half)))


def difference_of(one: Interval, other: Interval) -> tuple[float, float, float]:
    """Return the difference of two shares of players who are not the same, and the ends of its 95 % interval.

    Both have Wilson's intervals. Source: R. G. Newcombe, Interval estimation for the difference between independent
    proportions, 1998, method 10.
    """
    difference = one.value - other.value
    below = np.hypot(one.value - one.low, other.high - other.value)
    above = np.hypot(one.high - one.value, other.value - other.low)
    return difference, float(difference - below), float(difference + above)


def lower_bound(part: np.ndarray | float, whole: np.ndarray | int, confidence: float) -> np.ndarray:
    """Bound a share from below by `part` of `whole` players drawn: exact, holds in `confidence` of all draws.

    Source: C. J. Clopper and E. S. Pearson, The use of confidence or fiducial limits, 1934.
    """
    from scipy.special import betaincinv

    part = np.asarray(part, float)
    # Of nobody found, nothing is sure.
    return np.where(part > 0, betaincinv(np.maximum(part, 0.5), whole - part + 1, 1 - confidence), 0.0)


def upper_bound(part: np.ndarray | float, whole: np.ndarray | int, confidence: float) -> np.ndarray:
    """Bound a share from above, as `lower_bound` does from below."""
    return 1 - lower_bound(np.asarray(whole, float) - part, whole, confidence)


def precision_limits(
    recall: tuple[float, float], flagged: tuple[float, float], least: float, most: float
) -> tuple[float, float]:
    """Bound precision = recall x prevalence / flagged share, given (low, high) of each and the prevalence's ends.

    From end to end, so that few players on either side leave doubt.
    """
    low, high = (
        min(1.0, found * prevalence / shown) if shown else 1.0
        for found, prevalence, shown in ((recall[0], least, flagged[1]), (recall[1], most, flagged[0]))
    )
    return low, high
