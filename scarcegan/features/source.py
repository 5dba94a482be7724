"""Telemetry as it lies in its files: one file or many parts, read piece by piece.

Parts may be partitioned by date (`.../date=2023-04-12/part-0.parquet`): days outside the window are then not even
opened, and a `date` column inside the files may be missing.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from scarcegan.data.tables import read_parts
from scarcegan.features.longform import DATE, ID, required_counters
from scarcegan.features.telemetry import day_of
from scarcegan.problems import DataProblem
from scarcegan.storage import find_parts

_DATE_IN_PATH = re.compile(rf"/{DATE}=(\d{{4}}-\d{{2}}-\d{{2}})[^/]*/")


@dataclass(frozen=True)
class Source:
    """Where telemetry is (see `read_table`), and its counters in order: all columns but id and date if empty."""

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


def read_frames(source: Source, first: int, last: int) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield (part, rows) piece by piece; parts whose path says that their day lies outside are left out.

    The days that count are `first` to before `last`, in days since 1970-01-01.

    Raises:
        DataProblem: nothing there, unreadable, columns missing or differing between parts.
    """
    by_date = bool(_DATE_IN_PATH.search(find_parts(source.location)[0]))
    # Files partitioned by date may lack the date column: it cannot be asked for by name.
    columns = None if by_date or not source.counters else [ID, DATE, *source.counters]

    def is_wanted(part: str) -> bool:
        found = _DATE_IN_PATH.search(part)
        return not found or first <= day_of(found[1]) < last

    # Ids of CSV files stay text: as numbers they would lose leading zeros.
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
