"""All figures of one score on one test set, with intervals."""

import numpy as np

from scarcegan.evaluation import metrics
from scarcegan.evaluation.classes import calibration
from scarcegan.evaluation.intervals import interval
from scarcegan.evaluation.metrics import AtThreshold
from scarcegan.evaluation.records import Curve, Interval, Measures
from scarcegan.evaluation.scored import Scored

_CURVE_POINTS = 100
_SMALLEST_SHARE = 1e-4


def measure(scored: Scored, weights: np.ndarray, review_budget: float, threshold: float | None) -> Measures:
    """Measure one score on one test set; what needs class probabilities is None.

    Args:
        scored: the test set's players.
        weights: uint8 array [resamples, n], the same for all that are to be compared.
        review_budget: share of players that moderators can look at.
        threshold: where `recall`, `precision`, `flagged_share` and `f2` are taken; None: at the review budget.
    """
    plain, drawn = metrics.curve(scored), metrics.curve(scored, weights)
    at_1, at_2, at_5, budget = (_at_share(plain, drawn, share) for share in (0.01, 0.02, 0.05, review_budget))
    own = budget if threshold is None else _at_threshold(scored, weights, threshold)
    return Measures(
        players=int(np.count_nonzero(scored.in_population)),
        risky=int(np.count_nonzero(scored.is_risky)),
        prevalence=float(plain.prevalence[0]),
        pr_auc=interval(metrics.average_precision(plain)[0], metrics.average_precision(drawn)),
        roc_auc=interval(metrics.roc_auc(plain)[0], metrics.roc_auc(drawn)),
        recall_at_1=at_1["recall"],
        recall_at_2=at_2["recall"],
        recall_at_5=at_5["recall"],
        recall_at_budget=budget["recall"],
        precision_at_budget=budget["precision"],
        recall=own["recall"],
        precision=own["precision"],
        flagged_share=own["flagged_share"],
        f2=own["f2"],
        curve=_banded_curve(plain, drawn),
        calibration=calibration(scored),
    )


def share_interval(rows: np.ndarray, of: np.ndarray, weights: np.ndarray) -> Interval:
    """Put the share of `rows` among the rows `of` (bool arrays [n]) beside its interval."""
    drawn = weights[:, rows & of].sum(axis=1, dtype=np.int64) / weights[:, of].sum(axis=1, dtype=np.int64)
    return interval(np.mean(rows[of]), drawn)


def _at_threshold(scored: Scored, weights: np.ndarray, threshold: float) -> dict[str, Interval]:
    return _intervals(
        metrics.at_threshold(scored, threshold),
        metrics.at_threshold(scored, threshold, weights),
    )


def _at_share(plain: metrics.Curve, drawn: metrics.Curve, share: float) -> dict[str, Interval]:
    return _intervals(_flagging(plain, share), _flagging(drawn, share))


def _intervals(plain: AtThreshold, drawn: AtThreshold) -> dict[str, Interval]:
    return {name: interval(getattr(plain, name)[0], getattr(drawn, name)) for name in AtThreshold._fields}


def _flagging(points: metrics.Curve, share: float) -> AtThreshold:
    """Take the figures where a share of the population is flagged."""
    recall = metrics.recall_at_shares(points, np.array([[share]]))[:, 0]
    flagged = np.full(len(recall), share)
    precision = metrics.precision_of(recall, flagged, points.prevalence)
    return AtThreshold(recall, precision, flagged, metrics.f_score(precision, recall))


def _banded_curve(plain: metrics.Curve, drawn: metrics.Curve) -> Curve:
    """Recall and precision over flagged shares, evenly spaced in the logarithm."""
    smallest = max(1 / int(plain.population[0]), _SMALLEST_SHARE)
    shares = np.geomspace(smallest, 1.0, _CURVE_POINTS)
    series = {"flagged_share": shares}
    recall = metrics.recall_at_shares(plain, shares[None])[0]
    recalls = metrics.recall_at_shares(drawn, shares[None])
    series |= {"recall": recall, "precision": metrics.precision_of(recall, shares, plain.prevalence[0])}
    resampled = {"recall": recalls, "precision": metrics.precision_of(recalls, shares, drawn.prevalence[:, None])}
    for name, values in resampled.items():
        series[f"{name}_low"], series[f"{name}_high"] = np.percentile(values, [2.5, 97.5], axis=0)
    return Curve(**{name: values.tolist() for name, values in series.items()})
