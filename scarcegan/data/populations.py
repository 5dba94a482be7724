"""A team's own five tables: one per population, and a sixth with known truth if they have it."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from scarcegan.data.players import UNKNOWN_TRUTH, UNLABELED, Players
from scarcegan.data.storage import join, list_names
from scarcegan.data.tables import FORMATS, read_table
from scarcegan.data.validation import TRUTH_COLUMN, feature_columns, validate
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
    tables = {name: read_table(location, text=[settings.data.id_column]) for name, location in locations.items()}
    features = feature_columns(tables, settings)
    truth = _truth(tables)
    ids = _ids([table[settings.data.id_column] for table in tables.values()])
    labels = {name: label for label, name in enumerate(settings.populations.classes)}
    sizes = [len(table) for table in tables.values()]
    players = Players(
        ids=ids,
        features=_matrix(tables, features),
        feature_names=features,
        labels=np.repeat([labels.get(name, UNLABELED) for name in locations], sizes).astype(np.int8),
        truth=np.concatenate([np.full(len(ids) - len(truth), UNKNOWN_TRUTH), truth]).astype(np.int8),
        test_set=np.repeat([name == TEST for name in locations], sizes).astype(np.int8),
        test_sets=(TEST,) if TEST in locations else (),
    )
    return validate(players, settings)


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


def _truth(tables: dict[str, pd.DataFrame]) -> np.ndarray:
    leaking = [name for name, table in tables.items() if name != TEST and TRUTH_COLUMN in table.columns]
    if leaking:
        raise DataProblem(
            f"expected '{TRUTH_COLUMN}' in the '{TEST}' table alone, got it in {leaking}: remove it there, "
            "nothing may be trained on it"
        )
    if TEST not in tables:
        return np.empty(0, dtype=np.int8)
    if TRUTH_COLUMN not in tables[TEST].columns:
        raise DataProblem(
            f"expected column '{TRUTH_COLUMN}' (0 or 1) in '{TEST}', got {list(tables[TEST].columns)}: add it"
        )
    truth = tables[TEST][TRUTH_COLUMN]
    if not truth.isin([0, 1]).all():
        odd = truth[~truth.isin([0, 1])].iloc[0]
        raise DataProblem(f"expected 0 or 1 in '{TRUTH_COLUMN}' of '{TEST}', got {odd!r}: mend that row")
    return truth.to_numpy(dtype=np.int8)


def _ids(columns: Sequence[pd.Series]) -> np.ndarray:
    """Join id columns: int64 where all ids are whole numbers (CSV gives text), str otherwise."""
    if all(pd.api.types.is_integer_dtype(column.dtype) for column in columns):
        return np.concatenate([column.to_numpy(dtype=np.int64) for column in columns])
    ids = np.concatenate([column.to_numpy(dtype=str) for column in columns])
    # Neither leading zeros nor signs: what a number would lose keeps the ids text.
    whole = re.compile(r"0|[1-9][0-9]{0,17}")
    return ids.astype(np.int64) if all(map(whole.fullmatch, ids)) else ids


def _matrix(tables: dict[str, pd.DataFrame], features: Sequence[str]) -> np.ndarray:
    """Move the tables' features into one float32 array [players, features]; the tables are used up."""
    matrix = np.empty((sum(map(len, tables.values())), len(features)), dtype=np.float32)
    start = 0
    for name in list(tables):
        table = tables.pop(name)
        rows = matrix[start : start + len(table)]
        for column, feature in enumerate(features):
            # What float32 cannot hold becomes infinite, and is refused as such.
            with np.errstate(over="ignore"):
                rows[:, column] = table[feature].to_numpy()
        start += len(table)
    return matrix
