import numpy as np

from scarcegan.monitoring.calibration import chance_limits
from scarcegan.monitoring.drift import ComparedSnapshot
from scarcegan.monitoring.measures import Sample, measure, scored_players
from scarcegan.monitoring.report import drift_report
from scarcegan.serving.distribution import count_scores, counted_quantiles

THRESHOLD = 0.8
FALSE_ALARMS = 0.05


def world(players, seed, features=8):
    """Players as telemetry shows them: skewed, correlated, one feature mostly zero, one of few values."""
    rng = np.random.default_rng(seed)
    table = rng.gamma(2, 3, (players, features)) * rng.gamma(4, 0.25, (players, 1))
    table[:, 1] *= rng.random(players) < 0.2
    table[:, 2] = np.minimum(np.round(table[:, 2] / 4), 5)
    return table.astype(np.float32)


def sample(features, name="a", cutoff="2026-01-01", seed=0, unknown=None):
    """A sample whose score falls with its first feature, and in which so many (one in ten) are unknown."""
    rng = np.random.default_rng(seed)
    score = (np.exp(-features[:, 0] / 3) * rng.uniform(0.5, 1, len(features))).astype(np.float32)
    players = len(features)
    unknown = players // 10 if unknown is None else unknown
    flagged = int(np.count_nonzero(score >= THRESHOLD))
    about = ComparedSnapshot(name, cutoff, f"of-{name}", players, players)
    scored = scored_players(players, flagged, unknown, counted_quantiles(count_scores(score)))
    return Sample(about, features, score, scored)


def report_of(before, now, seed=0, recall=None):
    """The drift report of two samples with limits from chance alone."""
    measured = measure(before, now, seed=seed, false_alarms=FALSE_ALARMS)
    limits, names = chance_limits(measured, FALSE_ALARMS), [f"f{at}" for at in range(before.features.shape[1])]
    return drift_report(measured, names, limits, recall, threshold=THRESHOLD, false_alarms=FALSE_ALARMS, pairs=0)
