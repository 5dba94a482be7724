"""What is measured between two samples of players: their features, one by one and together, and their scores."""

from collections.abc import Mapping, Sequence

import numpy as np

from scarcegan.data.distances import column_distances, distance
from scarcegan.evaluation.intervals import wilson
from scarcegan.monitoring.drift import ClassifierDrift, ComparedSnapshot, ScoredPlayers
from scarcegan.monitoring.two_sample import separation, two_sample_test
from scarcegan.records import Record

FEATURE_MEASURES = ("psi", "ks", "missing_share")
# Measures, or their limits, by name: one number for each feature, or a single one; see `measure`.
Measures = Mapping[str, np.ndarray]


class Sample(Record):
    """Players drawn from one snapshot, with the champion's risk scores, float [n].

    Features are float [n, F], NaN where a value is missing. `scored` says how the champion scores all of the
    snapshot's players where that is known, otherwise the n drawn ones.
    """

    about: ComparedSnapshot
    features: np.ndarray
    score: np.ndarray
    scored: ScoredPlayers

    @property
    def unknown_share(self) -> float:
        """Share of players whose most probable class is 'unknown'; 0 without that output."""
        return self.scored.unknown_share.value if self.scored.unknown_share else 0.0


class Measured(Record):
    """What was measured between two samples.

    Attributes:
        values: the measures that have limits. Float arrays [F] `psi`, `ks`, `missing_share`; float arrays [1]
            `classifier` (the separation that its AUC stands for), `score`, `unknown_share`.
        columns: float arrays [F], see `scarcegan.data.distances.column_distances`.
        classifier: with the limit that chance alone sets.
    """

    before: Sample
    now: Sample
    values: Measures
    columns: Measures
    classifier: ClassifierDrift


def scored_players(players: int, flagged: int, unknown: int | None, quantiles: Sequence[float]) -> ScoredPlayers:
    """Describe n > 0 scored players by their counts; `unknown` is None for a model without that output."""
    unknown_share = None if unknown is None else wilson(unknown, players)
    return ScoredPlayers(players, wilson(flagged, players), unknown_share, list(quantiles))


def measure(before: Sample, now: Sample, *, seed: int, false_alarms: float) -> Measured:
    """Measure how far two samples with the same columns lie apart."""
    columns = column_distances(before.features, now.features)
    classifier = two_sample_test(before.features, now.features, seed=seed, false_alarms=false_alarms)
    values = {
        "psi": columns["psi"],
        "ks": columns["ks"],
        "missing_share": np.abs(columns["missing_now"] - columns["missing_before"]),
        "classifier": np.array([separation(classifier.auc)]),
        "score": np.array([distance(np.sort(before.score), np.sort(now.score)).ks]),
        "unknown_share": np.array([abs(now.unknown_share - before.unknown_share)]),
    }
    return Measured(before, now, values, columns, classifier)
