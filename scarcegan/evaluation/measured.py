"""All figures of one score on one test set, with intervals."""

from typing import Any

import numpy as np

from scarcegan.evaluation import metrics
from scarcegan.evaluation.classes import calibration
from scarcegan.evaluation.intervals import interval
from scarcegan.evaluation.scored import Scored

_CURVE_POINTS = 100
_SMALLEST_SHARE = 1e-4


def measure(scored: Scored, weights: np.ndarray, review_budget: float, threshold: float | None) -> dict[str, Any]:
    """Measure one score on one test set.

    Args:
        scored: the test set's players.
        weights: uint8 array [resamples, n], the same for all that are to be compared.
        review_budget: share of players that moderators can look at.
        threshold: where `recall`, `precision`, `flagged_share` and `f2` are taken; None: at the review budget.

    Returns:
        The measures of the evaluation's contract; all but counts, curve and calibration are intervals.
        `unknown_share` and `confusion` are None: they need class probabilities.
    """
    plain, drawn = metrics.curve(scored), metrics.curve(scored, weights)
    budget = _at_share(plain, drawn, review_budget)
    at = budget if threshold is None else _at_threshold(scored, weights, threshold)
    return {
        "players": int(np.count_nonzero(scored.in_population)),
        "risky": int(np.count_nonzero(scored.is_risky)),
        "prevalence": float(plain.prevalence[0]),
        "pr_auc": interval(metrics.average_precision(plain)[0], metrics.average_precision(drawn)),
        "roc_auc": interval(metrics.roc_auc(plain)[0], metrics.roc_auc(drawn)),
        **{f"recall_at_{percent}": _at_share(plain, drawn, percent / 100)["recall"] for percent in (1, 2, 5)},
        "recall_at_budget": budget["recall"],
        "precision_at_budget": budget["precision"],
        **at,
        "unknown_share": None,
        "curve": _banded_curve(plain, drawn),
        "confusion": None,
        "calibration": calibration(scored),
    }


def share_interval(rows: np.ndarray, of: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    """Put the share of `rows` among the rows `of` (bool arrays [n]) beside its interval."""
    drawn = weights[:, rows & of].sum(axis=1, dtype=np.int64) / weights[:, of].sum(axis=1, dtype=np.int64)
    return interval(np.mean(rows[of]), drawn)


def _at_threshold(scored: Scored, weights: np.ndarray, threshold: float) -> dict[str, Any]:
    plain = metrics.at_threshold(scored, threshold)
    drawn = metrics.at_threshold(scored, threshold, weights)
    return {name: interval(getattr(plain, name)[0], getattr(drawn, name)) for name in plain._fields}


def _at_share(plain: metrics.Curve, drawn: metrics.Curve, share: float) -> dict[str, Any]:
    one, many = _figures_at(plain, share), _figures_at(drawn, share)
    return {name: interval(one[name][0], many[name]) for name in one}


def _figures_at(points: metrics.Curve, share: float) -> dict[str, np.ndarray]:
    recall = metrics.recall_at_shares(points, np.array([[share]]))[:, 0]
    flagged = np.full(len(recall), share)
    precision = metrics.precision_of(recall, flagged, points.prevalence)
    f2 = metrics.f_score(precision, recall)
    return {"recall": recall, "precision": precision, "flagged_share": flagged, "f2": f2}


def _banded_curve(plain: metrics.Curve, drawn: metrics.Curve) -> dict[str, list[float]]:
    """Recall and precision over flagged shares, evenly spaced in the logarithm."""
    smallest = max(1 / int(plain.population[0]), _SMALLEST_SHARE)
    shares = np.geomspace(smallest, 1.0, _CURVE_POINTS)[None]
    recall = metrics.recall_at_shares(plain, shares)[0]
    recalls = metrics.recall_at_shares(drawn, shares)
    series = {"recall": recall, "precision": metrics.precision_of(recall, shares[0], plain.prevalence[0])}
    many = {"recall": recalls, "precision": metrics.precision_of(recalls, shares, drawn.prevalence[:, None])}
    for name, values in many.items():
        series[f"{name}_low"], series[f"{name}_high"] = np.percentile(values, [2.5, 97.5], axis=0)
    return {"flagged_share": shares[0].tolist(), **{name: values.tolist() for name, values in series.items()}}
