"""Who is tested, who is trained on: hold-out, sampling and stratified folds, all by player.

Everything is drawn by lots, which hang on a player's id and the seed, not on a row: the same players in another file,
format or order of rows are on the same sides, and so is next month whoever was there before (`data.ids`).

Some unlabelled players of the pool are set apart: no fold trains or validates on them, so that the final ensemble,
which joins members of all folds, can be given its thresholds on players that none of them has seen.
"""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from scarcegan.data.ids import below, keyed_lots, lots
from scarcegan.data.players import UNLABELED, Players
from scarcegan.problems import DataProblem
from scarcegan.settings import Data, Populations, Settings

THRESHOLD_SHARE = 0.2  # of the unlabelled players of the pool,
MAX_THRESHOLD_PLAYERS = 10_000  # but no more: a flagged share of 1 % is known to a tenth of it then
FOLD, APART, HARMLESS = 1, 2, 3  # what is drawn, beside the seed, keys the lots


def split(players: Players, settings: Settings) -> tuple[Players, np.ndarray]:
    """Sample the unlabelled players, hold out test players where the source has none, and assign the folds.

    Returns the players that stay, and their folds; see `assign_folds`, on errors too.
    """
    players, _ = sample(players, settings.data, settings.seed)
    if not players.test_sets:
        players = hold_out(players, settings.data.test_share)
    return players, assign_folds(players, settings.populations, settings.folds.k, settings.seed)


def assume_harmless(players: Players, count: int, seed: int) -> Players:
    """Label so many unlabelled players of the pool, drawn by lot, as the one negative population.

    Where rare players are labelled alone, nearly all of the others are harmless. A note says that nobody has looked.
    """
    others = (players.labels == UNLABELED) & (players.test_set == 0)
    drawn = _lowest(keyed_lots(players.ids, seed, HARMLESS), others, min(count, int(np.count_nonzero(others))))
    told = f"{np.count_nonzero(drawn):,} unlabelled players, drawn by lot, count as harmless; nobody has looked at them"
    return replace(players, labels=np.where(drawn, 0, players.labels).astype(np.int8), notes=(*players.notes, told))


def sample(players: Players, data: Data, seed: int) -> tuple[Players, np.ndarray]:
    """Leave unlabelled players of the pool out where there are more than `data.max_unlabeled` lets training read.

    Who stays hangs on a hash of the id and the seed, so that nobody's features are needed, and the same player stays in
    whatever order and company; one more player takes the place of one at most, the last in line. Where test players
    are held out later, their share comes on top. Doing it again changes nothing.

    Returns the players who stay, who stand for those left out as well (`each_unlabeled`), and their mask, bool [n].
    """
    most = data.max_unlabeled
    if not players.test_sets:
        most = math.ceil(most / (1 - data.test_share))
    others = (players.labels == UNLABELED) & (players.test_set == 0)
    there = int(np.count_nonzero(others))
    if there <= most:
        return players, np.ones(len(players), bool)
    # Keyed: who is sampled does not hang on who is held out, which goes by the lots alone.
    stay = ~others | _lowest(keyed_lots(players.ids, seed), others, most)
    return replace(players.take(stay), each_unlabeled=players.each_unlabeled * there / most), stay


def hold_out(players: Players, share: float) -> Players:
    """Move about a share of the pool, of each population, to a test set named `test`; see `held_out`.

    Who is tested hangs on a hash of the player's id, not on a seed or on the other rows: a champion that was trained
    on an earlier table is then measured on players that it has never seen.
    """
    lot, test_set = lots(players.ids), players.test_set.copy()
    for label in np.unique(players.labels):
        inside = np.flatnonzero((players.labels == label) & (players.test_set == 0))
        test_set[inside[held_out(lot[inside], share)]] = 1
    return replace(players, test_set=test_set, test_sets=("test",))


def held_out(lot: np.ndarray, share: float) -> np.ndarray:
    """Return a mask of the test players among one population, given its lots, uint64 [n].

    Each player is tested whose own lot is below the share, so that nobody's arrival moves another; the number of test
    players then varies around its mean (of 20 players and a fifth: 4, give or take 2). A fixed number cannot have that:
    where one joins, another has to make room. Two players are excepted, so that nobody lacks test players or training
    players: the lowest lot is tested even if it is not below the share (of 20 players and a fifth, in one case of 90),
    and the highest of several never. A newcomer with a more extreme lot then takes the place of that one player.
    """
    tested = below(lot, share)
    if len(lot):
        tested[lot.argmin()] = True
        tested[lot.argmax()] = False
    return tested


