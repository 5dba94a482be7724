"""How far is far: limits for each measure, from chance alone and from past pairs of snapshots that were stable.

Limits have the names and shapes of the measures, see `scarcegan.monitoring.measures`. They hold for whole families: a
stable snapshot passes a limit of any feature with a probability of `false_alarms` at most.

Chance tells how much two samples of the same players' world differ. Real players are never quite the same from one
month to the next, so limits from chance alone call much drift that nobody needs to act on; past pairs tell what is
usual: docs/method.md has the equations.
"""

from collections.abc import Sequence

import numpy as np

from scarcegan.data.distances import BINS
from scarcegan.monitoring.measures import FEATURE_MEASURES, Measured, Measures, separation

# Two leave one degree of freedom: Student's quantile at 1 % is then 32, and a limit says nothing.
FEWEST_PAIRS = 3


def chance_limits(measured: Measured, false_alarms: float) -> dict[str, np.ndarray]:
    """Return what two independent samples of unchanged players, as large as the measured ones, reach by chance.

    Only sizes, the earlier shares missing and 'unknown', and the classifier's own limit of chance are read from what is
    measured. Of a feature those players count who have a value.

    KS: Kolmogorov's distribution, too high rather than too low where values are tied. PSI: (1/n + 1/m) chi-squared.
    Shares: the normal approximation. Each of the features' three measures is given a third of the false alarms, and
    each feature its part of that.
    """
    from scipy.stats import chi2, kstwobign, norm

    columns, sizes = measured.columns, [len(sample.score) for sample in (measured.before, measured.now)]
    features, missing = len(columns["missing_before"]), columns["missing_before"]
    unknown_share = measured.before.unknown_share
    inverse = sum(1 / size for size in sizes)
    shares = (1 - missing, 1 - columns["missing_now"])
    # Where nobody has a value there is no distance, and any limit does.
    present = sum(1 / (size * np.where(share > 0, share, 1)) for size, share in zip(sizes, shares, strict=True))
    each = false_alarms / len(FEATURE_MEASURES) / features
    # Shares that are 0 in a usual snapshot: from one in a thousand on, others are worth a word.
    seldom = max(1e-3, norm.isf(each) * np.sqrt(1e-3 * inverse))
    deviation = np.sqrt(unknown_share * (1 - unknown_share) * inverse)
    return {
        "psi": chi2.isf(each, BINS - 1) * present,
        # No distance of distribution functions is above 1.
        "ks": np.minimum(kstwobign.isf(each) * np.sqrt(present), 1),
        # Halved, here and below: the share may rise or fall.
        "missing_share": np.maximum(seldom, norm.isf(each / 2) * np.sqrt(missing * (1 - missing) * inverse)),
        "classifier": np.array([separation(measured.classifier.null_high)]),
        "score": np.minimum([kstwobign.isf(false_alarms) * np.sqrt(inverse)], 1),
        "unknown_share": np.array([max(1e-3, norm.isf(false_alarms / 2) * deviation)]),
    }


def pair_limits(measured: Sequence[Measures], chance: Measures, false_alarms: float) -> dict[str, np.ndarray]:
    """Return the limits that past pairs of snapshots set, none below that of chance; needs `FEWEST_PAIRS` of them.

    Below the limits of chance, from `chance_limits`, a measure is noise, and so is the ratio of two.
    """
    limits = {}
    for name, noise in chance.items():
        alarms = false_alarms / len(FEATURE_MEASURES) if name in FEATURE_MEASURES else false_alarms
        past = np.stack([pair[name] for pair in measured])
        limits[name] = np.fmax(noise, _prediction_limit(past, noise, alarms))
    return limits


def _prediction_limit(values: np.ndarray, noise: np.ndarray, false_alarms: float) -> np.ndarray:
    """Return the limit of each column of [pairs, F] that a new stable pair passes nowhere but for so many of them."""
    from scipy.stats import t

    pairs = len(values)
    logs = np.log(np.maximum(values, 0) + noise)
    # Without the pair itself, whose own value in the mean would hide its excess.
    others = (logs.sum(axis=0) - logs) / (pairs - 1)
    # The largest of all features: one limit then holds for the whole family.
    excess = (logs - others).max(axis=1)
    reach = excess.mean() + t.isf(false_alarms, pairs - 1) * excess.std(ddof=1) * np.sqrt(1 + 1 / pairs)
    return np.asarray(np.exp(logs.mean(axis=0) + max(reach, 0.0)) - noise)
