"""Two scores of the same players side by side: would moderators see other players?"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Parity:
    """How far two scores agree.

    Attributes:
        players: number of players.
        budget_players: players that moderators look at, the same number for both scores.
        in_both: players that both scores put there.
        rank_correlation: Spearman's, in [-1, 1]; NaN where a score is the same for everyone.
        largest_difference: of the two scores of a player.
        moved_in: int array, rows of the players that only the new score puts there, its highest first.
        moved_out: int array, rows of the players that only the old score puts there, its highest first.
        old_rank, new_rank: int arrays [players], 1 for the highest score.
    """

    players: int
    budget_players: int
    in_both: int
    rank_correlation: float
    largest_difference: float
    moved_in: np.ndarray
    moved_out: np.ndarray
    old_rank: np.ndarray
    new_rank: np.ndarray

    @property
    def agreement(self) -> float:
        """Share of the looked-at players that both scores choose; 1 where nobody is looked at."""
        return self.in_both / self.budget_players if self.budget_players else 1.0


def compare_scores(ids: np.ndarray, old: np.ndarray, new: np.ndarray, review_budget: float) -> Parity:
    """Compare two scores at the review budget and over all ranks; equal scores are ordered by player id.

    Args:
        ids: array [n] of player ids, unique; n > 0.
        old: float array [n].
        new: float array [n], the same players.
        review_budget: share of players that moderators can look at.
    """
    count = int(review_budget * len(ids) + 1e-9)
    old_rank, new_rank = _ranks(old, ids), _ranks(new, ids)
    was_in, is_in = old_rank <= count, new_rank <= count
    rows_in, rows_out = np.flatnonzero(is_in & ~was_in), np.flatnonzero(was_in & ~is_in)
    return Parity(
        players=len(ids),
        budget_players=count,
        in_both=int((was_in & is_in).sum()),
        rank_correlation=_spearman(old, new),
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


def _spearman(old: np.ndarray, new: np.ndarray) -> float:
    from scipy.stats import rankdata

    if np.ptp(old) == 0 or np.ptp(new) == 0:
        return float("nan")
    return float(np.corrcoef(rankdata(old), rankdata(new))[0, 1])
