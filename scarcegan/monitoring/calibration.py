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

    Only sizes, the earlier share 'unknown' and the classifier's own limit of chance are read from what is measured.

    KS: Kolmogorov's distribution, too high rather than too low where values are tied. PSI: (1/n + 1/m) chi-squared.
    Shares: the normal approximation. Each of the features' three measures is given a third of the false alarms, and
    each feature its part of that.
    """
    from scipy.stats import chi2, kstwobign, norm

    features = measured.before.features.shape[1]
    unknown_share = measured.before.unknown_share
    inverse = sum(1 / len(sample.score) for sample in (measured.before, measured.now))
    each = false_alarms / len(FEATURE_MEASURES) / features
    deviation = np.sqrt(unknown_share * (1 - unknown_share) * inverse)
    return {
        "psi": np.full(features, chi2.isf(each, BINS - 1) * inverse),
        "ks": np.full(features, kstwobign.isf(each) * np.sqrt(inverse)),
        # Shares that are 0 in a usual snapshot: from one in a thousand on, others are worth a word.
        "missing_share": np.full(features, max(1e-3, norm.isf(each) * np.sqrt(1e-3 * inverse))),
        "classifier": np.array([separation(measured.classifier.null_high)]),
        "score": np.array([kstwobign.isf(false_alarms) * np.sqrt(inverse)]),
        # Halved: the share may rise or fall.
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
