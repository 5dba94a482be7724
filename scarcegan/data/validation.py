"""What must hold before anything is trained: each refusal names the population, the column and the players."""

import difflib
from collections.abc import Iterable, Iterator, Sequence, Set

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.api import types

from scarcegan.data.folds import hold_out, population_counts, require_players_per_fold
from scarcegan.data.ids import canonical, is_id_type, lots
from scarcegan.data.players import UNKNOWN_TRUTH, Players
from scarcegan.problems import DataProblem
from scarcegan.settings import Data, Populations, Settings

TRUTH_COLUMN = "truth_risky"
BLOCK_ROWS = 65_536


def validate(players: Players, settings: Settings) -> Players:
    """Check players from any source and return them.

    Raises:
        DataProblem: the same player twice, a value that is infinite, a population that is empty or has too few players
            for the folds, a test set without risky or without other players.
    """
    refuse_same_player_twice(players, settings.populations)
    for _ in finite_blocks(players, _blocks(players.features), settings.populations):
        pass
    _refuse_small_populations(players, settings)
    risky = known_risky(players, settings.populations)
    for number, name in enumerate(players.test_sets, start=1):
        inside = risky[players.test_set == number]
        if inside.all() or not inside.any():
            raise DataProblem(
                f"expected risky and other players in test set '{name}', got {np.count_nonzero(inside)} risky "
                f"of {len(inside)} players: add the other kind"
            )
    return players


def feature_columns(name: str, columns: Sequence[str], data: Data) -> tuple[str, ...]:
    """Return the feature columns of population `name`, the first, which all others must have; refuse to find none."""
    features = _columns_but_reserved(columns, data)
    if not features:
        raise DataProblem(
            f"expected feature columns in '{name}', got only {list(columns)}: "
            "add features or shorten data.ignore_columns"
        )
    return tuple(features)


def check_columns(name: str, columns: Sequence[str], features: Sequence[str], first: str, data: Data) -> None:
    """Refuse a population's table without id column, or with other feature columns than the first population's."""
    if data.id_column not in columns:
        raise DataProblem(f"expected id column '{data.id_column}' in '{name}', got {list(columns)}: set data.id_column")
    found = _columns_but_reserved(columns, data)
    missing = [column for column in features if column not in found]
    extra = [column for column in found if column not in features]
    if missing or extra:
        words = [f"no column {missing}"] * bool(missing) + [f"extra column {extra}"] * bool(extra)
        raise DataProblem(
            f"expected the feature columns of '{first}' in '{name}', got {' and '.join(words)}: give all tables the "
            "same features, or name the odd ones in data.ignore_columns"
        )


def checked_ids(name: str, ids: pa.ChunkedArray, id_column: str) -> pa.ChunkedArray:
    """Return ids in their one form, see `canonical`; refuse those missing, or neither text nor whole numbers."""
    wanted = f"expected whole numbers or text in id column '{id_column}' of '{name}', got "
    # A CSV without rows has columns without types.
    if len(ids) and not is_id_type(ids.type) and ids.null_count < len(ids):
        raise DataProblem(f"{wanted}{ids.type}: store the ids as text")
    try:
        found = canonical(ids)
    except pa.ArrowInvalid as error:
        raise DataProblem(f"{wanted}{ids.type}: {error}; store the ids as text") from error
    is_empty = found.type != pa.int64() and pc.sum(pc.equal(found, "")).as_py()
    missing = found.null_count + (is_empty or 0)
    if missing:
        raise DataProblem(
            f"expected an id in '{id_column}' for each player of '{name}', got {missing} without: fill them in"
        )
    return found


def float32_block(name: str, rows: pa.Table) -> np.ndarray:
    """Return the rows of population `name`, all of them features, as float32 [n, F]; a gap becomes NaN.

    What float32 cannot hold becomes infinite, which `finite_blocks` refuses; a column of something else than numbers is
    refused here.
    """
    block = np.empty(rows.shape, np.float32)
    if not len(rows):  # a CSV without rows has columns without types
        return block
    for number, (feature, column) in enumerate(zip(rows.column_names, rows.columns, strict=True)):
        kind = column.type
        # A part without a single value has no type.
        known = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_null)
        if not any(is_kind(kind) for is_kind in known):
            found = types.infer_dtype(column.to_pandas(), skipna=True)
            raise DataProblem(
                f"expected numbers in feature column '{feature}' of '{name}', got {found} ({kind}): make it a number "
                "or name it in data.ignore_columns"
            )
        block[:, number] = column.cast(pa.float32(), safe=False).to_numpy()
    return block


