import numpy as np

from scarcegan.monitoring.calibration import chance_limits
from scarcegan.monitoring.drift import ComparedSnapshot
from scarcegan.monitoring.measures import Sample, measure
from scarcegan.monitoring.report import drift_report

FALSE_ALARMS = 0.05


def world(players, seed, features=8):
    """Players as telemetry shows them: skewed, correlated, one feature mostly zero, one of few values."""
    rng = np.random.default_rng(seed)
    table = rng.gamma(2, 3, (players, features)) * rng.gamma(4, 0.25, (players, 1))
    table[:, 1] *= rng.random(players) < 0.2
    table[:, 2] = np.minimum(np.round(table[:, 2] / 4), 5)
    return table.astype(np.float32)


def sample(features, name="a", cutoff="2026-01-01", seed=0, unknown_share=0.1):
    """A sample whose score falls with its first feature."""
    rng = np.random.default_rng(seed)
    score = np.exp(-features[:, 0] / 3) * rng.uniform(0.5, 1, len(features))
    about = ComparedSnapshot(name, cutoff, f"of-{name}", len(features), len(features))
    return Sample(about, features, score.astype(np.float32), unknown_share)


def report_of(before, now, seed=0, recall=None):
    """The drift report of two samples with limits from chance alone."""
    measured = measure(before, now, seed=seed, false_alarms=FALSE_ALARMS)
    limits, names = chance_limits(measured, FALSE_ALARMS), [f"f{at}" for at in range(before.features.shape[1])]
    return drift_report(measured, names, limits, recall, threshold=0.8, false_alarms=FALSE_ALARMS, pairs=0)
