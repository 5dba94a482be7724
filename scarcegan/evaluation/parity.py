"""Two scores of the same players side by side: would moderators see other players?"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr


@dataclass(frozen=True)
class Parity:
    """How far two scores agree.

    Attributes:
        budget_players: players that moderators look at, the same number for both scores.
        agreement: share of them that both scores choose; 1 where nobody is looked at.
        rank_correlation: Spearman's, in [-1, 1]; NaN where a score is the same for everyone.
        moved_in, moved_out: rows of those whom only the new, or only the old, score chooses; its highest first.
        old_rank, new_rank: int arrays [players], 1 for the highest score.
    """

    players: int
    budget_players: int
    agreement: float
    rank_correlation: float
    largest_difference: float
    moved_in: np.ndarray
    moved_out: np.ndarray
    old_rank: np.ndarray
    new_rank: np.ndarray


def compare_scores(ids: np.ndarray, old: np.ndarray, new: np.ndarray, review_budget: float) -> Parity:
    """Compare two scores [n] of the same players (n > 0) at the review budget and over all ranks.

    Equal scores are ordered by player id; the ids [n] are unique.
    """
    # 29 % of 100 players are 29, though 0.29 * 100 is a little less.
    count = int(review_budget * len(ids) + 1e-9)
    old_rank, new_rank = _ranks(old, ids), _ranks(new, ids)
    was_in, is_in = old_rank <= count, new_rank <= count
    rows_in, rows_out = np.flatnonzero(is_in & ~was_in), np.flatnonzero(was_in & ~is_in)
    # SciPy warns of scores that are the same for everyone.
    ranked = np.ptp(old) > 0 and np.ptp(new) > 0
    return Parity(
        players=len(ids),
        budget_players=count,
        agreement=float(np.mean(is_in[was_in])) if count else 1.0,
        rank_correlation=float(spearmanr(old, new).statistic) if ranked else math.nan,
        largest_difference=float(np.abs(old.astype(np.float64) - new).max()),
        moved_in=rows_in[np.argsort(new_rank[rows_in])],
        moved_out=rows_out[np.argsort(old_rank[rows_out])],
        old_rank=old_rank,
        new_rank=new_rank,
    )


def _ranks(scores: np.ndarray, ids: np.ndarray) -> np.ndarray:
    ranks = np.empty(len(scores), dtype=np.int64)
    ranks[np.lexsort((ids, -scores))] = np.arange(1, len(scores) + 1)
    return ranks
