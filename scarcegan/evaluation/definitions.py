"""Business definitions made concrete: the threshold that serves each best."""

from dataclasses import dataclass

import numpy as np

from scarcegan.evaluation.metrics import f_score, precision_of
from scarcegan.evaluation.scored import Scored
from scarcegan.records import Record
from scarcegan.settings import Definition

# Bounds are compared with rounding forgiven: 9 of 10 found meets a bound of 0.9.
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class OperatingPoint(Record):
    """A threshold (score >= threshold is flagged) and what it reaches on the players it was set on."""

    threshold: float
    flagged_share: float
    recall: float
    precision: float
    f2: float
    constraint_met: bool


@dataclass(frozen=True)
class _Points:
    """All distinct thresholds, falling, with their measures; each a float array [points]."""

    threshold: np.ndarray
    flagged: np.ndarray
    recall: np.ndarray
    precision: np.ndarray
    f2: np.ndarray


def operating_point(definition: Definition, scored: Scored, review_budget: float) -> OperatingPoint:
    """Find the threshold that serves a business definition best.

    Tied players are flagged together. When no threshold meets the constraint, the closest one is returned
    with `constraint_met` False. Flagging nobody is no answer. A bound flagged share is used in full, since
    every further review can only find more; otherwise equals are settled for the fewer flagged.
    """
    points = _all_points(scored)
    slack = _slack(definition, points, review_budget)
    met = bool(np.any(slack >= -_TOLERANCE))
    allowed = slack >= (-_TOLERANCE if met else slack.max() - _TOLERANCE)
    gain = {"recall": points.recall, "fewest_flagged": -points.flagged, "f2": points.f2}[definition.maximise]
    best = np.flatnonzero(allowed & (gain >= gain[allowed].max() - _TOLERANCE))
    uses_all = met and (definition.maximise == "fewest_flagged" or definition.constraint == "flagged")
    at = best[-1] if uses_all else best[0]
    return OperatingPoint(
        threshold=float(points.threshold[at]),
        flagged_share=float(points.flagged[at]),
        recall=float(points.recall[at]),
        precision=float(points.precision[at]),
        f2=float(points.f2[at]),
        constraint_met=met,
    )


def describe(definition: Definition, review_budget: float) -> str:
    """Say a definition in a few words: `recall >= 0.85, fewest flagged`."""
    aims = {"recall": "highest recall", "fewest_flagged": "fewest flagged", "f2": "highest F2"}
    bound = bound_of(definition, review_budget)
    limit = {
        "recall": f"recall >= {bound:.2f}, ",
        "precision": f"precision >= {bound:.2f}, ",
        "flagged": f"flagged share <= {bound:g}, ",
        None: "",
    }[definition.constraint]
    return limit + aims[definition.maximise]


def bound_of(definition: Definition, review_budget: float) -> float:
    """Return the constraint's bound (a flagged share without one: the review budget); 0: no constraint."""
    if definition.bound is not None:
        return definition.bound
    return review_budget if definition.constraint == "flagged" else 0.0


def _slack(definition: Definition, points: _Points, review_budget: float) -> np.ndarray:
    """How far each point is on the good side of the bound (negative: violated)."""
    bound = bound_of(definition, review_budget)
    if definition.constraint == "flagged":
        return bound - points.flagged
    if definition.constraint is None:
        return np.zeros(len(points.threshold))
    return (points.recall if definition.constraint == "recall" else points.precision) - bound


def _all_points(scored: Scored) -> _Points:
    thresholds, group = np.unique(scored.score, return_inverse=True)

    def falling_share(rows: np.ndarray) -> np.ndarray:
        return np.cumsum(np.bincount(group[rows], minlength=len(thresholds))[::-1]) / np.count_nonzero(rows)

    recall, flagged = falling_share(scored.is_risky), falling_share(scored.in_population)
    prevalence = scored.prevalence
    if prevalence is None:
        prevalence = float(np.mean(scored.is_risky[scored.in_population]))
    # A labelled player may outrank all of the population: a share below one of its players cannot be told from one.
    precision = precision_of(recall, np.maximum(flagged, 1 / np.count_nonzero(scored.in_population)), prevalence)
    return _Points(thresholds[::-1], flagged, recall, precision, f_score(precision, recall))
