"""What is measured between two samples of players: their features, one by one and together, and their scores."""

from collections.abc import Mapping, Sequence
from statistics import NormalDist

import numpy as np

from scarcegan.data.distances import column_distances, distance
from scarcegan.evaluation.intervals import wilson
from scarcegan.monitoring.drift import ClassifierDrift, ComparedSnapshot, ScoredPlayers
from scarcegan.records import Record

FEATURE_MEASURES = ("psi", "ks", "missing_share")
MOST_ROWS = 50_000  # of each snapshot, for the classifier
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


def two_sample_test(before: np.ndarray, now: np.ndarray, *, seed: int, false_alarms: float) -> ClassifierDrift:
    """Train a classifier to tell two tables apart on half of their rows and rank the other half with it.

    Where nothing has drifted the held-out rows are exchangeable, whatever the classifier has learnt: its AUC is
    spread as the rank sum of a random half is (Mann and Whitney, ties counted), which needs no further training.

    The tables are float [n, F] and [m, F], NaN where a value is missing; the seed draws the rows and the halves. The
    AUC comes with the limit that chance alone sets: undrifted rows pass it with the probability `false_alarms`.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    rng = np.random.default_rng([seed, 31])
    sides = [one[rng.permutation(len(one))[:MOST_ROWS]] for one in (before, now)]
    # The rows are shuffled: every other one makes a random half.
    learnt, tested = (np.concatenate([side[half::2] for side in sides]) for half in (0, 1))
    is_now, truth = (np.repeat([0, 1], [len(side[half::2]) for side in sides]) for half in (0, 1))
    # Early stopping would set further rows apart; fewer bins are faster.
    classifier = HistGradientBoostingClassifier(max_iter=50, max_bins=64, early_stopping=False, random_state=seed)
    scores = classifier.fit(learnt, is_now).predict_proba(tested)[:, 1] if len(tested) else np.empty(0)
    auc, spread = _rank_auc(scores, truth == 1)
    null_high = 0.5 + NormalDist().inv_cdf(1 - false_alarms) * spread
    chance = 1 - NormalDist().cdf((auc - 0.5) / spread) if spread else 1.0
    return ClassifierDrift(auc, limit=null_high, null_high=null_high, p=chance, rows=max(map(len, sides)))


def separation(auc: float) -> float:
    """Return how many standard deviations apart two normal groups of that AUC lie (d'), 0 below 0.5.

    Unlike the AUC it has no ceiling: what is usual can be a large part of 1, and drift still go far beyond.
    """
    return float(max(0.0, np.sqrt(2) * NormalDist().inv_cdf(float(np.clip(auc, 1e-9, 1 - 1e-9)))))


def auc_of(distance: float) -> float:
    """Return the AUC of that separation."""
    return NormalDist().cdf(distance / float(np.sqrt(2)))


def _rank_auc(scores: np.ndarray, is_now: np.ndarray) -> tuple[float, float]:
    """Return the AUC and its standard deviation where the scores tell nothing."""
    from scipy.stats import rankdata

    ranks = rankdata(scores)
    total, positive = len(scores), int(is_now.sum())
    product = positive * (total - positive)
    if not product:  # a table of one row holds none out: nothing is told, as doubtful as what a single pair tells
        return 0.5, 0.5
    auc = (ranks[is_now].sum() - positive * (positive + 1) / 2) / product
    _, tied = np.unique(scores, return_counts=True)
    ties = float(np.sum(tied.astype(float) ** 3 - tied)) / (total * (total - 1))
    return float(auc), float(np.sqrt((total + 1 - ties) / (12 * product)))
