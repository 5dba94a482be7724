"""Telemetry as it lies in its files: one file or many parts, read piece by piece.

Parts without a `date` column may be partitioned by date below the location (`date=2023-04-12/part-0.parquet`): the
folder's name stands for the column, and days outside the window are not even opened. Where the files have the column,
it alone counts: a folder may as well be named by the day of an export.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from scarcegan.data.ids import keyed_rows
from scarcegan.data.tables import in_path, read_parts
from scarcegan.features.longform import DATE, ID, required_counters
from scarcegan.features.telemetry import day_of, iso
from scarcegan.problems import DataProblem
from scarcegan.records import Record
from scarcegan.storage import find_parts


class Source(Record):
    """Where telemetry is (see `read_table`), and its counters in order: all columns but id and date if empty.

    `id_key` is that of the settings; none for rows whose ids are keyed already.
    """

    location: str
    counters: tuple[str, ...] = ()
    id_key: str = ""


class Window(Record):
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


def read_rows(source: Source, first: int, last: int) -> Iterator[tuple[str, pa.Table]]:
    """Yield (part, rows) piece by piece; partitions whose day lies outside are left out, other rows are all there.

    The days that count are `first` to before `last`, in days since 1970-01-01. See `longform.frame_of`, on errors
    `tables.read_table`.
    """
    by_date = _is_partitioned(source.location)
    # Files partitioned by date lack the date column: it cannot be asked for by name.
    columns = None if by_date or not source.counters else [ID, DATE, *source.counters]

    def date_of(part: str) -> str:
        found = in_path(source.location, part).get(DATE, "") if by_date else ""
        try:
            return found and iso(day_of(found[:10]))
        except DataProblem:
            raise DataProblem(
                f"expected a day in the folder's name, as in {DATE}=2026-01-01, got '{DATE}={found}' of {part}: rename "
                "the folder, or move it away"
            ) from None

    def is_wanted(part: str) -> bool:
        day = date_of(part)
        return not day or first <= day_of(day) < last

    # Ids of CSV files stay text: as numbers they would lose leading zeros.
    for part, piece in read_parts(source.location, columns, text=[ID], wanted=is_wanted):
        with naming(part):
            yield part, keyed_rows(_with_date(piece, date_of(part), source.counters), ID, source.id_key)


def _is_partitioned(location: str) -> bool:
    """Tell whether folders stand for the date column: the first part has none, and all parts have the same columns."""
    if not in_path(location, find_parts(location)[0]).get(DATE):
        return False
    _, piece = next(read_parts(location))
    return DATE not in piece.column_names


@contextmanager
def naming(place: str) -> Iterator[None]:
    """Put the file's name before a problem's message."""
    try:
        yield
    except DataProblem as problem:
        raise DataProblem(f"{place}: {problem}") from None


def _with_date(piece: pa.Table, date: str, counters: tuple[str, ...]) -> pa.Table:
    if date:
        piece = piece.append_column(DATE, pa.array([date] * len(piece), pa.string()).dictionary_encode())
    if not counters:
        required_counters(piece.column_names)
        return piece
    missing = sorted({ID, DATE, *counters} - set(piece.column_names))
    if missing:
        raise DataProblem(f"expected columns {[ID, DATE, *counters]}, got no {missing}: mend telemetry.counters")
    return piece.select([ID, DATE, *counters])
