"""Who is tested, who is trained on: hold-out, sampling and stratified folds, all by player.

Some unlabelled players of the pool are set apart: no fold trains or validates on them, so that the final ensemble,
which joins members of all folds, can be given its thresholds on players that none of them has seen.
"""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from scarcegan.data.players import UNLABELED, Players
from scarcegan.problems import DataProblem
from scarcegan.settings import Data, Populations, Settings

THRESHOLD_SHARE = 0.2  # of the unlabelled players of the pool,
MAX_THRESHOLD_PLAYERS = 10_000  # but no more: a flagged share of 1 % is known to a tenth of it then
BLOCK_ROWS = 65_536


def split(players: Players, settings: Settings, rng: np.random.Generator) -> tuple[Players, np.ndarray]:
    """Sample the unlabelled players, hold out test players where the source has none, and assign the folds.

    Returns the players that stay, and their folds; see `assign_folds`, on errors too.
    """
    players = players.take(sampled(players, settings.data, settings.seed))
    if not players.test_sets:
        players = hold_out(players, settings.data.test_share)
    return players, assign_folds(players, settings.populations, settings.folds.k, rng)


def sampled(players: Players, data: Data, seed: int) -> np.ndarray:
    """Tell who stays when more unlabelled players are there than `data.max_unlabeled` lets training read.

    It hangs on a hash of the id and the seed, so that nobody's features are needed, and the same player stays in
    whatever order and company. Where test players are held out later, their share comes on top.
    Returns bool [n], False for the unlabelled players of the pool who are left out; doing it again changes nothing.
    """
    most = data.max_unlabeled
    if not players.test_sets:
        most = math.ceil(most / (1 - data.test_share))
    others = (players.labels == UNLABELED) & (players.test_set == 0)
    if np.count_nonzero(others) <= most:
        return np.ones(len(players), bool)
    # Hashed once more with a salt: who is sampled does not hang on who is held out, which goes by the lots alone.
    salt = np.random.SeedSequence(seed).generate_state(1, np.uint64)
    return ~others | _lowest(pd.util.hash_array(lots(players.ids) ^ salt), others, most)


def hold_out(players: Players, share: float) -> Players:
    """Move a share of the pool, the same of each population, to a test set named `test`.

    Who is tested hangs on a hash of the player's id, not on a seed or on the other rows: a champion that was trained
    on an earlier table is then measured on players that it has hardly ever seen.
    """
    lot = lots(players.ids)
    test_set = players.test_set.copy()
    for label in np.unique(players.labels):
        inside = (players.labels == label) & (players.test_set == 0)
        test_set[_lowest(lot, inside, held_out_count(int(np.count_nonzero(inside)), share))] = 1
    return replace(players, test_set=test_set, test_sets=("test",))


def lots(ids: np.ndarray) -> np.ndarray:
    """Return a hash of each id, uint64 [n], that no run, machine, seed or order of rows changes."""
    drawn = np.empty(len(ids), np.uint64)
    for start in range(0, len(ids), BLOCK_ROWS):
        block = ids[start : start + BLOCK_ROWS]
        # Text is hashed as objects, block by block: those of all ids at once would take much memory.
        keys = block if block.dtype.kind in "iu" else block.astype(object)
        drawn[start : start + BLOCK_ROWS] = pd.util.hash_array(keys)
    return drawn


def _lowest(lot: np.ndarray, inside: np.ndarray, count: int) -> np.ndarray:
    """Return a mask of the `count` players inside with the lowest lots."""
    if not count:
        return np.zeros(len(lot), bool)
    drawn = lot[inside]
    drawn.partition(count - 1)
    return inside & (lot <= drawn[count - 1])


def held_out_count(players: int, share: float) -> int:
    """Return how many of a population's players `hold_out` takes: at least one, never all."""
    return max(0, min(players - 1, max(1, round(players * share))))


def assign_folds(players: Players, populations: Populations, k: int, rng: np.random.Generator) -> np.ndarray:
    """Assign each player of the pool to one fold, stratified by label (unlabelled players too).

    Folds differ by at most one player in each population, and in all.

    Returns:
        int8 array [n]: the fold from 0 in which a player validates; `k` for an unlabelled player set apart
        for the thresholds; -s for a player of test set s.

    Raises:
        DataProblem: a population has fewer players than there are folds.
    """
    fold = -players.test_set
    # Half-width row numbers: at ten million players each array of them counts.
    shuffled = rng.permutation(np.flatnonzero(players.test_set == 0).astype(np.int32))
    unlabeled = shuffled[players.labels[shuffled] == UNLABELED]
    apart = unlabeled[: min(MAX_THRESHOLD_PLAYERS, max(1, int(len(unlabeled) * THRESHOLD_SHARE)))]
    fold[apart] = k
    shuffled = shuffled[fold[shuffled] != k]
    require_players_per_fold(population_counts(players.labels[shuffled], populations), k)
    # Dealing the folds out in turn through all populations keeps each of them, and their sum, balanced.
    labels = players.labels[shuffled]
    by_label = np.concatenate([shuffled[labels == label] for label in np.unique(labels)])
    fold[by_label] = np.resize(np.arange(k, dtype=np.int8), len(by_label))
    return fold


def in_folds(fold: np.ndarray, k: int) -> np.ndarray:
    """Return a mask of the players that some fold trains or validates on."""
    return (fold >= 0) & (fold < k)


def population_counts(labels: np.ndarray, populations: Populations) -> dict[str, int]:
    """Count labels by population name: the classes in index order, then the unlabelled."""
    named = [*enumerate(populations.classes), (UNLABELED, populations.unlabeled)]
    return {name: int(np.count_nonzero(labels == label)) for label, name in named}


def require_players_per_fold(counts: Mapping[str, int], k: int) -> None:
    """Refuse a population, given as name -> players in the pool, that has fewer players than there are folds."""
    for name, count in counts.items():
        if count < k:
            raise DataProblem(
                f"expected at least {k} '{name}' players for {k} folds (test players apart), got {count}: "
                f"lower folds.k or add players to the '{name}' input"
            )
