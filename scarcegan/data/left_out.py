"""Columns that are no features: those that number the rows, and those that are the same for everybody."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa

from scarcegan.data.players import Players
from scarcegan.problems import DataProblem

BLOCK_ROWS = 65_536
IN_PATH = "standing in the names of folders and not in the files"
NUMBERING = "numbering the rows"
# What `reset_index` of pandas calls an index.
_INDEX = re.compile(r"index|level_\d+")
# Fewer rows that follow one another may do so by chance.
_FEWEST = 10
# What is known of the whole numbers in some rows, and how it is joined: the sum of their hashes is modulo 2^64.
_JOINED = {"rows": "sum", "low": "min", "high": "max", "digest": "sum"}


class RowNumbers:
    """Finds the columns that number the rows, while the rows pass by: an index that was written with the table.

    The numbers follow one another, from any first one and in any order: in each part of a table, in each table, in all
    tables but one for testing, or in all of them together. A column with the name of a pandas index need only have
    whole numbers, all different: those of a table out of which rows were taken have gaps.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._seen: dict[str, list[tuple[str, str, int, int, int, np.uint64]]] = {name: [] for name in names}

    def add(self, table: str, part: str, rows: pa.Table) -> None:
        """Look at some rows of a part of a table; other columns than those named at first are none of its business."""
        # A column is out with the first value that is no whole number or comes again, nearly all of them at once.
        for name in list(self._seen):
            for start in range(0, len(rows), BLOCK_ROWS):
                numbers = _numbers(rows[name].slice(start, BLOCK_ROWS))
                if numbers is None:
                    del self._seen[name]
                    break
                self._seen[name].append((table, part, *numbers))

    def found(self, test: str) -> list[str]:
        """Name the columns that number the rows; `test` is the name of the table for testing."""
        found = []
        for name, blocks in self._seen.items():
            seen = pd.DataFrame(blocks, columns=["table", "part", *_JOINED])
            seen = seen.assign(is_test=seen["table"] == test, is_any=True).astype({"digest": np.uint64})
            groupings = (["table", "part"], ["table"], ["is_test"], ["is_any"])
            if any(_number(name, seen.groupby(by).agg(_JOINED)) for by in groupings):
                found.append(name)
        return found


def _number(name: str, groups: pd.DataFrame) -> bool:
    """Tell whether the numbers of each group follow one another: then their hashes add up to those of a range."""
    if (groups["rows"] - 1).sum() < _FEWEST:
        return False
    return bool(_INDEX.fullmatch(name)) or all(
        high - low + 1 == rows and _digest(np.arange(low, high + 1)) == digest
        for rows, low, high, digest in groups.itertuples(index=False)
    )


def _numbers(column: pa.ChunkedArray) -> tuple[int, int, int, np.uint64] | None:
    """Return what is known of different whole numbers, see `_JOINED`; None of other values."""
    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return None
    values = column.cast(pa.float64(), safe=False).to_numpy()
    # A gap is NaN, which equals nothing; above 2^53 floats miss numbers, and nobody has so many rows.
    if not (np.array_equal(values, np.floor(values)) and np.abs(values).max(initial=0) <= 2**53):
        return None
    whole = values.astype(np.int64)
    if len(np.unique(whole)) < len(whole):
        return None
    return len(whole), int(whole.min()), int(whole.max()), _digest(whole)


def _digest(whole: np.ndarray) -> np.uint64:
    return np.uint64(pd.util.hash_array(whole).sum(dtype=np.uint64))


def constant(players: Players) -> list[str]:
    """Name the features that are the same, or missing, for all players of the pool.

    Only the pool counts: what varies among test players alone cannot be learned.
    """
    pool = players.test_set == 0
    is_flat = np.ones(players.features.shape[1], bool)
    first = players.features[pool.argmax()]
    for start in range(0, len(players), BLOCK_ROWS):
        rows = players.features[start : start + BLOCK_ROWS][pool[start : start + BLOCK_ROWS]]
        is_flat &= ((rows == first) | (np.isnan(rows) & np.isnan(first))).all(axis=0)
    return [name for name, flat in zip(players.feature_names, is_flat, strict=True) if flat]


def note(columns: Sequence[str], why: str) -> str:
    """Say which columns are left out, and why."""
    one = len(columns) == 1
    return f"{len(columns)} column{' is' if one else 's are'} left out, {why}: {', '.join(map(repr, columns))}"


def leave_out(players: Players, columns: Collection[str], why: str) -> Players:
    """Return the players without some of their features, and with a note that names them.

    The features are spent: those that stay move together in the same memory, which may be most of what there is.
    That none would stay is a DataProblem.
    """
    keep = np.array([name not in columns for name in players.feature_names], bool)
    if keep.all():
        return players
    names = np.array(players.feature_names)
    told = note(names[~keep].tolist(), why)
    if not keep.any():
        raise DataProblem(f"expected features that differ between players, got none: {told}; add features")
    width, flat = np.count_nonzero(keep), players.features.reshape(-1)
    for start in range(0, len(players), BLOCK_ROWS):
        block = players.features[start : start + BLOCK_ROWS][:, keep]
        flat[start * width :][: block.size] = block.reshape(-1)
    features = flat[: len(players) * width].reshape(len(players), width)
    return replace(players, features=features, feature_names=tuple(names[keep].tolist()), notes=(*players.notes, told))
