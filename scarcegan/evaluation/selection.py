"""Which members of a fold, as of which round, serve a business definition best."""

import numpy as np

from scarcegan.evaluation.definitions import operating_point
from scarcegan.evaluation.scored import Scored
from scarcegan.problems import TrainingCollapsed
from scarcegan.records import Record
from scarcegan.settings import Definition

_SHARES = 9  # flagged shares over which a round's recall is averaged


class Choice(Record):
    """What one fold offers for one business definition: all members that were healthy in a round, by index.

    Each has its chosen round's index and the measure that chose it, mean recall around the definition's flagged share.
    """

    members: list[int]
    rounds: list[int]
    measure: list[float]


def choose(
    scores: np.ndarray, healthy: np.ndarray, validation: Scored, definition: Definition, review_budget: float
) -> Choice:
    """Choose each healthy member's round for a definition.

    A few dozen validation positives make any single figure of a single round noisy. So the flagged share
    that matters is taken from the mean of everything healthy; a round is judged by its recall around that
    share, averaged over several shares and over the neighbouring rounds. The scores are [rounds, members, n], of the
    validation rows, whose own score is not looked at; healthy is bool [rounds, members], what may be chosen.

    Raises:
        TrainingCollapsed: no member is healthy in any round.
        DataProblem: a healthy member's score is not finite.
    """
    members = np.flatnonzero(healthy.any(axis=0))
    if not len(members):
        raise TrainingCollapsed(
            f"expected at least 1 healthy member for '{definition.name}', got 0 of {healthy.shape[1]}: "
            "lower the learning rates or train more members (train.members)"
        )
    scores, healthy = scores[:, members], healthy[:, members]
    reference = operating_point(definition, validation.with_score(scores[healthy].mean(axis=0)), review_budget)
    # A definition may flag nobody of a small population; judge then by the smallest share it can show.
    share = max(reference.flagged_share, 1 / np.count_nonzero(validation.in_population))
    shares = np.geomspace(share / 2, min(2 * share, 1.0), _SHARES)
    quality = np.full(healthy.shape, np.nan)
    quality[healthy] = [mean_recall(validation, one, shares) for one in scores[healthy]]
    quality = smooth(quality)
    best = np.nanargmax(quality, axis=0)
    columns = np.arange(len(members))
    return Choice(members=members.tolist(), rounds=best.tolist(), measure=quality[best, columns].tolist())


def mean_recall(validation: Scored, score: np.ndarray, shares: np.ndarray) -> float:
    """Average the recall over flagged shares, ties at each edge taken in random order.

    Closed form of `metrics.recall_at_shares` for one unweighted score: no full ranking is needed, and a
    search scores members in thousands of rounds.
    """
    population = np.sort(np.append(score[validation.in_population], -np.inf))
    risky = np.sort(score[validation.is_risky])
    last = len(population) - 1
    count = shares * last
    # The best score that is not flagged for certain; minus infinity where everybody is flagged.
    edge = population[last - (count * (1 + 1e-9)).astype(int)]
    above, up_to = _at_or_above(population, edge)
    part = np.clip((count - above) / (up_to - above), 0.0, 1.0)
    risky_above, risky_up_to = _at_or_above(risky, edge)
    recall = (risky_above + part * (risky_up_to - risky_above)) / len(risky)
    return float(recall.mean())


def smooth(quality: np.ndarray) -> np.ndarray:
    """Average each round's quality [rounds, members] with its neighbours'; NaN has none and counts for none."""
    there = np.isfinite(quality)
    padded, counted = (np.pad(one, ((1, 1), (0, 0))) for one in (np.where(there, quality, 0.0), there.astype(int)))
    total, count = (one[:-2] + one[1:-1] + one[2:] for one in (padded, counted))
    return np.where(there, total / np.maximum(count, 1), np.nan)


def _at_or_above(ascending: np.ndarray, edge: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Count the values above each edge, and those at or above it."""
    above = len(ascending) - np.searchsorted(ascending, edge, side="right")
    return above, len(ascending) - np.searchsorted(ascending, edge, side="left")
