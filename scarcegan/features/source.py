"""Telemetry as it lies in its files: one file or many parts, read piece by piece, one shard of players at a time.

Parts may be partitioned by date (`.../date=2023-04-12/part-0.parquet`): days outside the window are then not even
opened, and a `date` column inside the files may be missing.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from scarcegan.data.tables import read_parts
from scarcegan.features.longform import DATE, ID, day_numbers, required_counters
from scarcegan.features.telemetry import Telemetry, day_of, to_block
from scarcegan.problems import DataProblem
from scarcegan.storage import find_parts

_DATE_IN_PATH = re.compile(rf"/{DATE}=(\d{{4}}-\d{{2}}-\d{{2}})[^/]*/")


@dataclass(frozen=True)
class Source:
    """Where telemetry is, and which of its columns count.

    Attributes:
        location: parquet or CSV, a file or a folder of parts, local or `s3://`.
        counters: names of the counters, in order; empty: all columns but `player_id` and `date`.
    """

    location: str
    counters: tuple[str, ...] = ()


@dataclass(frozen=True)
class Window:
    """The days [cutoff - window_days, cutoff)."""

    cutoff: str
    window_days: int

    @property
    def last(self) -> int:
        """The cut-off day, exclusive, in days since 1970-01-01."""
        return day_of(self.cutoff)

    @property
    def first(self) -> int:
        """The first day, in days since 1970-01-01."""
        return self.last - self.window_days


@dataclass(frozen=True)
class Shard:
    """The players whose id's hash leaves the remainder `number` when divided by `shards`."""

    number: int
    shards: int


def read_shard(source: Source, window: Window, shard: Shard, observed: np.ndarray, place: str = "") -> Telemetry | None:
    """Read the telemetry of one shard of players in one window; memory holds the shard and one piece of a file.

    Args:
        source: where the telemetry is.
        window: the days that count.
        shard: the players that count.
        observed: bool [window_days], from the survey of all players.
        place: what messages name if `source` is a copy (see `partition`) that nobody has to mend.

    Returns:
        The block, or None if no player of the shard has a row in the window.

    Raises:
        DataProblem: rows that `to_block` refuses; the message begins with the location.
    """
    rows = [
        frame.loc[inside].assign(**{DATE: days[inside].astype("datetime64[D]").astype("datetime64[s]")})
        for frame, days, inside in _inside(source, window, shard)
        if inside.any()
    ]
    if not rows:
        return None
    with naming(place or source.location):
        return to_block(pd.concat(rows, ignore_index=True), window.cutoff, window.window_days, observed)


def read_frames(source: Source, first: int, last: int) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield (part, rows) piece by piece; parts whose path says that their day lies outside are left out.

    Args:
        source: where the telemetry is.
        first: first day that counts, in days since 1970-01-01.
        last: last day that counts, exclusive.

    Raises:
        DataProblem: nothing there, unreadable, columns missing or differing between parts.
    """
    by_date = bool(_DATE_IN_PATH.search(find_parts(source.location)[0]))
    columns = None if by_date or not source.counters else [ID, DATE, *source.counters]

    def is_wanted(part: str) -> bool:
        found = _DATE_IN_PATH.search(part)
        return not found or first <= day_of(found[1]) < last

    for part, piece in read_parts(source.location, columns, text=[ID], wanted=is_wanted):
        with naming(part):
            yield part, _with_date(piece, part, source.counters).to_pandas(date_as_object=False, ignore_metadata=True)


@contextmanager
def naming(place: str) -> Iterator[None]:
    """Put the file's name before a problem's message."""
    try:
        yield
    except DataProblem as problem:
        raise DataProblem(f"{place}: {problem}") from None


def shard_numbers(ids: pd.Series, shards: int) -> np.ndarray:
    """Return the shard of each id, int [n]: a hash that no run, machine or order of rows changes."""
    is_integer = pd.api.types.is_integer_dtype(ids.dtype)
    keys = ids.to_numpy(np.int64) if is_integer else np.asarray(ids, dtype=object)
    return (pd.util.hash_array(keys) % np.uint64(shards)).astype(np.int64)


def _inside(source: Source, window: Window, shard: Shard) -> Iterator[tuple[pd.DataFrame, np.ndarray, np.ndarray]]:
    for _, frame in read_frames(source, window.first, window.last):
        days = day_numbers(frame)
        inside = (days >= window.first) & (days < window.last)
        inside[inside] = shard_numbers(frame.loc[inside, ID], shard.shards) == shard.number
        yield frame, days, inside


def _with_date(piece: pa.Table, part: str, counters: tuple[str, ...]) -> pa.Table:
    found = _DATE_IN_PATH.search(part)
    if found and DATE not in piece.column_names:
        piece = piece.append_column(DATE, pa.array([found[1]] * len(piece), pa.string()).dictionary_encode())
    if not counters:
        required_counters(piece)
        return piece
    missing = sorted({ID, DATE, *counters} - set(piece.column_names))
    if missing:
        raise DataProblem(f"expected columns {[ID, DATE, *counters]}, got no {missing}: mend telemetry.counters")
    return piece.select([ID, DATE, *counters])
