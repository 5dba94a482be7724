"""CPU time of watching a snapshot: a million players with fifty features; prints one JSON object as its last line.

Run: python benchmarks/drift.py [players]

Both snapshots and their scores are in memory. All players count for the features and the scores, 2 x 50,000 for the
classifier. `monitoring.drift_cpu_s` is the whole report: distances, two-sample test with its own null, limits. Limits
from six past pairs are measured once for each champion, on the players that ScoreFlow compares (`monitoring.rows`).
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")  # before numpy starts threads

import itertools
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from scarcegan.monitoring.calibration import chance_limits, pair_limits
from scarcegan.monitoring.drift import ComparedSnapshot, DriftReport
from scarcegan.monitoring.measures import Sample, measure, scored_players
from scarcegan.monitoring.report import drift_report
from scarcegan.settings import Monitoring

FEATURES = 50
PAIRS = 6
THRESHOLD = 0.5
RULE = Monitoring()


def sample(players: int, seed: int, planted: bool = False) -> Sample:
    """Draw players; the planted drift makes three features 15 % larger, which leaves their PSI below 0.1."""
    rng = np.random.default_rng(seed)
    features = rng.gamma(2, 3, (players, FEATURES)).astype(np.float32)
    if planted:
        features[:, :3] *= 1.15
    score = (1 / (1 + np.exp(6 - features[:, 0] / 3))).astype(np.float32)
    about = ComparedSnapshot(f"month {seed}", f"2026-01-{seed:02d}", str(seed), players, players)
    flagged = int(np.count_nonzero(score >= THRESHOLD))
    return Sample(about, features, score, scored_players(players, flagged, players // 10, []))


def report(before: Sample, now: Sample) -> DriftReport:
    """Compare two samples with limits from chance."""
    measured = measure(before, now, seed=7, false_alarms=RULE.false_alarms)
    limits, names = chance_limits(measured, RULE.false_alarms), [f"feature {number}" for number in range(FEATURES)]
    return drift_report(measured, names, limits, None, threshold=THRESHOLD, false_alarms=RULE.false_alarms, pairs=0)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the CPU seconds of one call and what it returned."""
    started = time.process_time()
    result = work()
    return time.process_time() - started, result


def past_pairs() -> dict[str, np.ndarray]:
    """Measure past pairs and set limits."""
    months = [sample(RULE.rows, seed) for seed in range(1, PAIRS + 2)]
    measured = [
        measure(before, now, seed=7, false_alarms=RULE.false_alarms) for before, now in itertools.pairwise(months)
    ]
    chance = chance_limits(measured[0], RULE.false_alarms)
    return pair_limits([one.values for one in measured], chance, RULE.false_alarms)


def main(players: int) -> None:
    """Measure and print the figures."""
    report(sample(1_000, 1), sample(1_000, 2))  # warm up: imports
    before, same, moved = sample(players, 1), sample(players, 2), sample(players, 3, planted=True)
    seconds, stable = timed(lambda: report(before, same))
    _, found = timed(lambda: report(before, moved))
    figures = {
        "monitoring.drift_cpu_s": seconds,
        "monitoring.past_pairs_cpu_s": timed(past_pairs)[0],
        "monitoring.planted_largest_psi": found.features[0].psi or 0.0,
        "monitoring.planted_auc": found.classifier.auc,
    }
    flags = {"stable": stable.beyond, "planted": found.beyond}
    named = {name: round(value, 4) for name, value in figures.items()}
    print(json.dumps({"figures": named, "players": players, "features": FEATURES, "flags": flags}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
