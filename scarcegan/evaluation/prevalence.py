"""How many of all players are risky: known, configured, or estimated from scores."""

import numpy as np

from scarcegan.data.players import UNKNOWN_TRUTH, UNLABELED
from scarcegan.evaluation.records import Prevalence
from scarcegan.problems import DataProblem
from scarcegan.settings import Settings

# Thresholds whose rates differ less than this make the quotient noisy (Forman 2008, median sweep).
_LEAST_SEPARATION = 0.25


def prevalence_of(scores: np.ndarray, labels: np.ndarray, settings: Settings) -> Prevalence:
    """Return the configured prevalence, or estimate it from held-out scores; where that fails, say what is assumed.

    Both arrays are [n]: risk scores, and class indices (-1: unlabelled).
    """
    known = known_prevalence(None, settings.data.prevalence)
    if known:
        return known
    rare = len(settings.populations.negatives)
    groups = (scores[labels == rare], scores[(labels >= 0) & (labels != rare)], scores[labels == UNLABELED])
    try:
        return estimate_prevalence(*groups)
    except DataProblem as problem:
        # Hours of training must not be lost for one figure; the words travel with it to card and registry.
        return Prevalence(settings.review_budget, f"assumed equal to the review budget ({problem})")


def known_prevalence(truth: np.ndarray | None, configured: float | None) -> Prevalence | None:
    """Return the prevalence if truth (int array [n]: 1, 0, -1 not known) or the configuration tells it."""
    if truth is not None and len(truth) and not np.any(truth == UNKNOWN_TRUTH):
        return Prevalence(float(np.mean(truth == 1)), "known from truth")
    if configured is not None:
        return Prevalence(configured, "from config")
    return None


def estimate_prevalence(risky: np.ndarray, negatives: np.ndarray, unlabeled: np.ndarray) -> Prevalence:
    """Estimate the share of risky players among the unlabelled from scores none of them was trained on.

    Adjusted count: a threshold flags u = p * tpr + (1 - p) * fpr of the unlabelled, solved for p; the median over
    thresholds with well separated rates. The labelled negatives need not resemble the unlabelled ones, so the
    result is also held below the smallest u / tpr, which bounds p whatever the negatives are.

    Raises:
        DataProblem: a group is empty, or the scores do not tell risky from harmless players.

    Source: G. Forman, Quantifying counts and costs via classification, 2008.
    """
    sizes = {"risky": len(risky), "negatives": len(negatives), "unlabeled": len(unlabeled)}
    if min(sizes.values()) == 0:
        raise DataProblem(f"expected validation players of each kind to estimate the prevalence, got {sizes}: "
                          "set data.prevalence")  # fmt: skip
    # The hit rate changes only at scores of risky players.
    thresholds = np.unique(risky)
    # The share of each group at or above each threshold.
    hit, false, flagged = (
        1 - np.searchsorted(np.sort(group), thresholds) / len(group) for group in (risky, negatives, unlabeled)
    )
    usable = hit - false >= _LEAST_SEPARATION
    if not usable.any():
        raise DataProblem(
            f"expected scores that separate risky from harmless players by {_LEAST_SEPARATION} at some threshold "
            f"to estimate the prevalence, got {np.max(hit - false):.2f}: set data.prevalence"
        )
    hit, false, flagged = hit[usable], false[usable], flagged[usable]
    estimate = np.median((flagged - false) / (hit - false))
    # One player at least: a prevalence of 0 would make every precision 0.
    least = 1 / len(unlabeled)
    most = max(least, np.min(flagged / hit))
    return Prevalence(float(np.clip(estimate, least, most)), "estimated by adjusted count")
