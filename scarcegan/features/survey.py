"""The survey: one pass over all telemetry before any feature is computed.

It refuses what no shard could use, naming the file, the column and the number of rows, and notes what stays usable
but should be known: days that are missing for everyone, counters that are empty on some days, a break in the
global level (a change of unit, of the log or of the game). Memory holds one piece of a file and a few numbers per day.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd

from scarcegan import words
from scarcegan.data.left_out import IN_PATH, NUMBERING, RowNumbers, note
from scarcegan.data.tables import in_path
from scarcegan.data.values import Refusals
from scarcegan.features.longform import (
    DATE,
    ID,
    checked_counters,
    checked_ids,
    day_numbers,
    frame_of,
    required_counters,
)
from scarcegan.features.source import Source, Window, naming, read_rows
from scarcegan.features.telemetry import iso, observed_days
from scarcegan.problems import DataProblem
from scarcegan.records import Record

# Refusals after which the other parts, which are mostly like the first ones, are not read.
ENOUGH = 5
# Days on each side of a break: two weeks, so that weekdays cancel out.
SIDE_DAYS = 14
LEAST_SIDE_DAYS = 7
# A break is a step by a quarter up or a fifth down, and of four times what days differ from their two weeks' median.
LEAST_STEP = np.log(1.25)
LEAST_SPREADS = 4.0
# Smaller counts hardly move log(1 + count), of which features of a course are made: see `series.FLAT`.
SMALL_COUNT = 0.01


class Survey(Record):
    """What is known of all players' telemetry in one window.

    Attributes:
        observed: bool array [window_days]; False on a day that is missing for everyone.
        missing_days: ISO dates of those days.
        notes: sentences for the manifest and the card.
    """

    counters: tuple[str, ...]
    observed: np.ndarray
    missing_days: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass
class _Days:
    """Sums per day over the pieces read so far, float64 [days, 1 + 2 counters].

    They are the rows, each counter's total, and for each counter the rows with a value. `small` are the counters whose
    `highest` value is below `SMALL_COUNT`.
    """

    counters: tuple[str, ...] = ()
    id_kinds: dict[str, str] = field(default_factory=dict)
    in_path: set[str] = field(default_factory=set)
    numbered: RowNumbers | None = None
    left_out: Sequence[str] = ()
    small: Sequence[str] = ()
    rows: int = 0
    first: int = 2**31
    last: int = -(2**31)
    sums: np.ndarray | float = 0.0
    highest: np.ndarray | float = 0.0


def survey(source: Source, windows: Sequence[Window]) -> list[Survey]:
    """Read all telemetry once and describe it for each window.

    Unusable rows or a cut-off outside the data are a DataProblem that names the file.
    """
    first, last = min(window.first for window in windows), max(window.last for window in windows)
    days, refusals = _Days(), Refusals()
    for part, rows in read_rows(source, first, last):
        if not source.counters:
            days.in_path |= {*in_path(source.location, part)} - {*rows.column_names}
            days.numbered = days.numbered or RowNumbers(required_counters(rows.column_names))
            days.numbered.add("", part, rows)
        with refusals.collecting(), naming(part):
            _add(days, part, frame_of(rows), first, last)
        if len(refusals) >= ENOUGH:
            break
    refusals.refuse()
    with naming(source.location):
        if not days.rows:
            raise DataProblem("expected telemetry rows, got an empty table: check the input's path and filters")
        names = ["rows", *(f"{kind} {name}" for kind in ("sum", "filled") for name in days.counters)]
        daily = pd.DataFrame(days.sums, range(first, last), names)
        highest = pd.Series(days.highest, days.counters)
        days.small = highest.index[(highest > 0) & (highest < SMALL_COUNT)].tolist()
        days.left_out = days.numbered.found("") if days.numbered else []
        days.counters = tuple(name for name in days.counters if name not in days.left_out)
        required_counters([ID, DATE, *days.counters])
        return [_describe(days, daily.loc[window.first : window.last - 1], window) for window in windows]


def _add(days: _Days, part: str, frame: pd.DataFrame, first: int, last: int) -> None:
    days.counters = days.counters or required_counters(list(frame.columns))
    if not len(frame):
        return
    numbers = day_numbers(frame)
    ids = checked_ids(frame[ID])[1]
    # The rows of a shard are joined: their ids have one type.
    days.id_kinds.setdefault("integers" if ids.dtype.kind == "i" else "strings", part)
    if len(days.id_kinds) > 1:
        where = " and ".join(f"{kind} in {place}" for kind, place in days.id_kinds.items())
        raise DataProblem(
            f"column '{ID}': expected one type in all parts, got {where} ({len(frame)} rows): write them with one type"
        )
    days.rows += len(frame)
    days.first, days.last = min(days.first, int(numbers.min())), max(days.last, int(numbers.max()))
    inside = (numbers >= first) & (numbers < last)
    rows = frame.loc[inside]
    counts = checked_counters(rows, days.counters)
    days.highest = np.maximum(days.highest, counts.max(axis=0, initial=0))
    columns = [*counts.T, *(rows[name].notna() for name in days.counters)]
    # In double precision: totals over all players would lose digits in float32.
    tally = partial(np.bincount, numbers[inside] - first, minlength=last - first)
    days.sums = days.sums + np.column_stack([tally(), *(tally(weights=column) for column in columns)])


def _describe(days: _Days, daily: pd.DataFrame, window: Window) -> Survey:
    rows = daily["rows"].to_numpy(np.int64)
    if not rows.any():
        raise DataProblem(
            f"column 'date': none of {days.rows} rows lies in the {window.window_days} days before the cut-off "
            f"{window.cutoff}; the data span {iso(days.first)} to {iso(days.last)}: choose a cut-off inside"
        )
    observed = observed_days(rows, days.last - window.first, window.cutoff)
    missing = tuple(iso(window.first + int(day)) for day in np.flatnonzero(~observed))
    notes = [note(sorted(days.in_path), IN_PATH)] * bool(days.in_path)
    notes += [note(days.left_out, NUMBERING)] * bool(days.left_out)
    if small := [name for name in days.small if name in days.counters]:
        notes.append(
            f"counter {', '.join(map(repr, small))}: no value reaches {SMALL_COUNT}, too small for features of their "
            "course, which go by log(1 + value): write them in a smaller unit"
        )
    notes += [*_empty_notes(daily, days.counters, window), *_breaks(daily, days.counters)]
    if missing:
        filled = (
            f"{len(missing)} of the window's days are missing for everyone: features take each player's counts of the "
            f"same weekday in the nearest week there: {words.first(list(missing), 7)}"
        )
        notes = [filled, *notes]
    return Survey(days.counters, observed, missing, tuple(notes))


def _empty_notes(daily: pd.DataFrame, counters: Sequence[str], window: Window) -> Iterable[str]:
    rows = daily["rows"].to_numpy()
    for name in counters:
        empty = rows - daily[f"filled {name}"].to_numpy()
        if empty.any():
            whole = np.flatnonzero((empty == rows) & (rows > 0))
            days = (
                f", on {words.plural(len(whole), 'day')} in every row (first {iso(window.first + int(whole[0]))})"
                if len(whole)
                else ""
            )
            of = f"{words.count(empty.sum())} of {words.plural(rows.sum(), 'row')}"
            yield f"counter '{name}' is empty in {of}{days}: it counts as 0 there"


def _breaks(daily: pd.DataFrame, counters: Sequence[str]) -> Iterable[str]:
    rows = daily["rows"].to_numpy(np.float64)
    series, breaks = {"active players per day": rows}, []
    with np.errstate(invalid="ignore", divide="ignore"):
        # Per active player: a counter does not break just because more people play.
        series |= {f"'{name}' per active player": daily[f"sum {name}"].to_numpy() / rows for name in counters}
    for name, values in series.items():
        # Days without rows or without counts have no logarithm.
        usable = np.flatnonzero(np.isfinite(values) & (values > 0))
        found = largest_step(np.log(values[usable]))
        if found:
            place, step = found
            breaks.append(f"{name} from {iso(int(daily.index[usable[place]]))} (x {words.number(np.exp(step))})")
    if breaks:
        yield (
            f"the global level breaks, in the medians of two weeks: {'; '.join(breaks)}: a change of unit, of the "
            "log or of the game? Features compare across it"
        )


def largest_step(series: np.ndarray) -> tuple[int, float] | None:
    """Find where a series of daily logs steps up or down for good, not for a day and not by growing steadily.

    The step at a day is the median of the 14 days from it on minus the median of the 14 before (at the edges
    at least 7). It counts when it is at least log 1.25 and at least four robust spreads of the days around
    the two medians. Returns the index of the first day after the largest step, and the step.
    """
    best: tuple[int, float] | None = None
    for day in range(LEAST_SIDE_DAYS, len(series) - LEAST_SIDE_DAYS + 1):
        before, after = series[max(0, day - SIDE_DAYS) : day], series[day : day + SIDE_DAYS]
        step = float(np.median(after) - np.median(before))
        # 1.4826 times the median deviation is the standard deviation of normal noise.
        noise = 1.4826 * np.median(np.abs(np.concatenate([before - np.median(before), after - np.median(after)])))
        if abs(step) >= max(LEAST_STEP, LEAST_SPREADS * noise) and (best is None or abs(step) > abs(best[1])):
            best = (day, step)
    return best
