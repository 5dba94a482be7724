"""What a reviewed sample says of everyone: Horvitz-Thompson totals by strata, with limits that hold for few positives.

A reviewed player stands for players / reviewed players of the same stratum; the top of a list is a stratum that is
reviewed in full. The number of risky players is the sum of these weights over those found risky. Its limits are those
of a weighted sum of Poisson counts: nobody found is no certainty, as one more, of the heaviest weight, is always
possible. They hold for other players of the same kind, as all intervals of this project do.

The mid-p limits were chosen on replays of seeds 1 to 100 of benchmarks/people.py: those of Fay and Feuer (1997) are a
tenth wider and cover more than they are asked to; with the mean weight in place of the heaviest they cover too little.

Source: D. G. Horvitz and D. J. Thompson, A generalization of sampling without replacement, 1952; M. P. Fay and S. Kim,
Confidence intervals for directly standardized rates using mid-p gamma intervals, 2017; M. P. Fay, M. A. Proschan and E.
Brittain, Combining one-sample confidence procedures for inference in the two-sample case, 2015, for the recall.
"""

from dataclasses import dataclass

import numpy as np

from scarcegan.evaluation.figures import Interval
from scarcegan.evaluation.intervals import share_of

CONFIDENCE = 0.95
STEPS = 200  # quantiles of each limit
_LEVELS = (np.arange(STEPS) + 0.5) / STEPS


@dataclass(frozen=True)
class Sample:
    """Reviewed players of whom it is settled what they are.

    `weight`, float [n]: how many players each stands for; `is_risky` and `is_shown`, bool [n]: what was found, and
    whether the model shows them (flags them, or has them in the top). `players` are all, `shown` those shown.
    """

    weight: np.ndarray
    is_risky: np.ndarray
    is_shown: np.ndarray
    players: int
    shown: int


def total(weight: np.ndarray, is_risky: np.ndarray) -> tuple[float, np.ndarray]:
    """Estimate how many players are risky where so weighted ones [n > 0] were found risky or not.

    Returns the estimate and its confidence distribution, [2 STEPS] values of equal weight, ascending: one half is that
    of the lower limit, the other that of the upper one, with one player more.
    """
    from scipy.special import gammaincinv

    found = weight[is_risky]
    value, variance, heaviest = float(found.sum()), float(found @ found), float(weight.max())

    def quantiles(mean: float, spread: float) -> np.ndarray:
        return np.asarray(gammaincinv(mean**2 / spread, _LEVELS) * spread / mean) if mean else np.zeros(STEPS)

    halves = quantiles(value, variance), quantiles(value + heaviest, variance + heaviest**2)
    return value, np.sort(np.concatenate(halves))


def prevalence(sample: Sample, confidence: float = CONFIDENCE) -> Interval | None:
    """Estimate the share of all players who are risky; None where nobody below the shown was reviewed."""
    if sample.is_shown.all() or not sample.players:
        return None
    value, spread = total(sample.weight, sample.is_risky)
    shares = np.minimum(1.0, np.array([value, *_limits(spread, confidence)]) / sample.players)
    return Interval(*shares.tolist())


def precision(sample: Sample, confidence: float = CONFIDENCE) -> Interval | None:
    """Estimate the share of the shown who are risky, for players like these: Wilson's, of the effective sample.

    Source: L. Kish, Survey sampling, 1965, for the effective size.
    """
    weight, is_risky = sample.weight[sample.is_shown], sample.is_risky[sample.is_shown]
    if not len(weight):
        return None
    effective = weight.sum() ** 2 / (weight @ weight)
    return share_of(effective * float(np.average(is_risky, weights=weight)), effective, confidence)


@dataclass(frozen=True)
class Recall:
    """The share of all risky players whom a model shows, and its confidence distribution, values of equal weight."""

    value: float
    spread: np.ndarray

    def interval(self, confidence: float = CONFIDENCE) -> Interval:
        """Return the share with its limits."""
        return Interval(self.value, *_limits(self.spread, confidence))

    def chance_of_less(self, recall: float) -> float:
        """Return the chance of finding so small a share where `recall` holds: the p value of the upper limit."""
        return float(np.mean(self.spread >= recall))


def recall(sample: Sample) -> Recall | None:
    """Estimate the share of the risky whom a model shows; None where only shown, or no risky players were reviewed."""
    if not sample.is_shown.any() or sample.is_shown.all() or not sample.is_risky.any():
        return None
    shown, missed = (total(sample.weight[side], sample.is_risky[side]) for side in (sample.is_shown, ~sample.is_shown))
    # Melded: the two are of different players, so that any value of one goes with any of the other.
    whole = shown[1][:, None] + missed[1]
    shares = np.divide(shown[1][:, None], whole, out=np.zeros_like(whole), where=whole > 0)
    return Recall(shown[0] / (shown[0] + missed[0]), shares.ravel())


def _limits(spread: np.ndarray, confidence: float) -> tuple[float, float]:
    low, high = np.quantile(spread, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
