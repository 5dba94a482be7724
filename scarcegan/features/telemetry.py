"""Long-form telemetry (player, date, counters) to one dense, zero-filled block of days."""

from datetime import date

import numpy as np
import pandas as pd

from scarcegan.features.longform import ID, checked_counters, checked_ids, day_numbers, required_counters
from scarcegan.problems import DataProblem
from scarcegan.records import Record

# With this many rows on a usual day, an empty one is a hole in the log (chance of none: e^-20), not a day of rest.
DENSE_ROWS_PER_DAY = 20
# Two weeks have every weekday twice: with fewer days a weekday's effect is a single day.
MIN_OBSERVED_DAYS = 14


class Telemetry(Record):
    """Daily counters of some players in one observation window.

    Attributes:
        ids: int64 or str array [n], unique, ascending.
        counters: float32 array [n, days, counters]; 0 where a player has no row.
        observed: bool array [days]; False on a day that is missing for everyone.
    """

    ids: np.ndarray
    counters: np.ndarray
    observed: np.ndarray
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)


def to_block(frame: pd.DataFrame, cutoff: str, window_days: int, observed: np.ndarray | None = None) -> Telemetry:
    """Lay long-form telemetry out on a dense grid of the days in [cutoff - window_days, cutoff).

    Rows may come in any order; those outside the window are dropped once their dates are read. A player without a
    row on a day, and an empty (null) counter, count as 0. Dates may be dates, timestamps (the wall-clock day
    counts, whatever the time zone) or ISO strings. A day without any row counts as missing for everyone when a
    usual day has at least 20 rows; `design.calendar_of` says what features take instead.

    Args:
        frame: from `longform.frame_of`; some rows lie in the window, see `scarcegan.features.survey`.
        cutoff: ISO date; features see only earlier days.
        window_days: at least 14; the settings take no less than 28.
        observed: bool [window_days], if known better than from these rows (a shard of few players).

    Raises:
        DataProblem: missing columns, unreadable dates, repeated (player, date) rows, counters that are negative or
            infinite, a cut-off after the data; each with column and row count.
    """
    last = day_of(cutoff)
    names = required_counters(list(frame.columns))
    days = day_numbers(frame)
    first = last - window_days
    inside = (days >= first) & (days < last)
    rows = frame if inside.all() else frame.loc[inside]
    codes, ids = checked_ids(rows[ID])
    offset = days[inside] - first
    cells = codes * window_days + offset
    _check_unique(cells, len(ids) * window_days, rows)
    counters = np.zeros((len(ids) * window_days, len(names)), np.float32)
    counters[cells] = checked_counters(rows, names)
    if observed is None:
        daily = np.bincount(offset, minlength=window_days)
        observed = observed_days(daily, complete_until=int(days.max()) - first, cutoff=cutoff)
    block = counters.reshape(len(ids), window_days, len(names))
    return Telemetry(ids, block, observed, names)


def day_of(cutoff: str) -> int:
    """Return an ISO date as days since 1970-01-01; refuse what is none as a DataProblem."""
    try:
        return (date.fromisoformat(cutoff) - date(1970, 1, 1)).days
    except ValueError:
        raise DataProblem(
            f"expected the cut-off as an ISO date such as 2023-04-13, got {cutoff!r}: write it so"
        ) from None


def iso(day: int) -> str:
    """Return days since 1970-01-01 as an ISO date."""
    return str(np.datetime64(int(day), "D"))  # Python's dates end in the year 9999


def observed_days(rows: np.ndarray, complete_until: int, cutoff: str) -> np.ndarray:
    """Tell the days that are in the log, bool [days], from those that are missing for everyone.

    `rows` counts those of each day of the window, int [days]; `complete_until` is the last day with a row anywhere,
    counted from the window's first. All days are observed where rows are too few to tell a hole from a day of rest.
    Data that end before the cut-off, or too few days observed, are a DataProblem.
    """
    window_days = len(rows)
    if np.median(rows[rows > 0]) < DENSE_ROWS_PER_DAY:
        return np.ones(window_days, bool)
    # Days after the last row would look as if all players had stopped.
    if complete_until < window_days - 1:
        raise DataProblem(
            f"column 'date': the cut-off {cutoff} lies {window_days - 1 - complete_until} days after the end of "
            f"the data ({rows.sum()} rows in the window): choose a cut-off inside"
        )
    observed = rows > 0
    if observed.sum() < MIN_OBSERVED_DAYS:
        raise DataProblem(
            f"column 'date': {observed.sum()} of {window_days} days before {cutoff} have any of the "
            f"{rows.sum()} rows (needs {MIN_OBSERVED_DAYS}): shorten the window or move the cut-off"
        )
    return observed


def _check_unique(cells: np.ndarray, size: int, rows: pd.DataFrame) -> None:
    # Marks on the grid instead of sorting: usually nothing is repeated, and that is seen quickly.
    taken = np.zeros(size, bool)
    taken[cells] = True
    repeated = len(cells) - int(np.count_nonzero(taken))
    if repeated:
        row = rows.iloc[int(np.flatnonzero(pd.Series(cells).duplicated())[0])]
        raise DataProblem(
            f"columns 'player_id', 'date': {repeated} of {len(cells)} rows repeat a (player, date), first "
            f"on {row['date']}: sum or drop them before"
        )
