"""How many of all players are risky: configured, or estimated from scores, or not to be known from these labels."""

import numpy as np

from scarcegan.data.players import UNLABELED
from scarcegan.evaluation.intervals import lower_bound, upper_bound
from scarcegan.evaluation.records import Prevalence
from scarcegan.settings import Settings

# Frozen after a look at simulated players of seeds 1 to 16 and one training of each real data set.
LEAK = 0.001  # the labelled harmless players who may pass a threshold at which the flagged are taken for risky
LEAST_HIT, LEAST_HITS = 0.1, 5  # the labelled risky players who must pass it: a share, and a number
LEVELS = np.arange(1, 10) / 10  # recalls at which the upper bound is looked for
CONFIDENCE = 0.9


def prevalence_of(scores: np.ndarray, labels: np.ndarray, unlabeled: float, settings: Settings) -> Prevalence:
    """Return the configured prevalence, or estimate it from scores of players whom none of the models was trained on.

    Where these labels cannot tell it, the review budget stands in for it, within the bounds, and `origin` says so.
    Scores and class indices (-1: unlabelled) are [n]; `unlabeled` is the number of unlabelled players beside the
    labelled ones given, of whom the unlabelled rows are a sample.
    """
    if settings.data.prevalence is not None:
        return Prevalence(settings.data.prevalence, "configured")
    rare = len(settings.populations.negatives)
    risky, negatives, others = (
        np.sort(scores[rows]) for rows in (labels == rare, (labels >= 0) & (labels != rare), labels == UNLABELED)
    )
    players = unlabeled + len(risky) + len(negatives)

    def of_all(share_of_unlabeled: float) -> float:
        return float((len(risky) + min(1.0, share_of_unlabeled) * unlabeled) / players)

    low, high = of_all(0.0), of_all(_most(risky, others) if len(risky) and len(others) else 1.0)
    found = _positive_unlabeled(risky, negatives, others)
    if found is None:
        return Prevalence(float(np.clip(settings.review_budget, low, high)), "assumed", low, high)
    return Prevalence(min(of_all(found), high), "estimated", low, high)


def _positive_unlabeled(risky: np.ndarray, negatives: np.ndarray, others: np.ndarray) -> float | None:
    """Estimate the share of risky players among the unlabelled, or None; all scores ascend.

    Where hardly a labelled harmless player passes a threshold, those of the unlabelled who pass it are taken for risky:
    flagged = share x hit rate. That asks that the labelled risky players are like the others, and that the harmless
    unlabelled score no higher than the labelled ones. The lowest such threshold has the most players to count.

    Source: C. Elkan and K. Noto, Learning classifiers from only positive and unlabeled data, 2008.
    """
    if not len(risky) or not len(negatives) or not len(others):
        return None
    thresholds = np.unique(risky)
    hits, leaked, flagged = (len(group) - np.searchsorted(group, thresholds) for group in (risky, negatives, others))
    usable = (leaked <= LEAK * len(negatives)) & (hits >= max(LEAST_HITS, LEAST_HIT * len(risky)))
    if not usable.any():
        return None
    at = np.flatnonzero(usable)[0]
    return float(flagged[at] / len(others) / (hits[at] / len(risky)))


def _most(risky: np.ndarray, others: np.ndarray) -> float:
    """Bound the share of risky players among the unlabelled from above, whoever the harmless are; all scores ascend.

    At any threshold the risky among the flagged are no more than the flagged: share <= flagged / hit rate. The least
    of these quotients at nine recalls, each with exact limits; both limits of all nine hold together.
    """
    # The highest thresholds with at least such recalls.
    hits = np.unique(np.ceil(LEVELS * len(risky) - 1e-9).astype(int))
    thresholds = risky[len(risky) - hits]
    hits, flagged = (len(group) - np.searchsorted(group, thresholds) for group in (risky, others))
    # The known risky bound it from below for sure: all doubt is left to the upper end, shared by 2 x 9 limits.
    sure = 1 - (1 - CONFIDENCE) / (2 * len(LEVELS))
    return float(np.min(upper_bound(flagged, len(others), sure) / lower_bound(hits, len(risky), sure)))
