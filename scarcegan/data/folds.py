"""Who is tested, who is trained on: hold-out, sampling and stratified folds, all by player.

Some unlabelled players of the pool are set apart: no fold trains or validates on them, so that the final ensemble,
which joins members of all folds, can be given its thresholds on players that none of them has seen.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from scarcegan.data.players import UNLABELED, Players
from scarcegan.problems import DataProblem
from scarcegan.settings import Settings

THRESHOLD_SHARE = 0.2  # of the unlabelled players of the pool,
MAX_THRESHOLD_PLAYERS = 10_000  # but no more: a flagged share of 1 % is known to a tenth of it then


def split(players: Players, settings: Settings, rng: np.random.Generator) -> tuple[Players, np.ndarray]:
    """Hold out test players where the source has none, sample the unlabelled ones, and assign the folds.

    Returns:
        The players that stay, and their int8 folds as `assign_folds` gives them.

    Raises:
        DataProblem: a population has fewer players than there are folds.
    """
    if not players.test_sets:
        players = hold_out(players, settings.data.test_share)
    players = sample_unlabeled(players, settings.data.max_unlabeled, rng)
    return players, assign_folds(players, settings, rng)


def hold_out(players: Players, share: float) -> Players:
    """Move a share of the pool, the same of each population, to a test set named `test`.

    Who is tested hangs on a hash of the player's id, not on a seed or on the other rows: a champion that was trained
    on an earlier table is then measured on players that it has hardly ever seen.
    """
    lot = pd.util.hash_array(players.ids if players.ids.dtype.kind in "iu" else players.ids.astype(object))
    test_set = players.test_set.copy()
    for label in np.unique(players.labels):
        rows = np.flatnonzero((players.labels == label) & (test_set == 0))
        test_set[rows[np.argsort(lot[rows], kind="stable")[: held_out_count(len(rows), share)]]] = 1
    return replace(players, test_set=test_set, test_sets=("test",))


def held_out_count(players: int, share: float) -> int:
    """Return how many of a population's players `hold_out` takes: at least one, never all."""
    return max(0, min(players - 1, max(1, round(players * share))))


def sample_unlabeled(players: Players, most: int, rng: np.random.Generator) -> Players:
    """Keep a random `most` of the pool's unlabelled players, and everybody else, in their order."""
    rows = np.flatnonzero((players.labels == UNLABELED) & (players.test_set == 0))
    if len(rows) <= most:
        return players
    keep = np.ones(len(players), dtype=bool)
    keep[rows] = False
    keep[rng.choice(rows, most, replace=False)] = True
    return players.take(keep)


def assign_folds(players: Players, settings: Settings, rng: np.random.Generator) -> np.ndarray:
    """Assign each player of the pool to one fold, stratified by label (unlabelled players too).

    Folds differ by at most one player in each population, and in all.

    Returns:
        int8 array [n]: the fold from 0 in which a player validates; `folds.k` for an unlabelled player set apart
        for the thresholds; -s for a player of test set s.

    Raises:
        DataProblem: a population has fewer players than there are folds.
    """
    k = settings.folds.k
    fold = -players.test_set
    shuffled = rng.permutation(np.flatnonzero(players.test_set == 0))
    unlabeled = shuffled[players.labels[shuffled] == UNLABELED]
    apart = unlabeled[: min(MAX_THRESHOLD_PLAYERS, max(1, int(len(unlabeled) * THRESHOLD_SHARE)))]
    fold[apart] = k
    shuffled = shuffled[fold[shuffled] != k]
    require_players_per_fold(population_counts(players.labels[shuffled], settings), k)
    # Dealing the folds out in turn through all populations keeps each of them, and their sum, balanced.
    by_label = shuffled[np.argsort(players.labels[shuffled], kind="stable")]
    fold[by_label] = np.arange(len(by_label)) % k
    return fold


def in_folds(fold: np.ndarray, k: int) -> np.ndarray:
    """Return a mask of the players that some fold trains or validates on."""
    return (fold >= 0) & (fold < k)


def population_counts(labels: np.ndarray, settings: Settings) -> dict[str, int]:
    """Count labels by population name: the classes in index order, then the unlabelled."""
    names = settings.populations.classes
    counts = {name: int(np.count_nonzero(labels == index)) for index, name in enumerate(names)}
    return {**counts, settings.populations.unlabeled: int(np.count_nonzero(labels == UNLABELED))}


def require_players_per_fold(counts: Mapping[str, int], k: int) -> None:
    """Refuse a population, given as name -> players in the pool, that cannot reach each fold.

    Raises:
        DataProblem: a population has fewer players than there are folds.
    """
    for name, count in counts.items():
        if count < k:
            raise DataProblem(
                f"expected at least {k} '{name}' players for {k} folds (test players apart), got {count}: "
                f"lower folds.k or add players to the '{name}' input"
            )