def _lowest(lot: np.ndarray, inside: np.ndarray, count: int) -> np.ndarray:
    """Return a mask of the `count` players inside with the lowest lots."""
    if not count:
        return np.zeros(len(lot), bool)
    drawn = lot[inside]
    drawn.partition(count - 1)
    return inside & (lot <= drawn[count - 1])


def assign_folds(players: Players, populations: Populations, k: int, seed: int) -> np.ndarray:
    """Assign each player of the pool to one fold, stratified by label (unlabelled players too); see `_balanced`.

    Returns:
        int8 array [n]: the fold from 0 in which a player validates; `k` for an unlabelled player set apart
        for the thresholds; -s for a player of test set s. Fewer players than folds are a DataProblem.
    """
    fold = -players.test_set
    fold[_set_apart(players, seed)] = k
    in_pool = fold == 0
    require_players_per_fold(population_counts(players.labels[in_pool], populations), k)
    lot = keyed_lots(players.ids, seed, FOLD)
    for label in np.unique(players.labels[in_pool]):
        rows = np.flatnonzero(in_pool & (players.labels == label))
        fold[rows] = _balanced(lot[rows], k)
    return fold


def _set_apart(players: Players, seed: int) -> np.ndarray:
    """Return a mask of the unlabelled players set apart: of those whose lot is below the share the lowest lots."""
    others = (players.labels == UNLABELED) & (players.test_set == 0)
    lot = keyed_lots(players.ids, seed, APART)
    wanted = max(1, int(np.count_nonzero(others & below(lot, THRESHOLD_SHARE))))
    return _lowest(lot, others, min(wanted, MAX_THRESHOLD_PLAYERS, int(np.count_nonzero(others))))


def _balanced(lot: np.ndarray, k: int) -> np.ndarray:
    """Return the folds, int8 [n], of a population's n players, given their lots.

    A player's own fold is the lot modulo k. Alone that would leave of 16 players none for one of five folds in one case
    of eight. So while the largest and the smallest fold differ by more than one player and a fifth of the mean, the
    player of the largest fold with the highest lot goes to the smallest: 16 players make folds of 3 or 4. Of those who
    moved, the lowest lots go to the first fold that wants some, and so on, so that one more among them shifts one
    player per fold and not all.

    One player more or less moves about one other on average, never more than 2 k, and nobody in a population of
    thousands, whose folds need no balancing. Nobody at all, and folds of like size, cannot both be had.
    """
    fold = (lot % np.uint64(k)).astype(np.int8)
    size = np.bincount(fold, minlength=k)
    left = size.copy()
    while left.max() - left.min() > 1 + len(lot) // (5 * k):
        left[left.argmax()] -= 1
        left[left.argmin()] += 1
    moved = []
    for number in np.flatnonzero(left < size):
        rows = np.flatnonzero(fold == number)
        moved.append(rows[np.argsort(lot[rows])[left[number] :]])
    if moved:
        rows = np.concatenate(moved)
        fold[rows[np.argsort(lot[rows])]] = np.repeat(np.arange(k, dtype=np.int8), np.maximum(left - size, 0))
    return fold


def in_folds(fold: np.ndarray, k: int) -> np.ndarray:
    """Return a mask of the players that some fold trains or validates on."""
    return (fold >= 0) & (fold < k)


def few_unlabeled(players: Players, rows: np.ndarray, most: int, seed: int) -> np.ndarray:
    """Return those of the rows, ascending int [n], that are labelled, then so many unlabelled ones at most, by lot."""
    is_unlabeled = players.labels[rows] == UNLABELED
    unlabeled = rows[is_unlabeled]
    if len(unlabeled) > most:
        unlabeled = np.sort(unlabeled[np.argsort(keyed_lots(players.ids[unlabeled], seed))[:most]])
    return np.concatenate([rows[~is_unlabeled], unlabeled])


def population_counts(labels: np.ndarray, populations: Populations) -> dict[str, int]:
    """Count labels by population name: the classes in index order, then the unlabelled."""
    return {name: int(np.count_nonzero(labels == label)) for name, label in populations.labels.items()}


def require_players_per_fold(counts: Mapping[str, int], k: int) -> None:
    """Refuse a population, given as name -> players in the pool, that has fewer players than there are folds."""
    told = [
        f"expected at least {k} '{name}' players for {k} folds (test players apart), got {count}: "
        f"lower folds.k or add players to the '{name}' input"
        for name, count in counts.items()
        if count < k
    ]
    if told:
        raise DataProblem("\n".join(told))
