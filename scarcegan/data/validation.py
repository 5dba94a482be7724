"""What must hold before anything is trained: each refusal names the population, the column and the players."""

import difflib
from collections.abc import Iterator, Sequence, Set

import numpy as np
import pandas as pd
from pandas.api import types

from scarcegan.data.folds import held_out_count, population_counts, require_players_per_fold
from scarcegan.data.players import UNKNOWN_TRUTH, Players
from scarcegan.problems import DataProblem
from scarcegan.settings import Settings

TRUTH_COLUMN = "truth_risky"
BLOCK_ROWS = 65_536


def validate(players: Players, settings: Settings) -> Players:
    """Check players from any source and return them.

    Raises:
        DataProblem: the same player twice, a feature that is missing, infinite or constant, a population that is
            empty or has too few players for the folds, a test set without risky or without other players.
    """
    _refuse_same_player_twice(players, settings)
    _refuse_values_that_are_not_finite(players, settings)
    _refuse_constant_features(players)
    _refuse_small_populations(players, settings)
    _refuse_one_sided_test_sets(players, settings)
    return players


def feature_columns(name: str, table: pd.DataFrame, settings: Settings) -> tuple[str, ...]:
    """Return the feature columns that population `name`, the first, gives to all the others.

    Raises:
        DataProblem: there is none.
    """
    features = _columns_but_reserved(table, settings)
    if not features:
        raise DataProblem(
            f"expected feature columns in '{name}', got only {list(table.columns)}: "
            "add features or shorten data.ignore_columns"
        )
    return tuple(features)


def check_table(name: str, table: pd.DataFrame, features: Sequence[str], settings: Settings) -> None:
    """Check a population's table, or a piece of it, against the feature columns of the first population.

    Raises:
        DataProblem: no usable ids; a feature column that is missing, extra, or no number.
    """
    _refuse_unusable_ids(name, table, settings.data.id_column)
    columns = _columns_but_reserved(table, settings)
    missing = [column for column in features if column not in columns]
    extra = [column for column in columns if column not in features]
    if missing or extra:
        found = [f"no column {missing}"] * bool(missing) + [f"extra column {extra}"] * bool(extra)
        raise DataProblem(
            f"expected the feature columns of '{settings.populations.classes[0]}' in '{name}', got "
            f"{' and '.join(found)}: give all tables the same features, or name the odd ones in "
            "data.ignore_columns"
        )
    # A CSV without rows has columns without types.
    if len(table):
        _refuse_columns_without_numbers(name, table, features)