def finite_blocks(
    players: Players, blocks: Iterable[tuple[int, np.ndarray]], populations: Populations
) -> Iterator[tuple[int, np.ndarray]]:
    """Pass blocks of features on, and refuse the first value that is infinite; NaN is a missing value.

    Args:
        players: everybody whose features the blocks hold; its own features are not looked at.
        blocks: (row of the block's first player, float array [n, F]); memory holds one of them.
        populations: their names.
    """
    blocks = iter(blocks)
    for start, block in blocks:
        infinite = np.isinf(block)
        if infinite.any():
            row, column = np.argwhere(infinite)[0]
            bad = np.count_nonzero(infinite[:, column])
            # The message counts all such players: the other blocks are read for it.
            bad += sum(np.count_nonzero(np.isinf(later[:, column])) for _, later in blocks)
            raise DataProblem(
                f"expected finite numbers in feature '{players.feature_names[column]}', got an infinite value for "
                f"a player of '{_where(players, start + row, populations)}' ({bad} such "
                "players): leave the fields empty or name the column in data.ignore_columns"
            )
        yield start, block


def refuse_same_player_twice(players: Players, populations: Populations) -> None:
    """Refuse ids that are not unique; the features are not looked at."""
    drawn = lots(players.ids)  # a tenth of the memory of a hash table, which is for the message alone
    ordered = np.sort(drawn)
    again = ordered[1:][ordered[1:] == ordered[:-1]]
    if not len(again):
        return
    rows = np.flatnonzero(np.isin(drawn, again))
    ids = pd.Series(players.ids[rows], index=rows)
    ids = ids[ids.duplicated(keep=False)]  # a hash alone may collide
    shown = ids.drop_duplicates()
    examples = []
    for player in shown.head(3):
        places = " and ".join(repr(_where(players, row, populations)) for row in ids.index[ids == player])
        examples.append(f"in {places}")
    if examples:
        told = "; ".join(dict.fromkeys(examples))
        raise DataProblem(
            f"expected each player once and in one population, got {len(shown)} more often ({told}): "
            "keep each in one place"
        )


def check_ignored_columns(known: Set[str], ignored_columns: Sequence[str]) -> None:
    """Refuse a name in `data.ignore_columns` that no table has: most likely a slip of the pen."""
    for ignored in ignored_columns:
        if ignored not in known:
            near = difflib.get_close_matches(ignored, known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else "remove it"
            raise DataProblem(f"data.ignore_columns names '{ignored}', which no table has: {hint}")


def known_risky(players: Players, populations: Populations) -> np.ndarray:
    """Return a mask of the players known to be risky: by truth where it is known, otherwise by label."""
    labeled = players.labels == len(populations.negatives)
    return (players.truth == 1) | ((players.truth == UNKNOWN_TRUTH) & labeled)


def _columns_but_reserved(columns: Sequence[str], data: Data) -> list[str]:
    reserved = {data.id_column, data.label_column, TRUTH_COLUMN, *data.ignore_columns}
    return [name for name in columns if name not in reserved]


def _refuse_small_populations(players: Players, settings: Settings) -> None:
    counts = population_counts(players.labels[players.test_set == 0], settings.populations)
    for name, count in counts.items():
        if count == 0:
            raise DataProblem(f"expected '{name}' players, got none: add players to the '{name}' input")
    if not players.test_sets:
        # Players are held out after this check: those will be missing from the folds.
        players = hold_out(players, settings.data.test_share)
        counts = population_counts(players.labels[players.test_set == 0], settings.populations)
    require_players_per_fold(counts, settings.folds.k)


def _where(players: Players, row: int, populations: Populations) -> str:
    if players.test_set[row]:
        return players.test_sets[players.test_set[row] - 1]
    # The label of an unlabelled player, -1, picks the last name.
    return (*populations.classes, populations.unlabeled)[players.labels[row]]


def _blocks(features: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    for start in range(0, len(features), BLOCK_ROWS):
        yield start, features[start : start + BLOCK_ROWS]
