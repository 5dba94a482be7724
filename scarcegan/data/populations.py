"""A team's own five tables: one per population, and a sixth with known truth if they have it."""

import mmap
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from scarcegan.data.players import UNKNOWN_TRUTH, UNLABELED, Players
from scarcegan.data.storage import join, list_names
from scarcegan.data.tables import FORMATS, read_pieces
from scarcegan.data.validation import TRUTH_COLUMN, check_ignored_columns, check_table, feature_columns, validate
from scarcegan.problems import DataProblem
from scarcegan.settings import Settings

TEST = "test"


def load_populations(settings: Settings) -> Players:
    """Read the five populations below `data.path`, and check them.

    Each is `<population>.parquet`, `<population>.csv`, or a folder `<population>/` of such parts: one row per
    player with an id and numeric features. An optional `test` of the same form, with a column `truth_risky`
    of 0 and 1, becomes the test set; otherwise test players are held out later.

    Returns:
        Players in the order labelled (by class), unlabelled, test.

    Raises:
        DataProblem: a table is missing, empty, unreadable or does not fit; see `validation`.
    """
    if not settings.data.path:
        raise DataProblem("expected data.path for data.source 'tables', got none: name the folder of the tables")
    populations = (*settings.populations.classes, settings.populations.unlabeled)
    locations = _locate(settings.data.path, populations)
    pieces, features = _read(locations, settings)
    labels = {name: label for label, name in enumerate(settings.populations.classes)}
    names, sizes = [piece.population for piece in pieces], [len(piece.ids) for piece in pieces]
    players = Players(
        ids=_ids([piece.ids for piece in pieces]),
        labels=np.repeat([labels.get(name, UNLABELED) for name in names], sizes).astype(np.int8),
        truth=np.concatenate([piece.truth for piece in pieces]),
        test_set=np.repeat([name == TEST for name in names], sizes).astype(np.int8),
        # The last one: it uses the pieces up.
        features=_stacked(pieces),
        feature_names=features,
        test_sets=(TEST,) if TEST in locations else (),
    )
    return validate(players, settings)


@dataclass(frozen=True)
class _Piece:
    population: str
    ids: pd.Series
    truth: np.ndarray
    features: np.ndarray


def _locate(folder: str, populations: Sequence[str]) -> dict[str, str]:
    names = list_names(folder)
    found = {}
    for population in (*populations, TEST):
        options = [name for name in names if name in {population, *(population + suffix for suffix in FORMATS)}]
        if len(options) > 1:
            raise DataProblem(f"expected one table for '{population}' in {folder}, got {options}: keep one of them")
        if options:
            found[population] = join(folder, options[0])
        elif population != TEST:
            raise DataProblem(
                f"expected population '{population}' in {folder} as {population}.parquet, {population}.csv or "
                f"a folder {population}/, got {names}: add it, or name your populations in [populations]"
            )
    return found


def _read(locations: dict[str, str], settings: Settings) -> tuple[list[_Piece], tuple[str, ...]]:
    pieces: list[_Piece] = []
    features: tuple[str, ...] = ()
    known: set[str] = set()
    for name, location in locations.items():
        rows = 0
        for table in read_pieces(location, text=[settings.data.id_column]):
            features = features or feature_columns(name, table, settings)
            check_table(name, table, features, settings)
            pieces.append(
                _Piece(name, table[settings.data.id_column], _truth(name, table), _as_float32(table, features))
            )
            rows += len(table)
            known.update(table.columns)
        if not rows:
            raise DataProblem(f"expected players in '{name}', got an empty table: add players to it")
    check_ignored_columns(known, settings)
    return pieces, features


def _truth(name: str, table: pd.DataFrame) -> np.ndarray:
    is_there = TRUTH_COLUMN in table.columns
    if name != TEST and is_there:
        raise DataProblem(
            f"expected '{TRUTH_COLUMN}' in the '{TEST}' table alone, got it in '{name}': remove it there, "
            "nothing may be trained on it"
        )
    if name != TEST:
        return np.full(len(table), UNKNOWN_TRUTH, dtype=np.int8)
    if not is_there:
        raise DataProblem(f"expected column '{TRUTH_COLUMN}' (0 or 1) in '{TEST}', got {list(table.columns)}: add it")
    odd = table[TRUTH_COLUMN][~table[TRUTH_COLUMN].isin([0, 1])]
    if len(odd):
        raise DataProblem(f"expected 0 or 1 in '{TRUTH_COLUMN}' of '{TEST}', got {odd.iloc[0]!r}: mend that row")
    return table[TRUTH_COLUMN].to_numpy(dtype=np.int8)


def _ids(columns: Sequence[pd.Series]) -> np.ndarray:
    """Join id columns: int64 where all ids are whole numbers (CSV gives text), str otherwise."""
    if all(pd.api.types.is_integer_dtype(column.dtype) for column in columns):
        return np.concatenate([column.to_numpy(dtype=np.int64) for column in columns])
    ids = np.concatenate([column.to_numpy(dtype=str) for column in columns])
    # Neither leading zeros nor signs: what a number would lose keeps the ids text.
    whole = re.compile(r"0|[1-9][0-9]{0,17}")
    return ids.astype(np.int64) if all(map(whole.fullmatch, ids)) else ids


def _as_float32(table: pd.DataFrame, features: Sequence[str]) -> np.ndarray:
    # Memory of its own, not of the heap: what a piece gives back is there for the next one at once.
    memory = mmap.mmap(-1, max(1, 4 * len(table) * len(features)))
    block = np.frombuffer(memory, np.float32, len(table) * len(features)).reshape(len(table), len(features))
    # What float32 cannot hold becomes infinite, and is refused as such.
    with np.errstate(over="ignore"):
        for column, feature in enumerate(features):
            block[:, column] = table[feature].to_numpy()
    return block


def _stacked(pieces: list[_Piece]) -> np.ndarray:
    """Move the features of all pieces into one array, and let go of each piece that has been moved."""
    rows = sum(len(piece.features) for piece in pieces)
    stacked = np.empty((rows, pieces[0].features.shape[1]), dtype=np.float32)
    start = 0
    while pieces:
        block = pieces.pop(0).features
        stacked[start : start + len(block)] = block
        start += len(block)
    return stacked
