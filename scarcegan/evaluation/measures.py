"""All figures of one score on one test set, with intervals; and what class probabilities tell beside it."""

from dataclasses import replace

import numpy as np

from scarcegan.data.players import UNLABELED
from scarcegan.evaluation import metrics
from scarcegan.evaluation.figures import Calibration, Confusion, Curve, Interval, Measures
from scarcegan.evaluation.intervals import interval, precision_limits, share_of, wilson
from scarcegan.evaluation.metrics import AtThreshold, RunningCounts
from scarcegan.evaluation.scored import HeldOut, Scored

_CURVE_POINTS = 100
# A curve begins with one player, or with this share where one player is less.
_SMALLEST_SHARE = 1e-4
_BINS = 10


def measure(scored: Scored, weights: np.ndarray, review_budget: float, threshold: float | None) -> Measures:
    """Measure one score on one test set; what needs class probabilities is None.

    The weights [resamples, n] are the same for all that are to be compared. Without a threshold of its own, a score's
    `recall`, `precision`, `flagged_share` and `f2` are taken at the review budget.
    """
    plain, drawn = metrics.curve(scored), metrics.curve(scored, weights)
    at_1, at_2, at_5, budget = (_at_share(plain, drawn, share) for share in (0.01, 0.02, 0.05, review_budget))
    own = budget if threshold is None else _at_threshold(scored, threshold, weights)
    return Measures(
        players=int(np.count_nonzero(scored.in_population)),
        risky=int(np.count_nonzero(scored.is_risky)),
        prevalence=float(plain.prevalence[0]),
        pr_auc=interval(metrics.average_precision(plain)[0], metrics.average_precision(drawn)),
        roc_auc=interval(metrics.roc_auc(plain)[0], metrics.roc_auc(drawn)),
        recall_at_1=at_1.recall,
        recall_at_2=at_2.recall,
        recall_at_5=at_5.recall,
        recall_at_budget=budget.recall,
        precision_at_budget=budget.precision,
        **own._asdict(),
        curve=_banded_curve(plain, drawn),
        calibration=calibration(scored),
        truth_known=scored.prevalence is None,
    )


def share_interval(rows: np.ndarray, of: np.ndarray, weights: np.ndarray) -> Interval:
    """Put the share of `rows` among the rows `of` (bool arrays [n]) beside Wilson's interval and its deviation."""
    drawn = weights[:, rows & of].sum(axis=1, dtype=np.int64) / weights[:, of].sum(axis=1, dtype=np.int64)
    return _counted(rows, of, interval(np.mean(rows[of]), drawn))


def _at_threshold(scored: Scored, threshold: float, weights: np.ndarray) -> AtThreshold[Interval]:
    """Take the figures at a threshold; shares of counted players have Wilson's interval."""
    own = _intervals(*(metrics.at_threshold(scored, threshold, who) for who in (None, weights)))
    flagged, population = scored.score >= threshold, scored.in_population
    recall, share = _counted(flagged, scored.is_risky, own.recall), _counted(flagged, population, own.flagged_share)
    if scored.prevalence is None:
        precision = _counted(scored.is_risky, flagged & population, own.precision)
    else:
        # No share of counted players, but a quotient of two.
        ends = (recall.low, recall.high), (share.low, share.high)
        low, high = precision_limits(*ends, scored.prevalence, scored.prevalence)
        precision = replace(own.precision, low=min(low, own.precision.value), high=max(high, own.precision.value))
    return AtThreshold(recall, precision, share, own.f2)


def _counted(rows: np.ndarray, of: np.ndarray, resampled: Interval) -> Interval:
    """Put Wilson's interval in the place of the bootstrap's, where there is anybody to count."""
    counted = share_of(int(np.count_nonzero(rows & of)), int(np.count_nonzero(of)))
    return replace(counted, std=resampled.std) if counted else resampled


def _at_share(plain: RunningCounts, drawn: RunningCounts, share: float) -> AtThreshold[Interval]:
    """Take the figures where a share of the population is flagged; recall has Wilson's interval."""
    figures = []
    for counts in (plain, drawn):
        recall = metrics.recall_at_shares(counts, np.array([share]))[:, 0]
        flagged = np.full(len(recall), share)
        precision = metrics.precision_of(recall, flagged, counts.prevalence)
        figures.append(AtThreshold(recall, precision, flagged, metrics.f_score(precision, recall)))
    found, risky = _intervals(*figures), int(plain.found[0, -1])
    return found._replace(recall=replace(wilson(found.recall.value * risky, risky), std=found.recall.std))