def check_ignored_columns(known: Set[str], settings: Settings) -> None:
    """Refuse a name in `data.ignore_columns` that no table has: most likely a slip of the pen.

    Raises:
        DataProblem: with the nearest name.
    """
    for ignored in settings.data.ignore_columns:
        if ignored not in known:
            near = difflib.get_close_matches(ignored, known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else "remove it"
            raise DataProblem(f"data.ignore_columns names '{ignored}', which no table has: {hint}")


def known_risky(players: Players, settings: Settings) -> np.ndarray:
    """Return a mask of the players known to be risky: by truth where it is known, otherwise by label."""
    labeled = players.labels == len(settings.populations.negatives)
    return (players.truth == 1) | ((players.truth == UNKNOWN_TRUTH) & labeled)


def _columns_but_reserved(table: pd.DataFrame, settings: Settings) -> list[str]:
    reserved = {settings.data.id_column, TRUTH_COLUMN, *settings.data.ignore_columns}
    return [name for name in table.columns if name not in reserved]


def _refuse_unusable_ids(name: str, table: pd.DataFrame, id_column: str) -> None:
    if id_column not in table.columns:
        raise DataProblem(
            f"expected id column '{id_column}' in '{name}', got {list(table.columns)}: set data.id_column"
        )
    ids = table[id_column]
    missing = int(ids.isna().sum()) + int((ids == "").sum())
    if missing:
        raise DataProblem(
            f"expected an id in '{id_column}' for each player of '{name}', got {missing} without: fill them in"
        )
    too_long = ids.dtype == np.uint64 and ids.max() > np.iinfo(np.int64).max
    if too_long or not (types.is_integer_dtype(ids.dtype) or types.is_string_dtype(ids.dtype)):
        raise DataProblem(
            f"expected whole numbers or text in id column '{id_column}' of '{name}', got {ids.dtype}: "
            "store the ids as text"
        )


def _refuse_columns_without_numbers(name: str, table: pd.DataFrame, features: Sequence[str]) -> None:
    for feature in features:
        column = table[feature]
        if not types.is_numeric_dtype(column.dtype) or types.is_complex_dtype(column.dtype):
            raise DataProblem(
                f"expected numbers in feature column '{feature}' of '{name}', got "
                f"{types.infer_dtype(column, skipna=True)} ({column.dtype}): make it a number without gaps "
                "or name it in data.ignore_columns"
            )


def _refuse_same_player_twice(players: Players, settings: Settings) -> None:
    ordered = np.sort(players.ids)  # a tenth of the memory of a hash table, which is for the message alone
    if not (ordered[1:] == ordered[:-1]).any():
        return
    ids = pd.Series(players.ids)
    again = np.flatnonzero(ids.duplicated(keep=False).to_numpy())
    shown = ids.iloc[again].drop_duplicates()
    examples = []
    for player in shown.head(3):
        rows = again[(ids.iloc[again] == player).to_numpy()]
        examples.append(f"{player} in {' and '.join(repr(_where(players, row, settings)) for row in rows)}")
    raise DataProblem(
        f"expected each player once and in one population, got {len(shown)} more often ({'; '.join(examples)}): "
        "keep each in one place"
    )


def _refuse_values_that_are_not_finite(players: Players, settings: Settings) -> None:
    for start, block in _blocks(players.features):
        finite = np.isfinite(block)
        if finite.all():
            continue
        row, column = np.argwhere(~finite)[0]
        kind = "a missing value (NaN)" if np.isnan(block[row, column]) else "an infinite value"
        where = _where(players, start + row, settings)
        rest = sum(np.count_nonzero(~np.isfinite(part[:, column])) for _, part in _blocks(players.features))
        raise DataProblem(
            f"expected finite numbers in feature '{players.feature_names[column]}', got {kind} for player "
            f"{players.ids[start + row]} of '{where}' ({rest} such players): fill the gaps or name the column "
            "in data.ignore_columns"
        )


def _refuse_constant_features(players: Players) -> None:
    pool = players.test_set == 0
    lowest = np.full(players.features.shape[1], np.inf)
    highest = -lowest
    for start, block in _blocks(players.features):
        rows = block[pool[start : start + len(block)]]
        lowest = np.minimum(lowest, rows.min(axis=0, initial=np.inf))
        highest = np.maximum(highest, rows.max(axis=0, initial=-np.inf))
    constant = [name for name, flat in zip(players.feature_names, lowest == highest, strict=True) if flat]
    if constant:
        raise DataProblem(
            f"expected features that differ between players, got constant {constant}: name them in data.ignore_columns"
        )


def _refuse_small_populations(players: Players, settings: Settings) -> None:
    counts = population_counts(players.labels[players.test_set == 0], settings)
    for name, count in counts.items():
        if count == 0:
            raise DataProblem(f"expected '{name}' players, got none: add players to the '{name}' input")
    if not players.test_sets:
        share = settings.data.test_share
        counts = {name: count - held_out_count(count, share) for name, count in counts.items()}
    require_players_per_fold(counts, settings.folds.k)


def _refuse_one_sided_test_sets(players: Players, settings: Settings) -> None:
    risky = known_risky(players, settings)
    for number, name in enumerate(players.test_sets, start=1):
        inside = risky[players.test_set == number]
        if inside.all() or not inside.any():
            raise DataProblem(
                f"expected risky and other players in test set '{name}', got {np.count_nonzero(inside)} risky "
                f"of {len(inside)} players: add the other kind"
            )


def _where(players: Players, row: int, settings: Settings) -> str:
    if players.test_set[row]:
        return players.test_sets[players.test_set[row] - 1]
    # The label of an unlabelled player, -1, picks the last name.
    return (*settings.populations.classes, settings.populations.unlabeled)[players.labels[row]]


def _blocks(features: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    for start in range(0, len(features), BLOCK_ROWS):
        yield start, features[start : start + BLOCK_ROWS]
