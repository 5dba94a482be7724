"""The prevalence that a fold and the join measure precision with; apart from training, which needs TensorFlow."""

import numpy as np

from scarcegan.data.players import UNLABELED
from scarcegan.evaluation.prevalence import Prevalence, estimate_prevalence, known_prevalence
from scarcegan.problems import DataProblem
from scarcegan.settings import Settings


def prevalence_of(scores: np.ndarray, labels: np.ndarray, settings: Settings) -> Prevalence:
    """Return the configured prevalence, or estimate it from held-out scores; where that fails, say what is assumed.

    Args:
        scores: float array [n], risk scores of held-out players.
        labels: int array [n], class index of each, -1 unlabelled.
        settings: the resolved settings.
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