def _intervals(plain: AtThreshold[np.ndarray], drawn: AtThreshold[np.ndarray]) -> AtThreshold[Interval]:
    return AtThreshold(*(interval(value[0], samples) for value, samples in zip(plain, drawn, strict=True)))


def _banded_curve(plain: RunningCounts, drawn: RunningCounts) -> Curve:
    """Recall and precision over flagged shares, evenly spaced in the logarithm."""
    shares = np.geomspace(max(1 / int(plain.population[0]), _SMALLEST_SHARE), 1.0, _CURVE_POINTS)
    recall, recalls = (metrics.recall_at_shares(counts, shares) for counts in (plain, drawn))
    precision = metrics.precision_of(recall, shares, plain.prevalence[:, None])
    precisions = metrics.precision_of(recalls, shares, drawn.prevalence[:, None])
    # In the order of `Curve`: recall low, recall high, precision low, precision high.
    bands = np.percentile([recalls, precisions], [2.5, 97.5], axis=1).swapaxes(0, 1).reshape(4, -1)
    return Curve(*(values.tolist() for values in (shares, recall[0], precision[0], *bands)))


def confusion(rows: HeldOut, probabilities: np.ndarray, class_names: tuple[str, ...], rare_index: int) -> Confusion:
    """Count players by known class and most probable class.

    Known risky players count as risky whatever their weak label says, and a label 'risky' refuted by the truth as
    no label. Players of no known class follow in a last row, if there are any. The probabilities are [n, classes] or
    [n, classes + unknown]; the names are those of the labelled classes in index order, then 'unknown'.
    """
    columns = probabilities.shape[1]
    labelled = len(class_names) - 1
    of_no_class = np.isin(rows.labels, [rare_index, UNLABELED])
    # Labels are int8, in which the cells of a dozen classes have no room.
    kind = np.select([rows.is_risky, of_no_class], [rare_index, labelled], rows.labels).astype(np.int64)
    counts = np.bincount(kind * columns + probabilities.argmax(axis=1), minlength=(labelled + 1) * columns)
    matrix = counts.reshape(labelled + 1, columns)
    names = [*class_names[:labelled], "unlabelled"]
    kept = labelled + int(matrix[labelled].any())
    return Confusion(list(class_names[:columns]), names[:kept], matrix[:kept].tolist())


def is_unknown(probabilities: np.ndarray, labelled_classes: int) -> np.ndarray | None:
    """Tell whose most probable class is 'unknown', bool [n]; None for a model without that output."""
    if probabilities.shape[1] <= labelled_classes:
        return None
    return probabilities.argmax(axis=1) == labelled_classes


def calibration(scored: Scored) -> Calibration:
    """Compare predicted risk with the share of risky players, in ten equal bins of the score; empty bins left out.

    What is observed is prevalence x share of the risky in the bin / share of the population in it; its interval is
    Wilson's, of the share that was counted.
    """
    own_bin = np.digitize(scored.score, np.arange(1, _BINS) / _BINS)
    population, risky = scored.in_population, scored.is_risky
    players = np.bincount(own_bin[population], minlength=_BINS)
    found = np.bincount(own_bin[risky], minlength=_BINS)
    sums = np.bincount(own_bin[population], weights=scored.score[population], minlength=_BINS)
    # What is counted: the risky among a bin's players, or, without truth, the bin's among all known risky ones.
    if scored.prevalence is None:
        whole, scale = players, np.ones(_BINS)
    else:
        whole = np.full(_BINS, found.sum())
        scale = scored.prevalence * players.sum() / np.maximum(players, 1)
    filled = np.flatnonzero(players)
    shares = filter(None, (share_of(int(found[number]), int(whole[number])) for number in filled))
    observed = np.array([(share.value, share.low, share.high) for share in shares]) * scale[filled, np.newaxis]
    # Scaled by a prevalence from elsewhere, a share can pass 1.
    value, low, high = np.minimum(1.0, observed).T.tolist()
    return Calibration((sums[filled] / players[filled]).tolist(), value, low, high, players[filled].tolist())
