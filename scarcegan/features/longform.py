"""Check the columns of long-form telemetry; every refusal names the column and counts the rows."""

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from scarcegan import words
from scarcegan.data.ids import is_id_type, stored
from scarcegan.data.values import OddValues, Refusals, numbers
from scarcegan.problems import DataProblem

ID = "player_id"
DATE = "date"
# Squares of larger counters summed over a window would leave float32.
LARGEST_COUNTER = 1e15


def required_counters(columns: Sequence[str]) -> tuple[str, ...]:
    """Return the counter names among a table's columns: all but `player_id` and `date`, in their order."""
    missing = [name for name in (ID, DATE) if name not in columns]
    names = tuple(name for name in columns if name not in (ID, DATE))
    if missing or not names or len(set(columns)) < len(columns):
        raise DataProblem(
            f"expected columns '{ID}', '{DATE}' and counters, each once, got {columns}: rename or add them"
        )
    return names


def frame_of(rows: pa.Table) -> pd.DataFrame:
    """Return rows with ids as integers or text and counters as numbers, whatever the types of their columns.

    All columns that hold something else are one DataProblem.
    """
    refusals, names = Refusals(), required_counters(rows.column_names)
    with refusals.collecting():
        rows = rows.set_column(rows.column_names.index(ID), ID, _ids(rows[ID]))
    odd = dict[str, OddValues]()
    for name in names:
        found = numbers(rows[name])
        if found is None:
            odd.setdefault(name, OddValues()).add(name, rows[name])
        else:
            rows = rows.set_column(rows.column_names.index(name), name, found)
    for name, values in odd.items():
        refusals.add(f"column '{name}': expected numbers, got {values.kind} in {len(rows)} rows: {values.counted}")
    if odd:
        usable = json.dumps([name for name in names if name not in odd], ensure_ascii=False)
        refusals.add(f"make them numbers, or name the counters to read in [telemetry]:\n  counters = {usable}")
    refusals.refuse()
    return rows.to_pandas(date_as_object=False, ignore_metadata=True)


def _ids(column: pa.ChunkedArray) -> pa.ChunkedArray:
    wanted = f"column '{ID}': expected integers or text, got {column.type} in {len(column)} rows"
    if not is_id_type(column.type) and column.null_count < len(column):
        raise DataProblem(f"{wanted}: store the ids as text")
    _refuse_empty_ids(column.null_count, len(column))
    try:
        return stored(column)
    except pa.ArrowInvalid as error:
        raise DataProblem(f"{wanted}: {error}; store the ids as text") from error


def day_numbers(table: pd.DataFrame) -> np.ndarray:
    """Return days since 1970-01-01, int64 [rows], of the `date` column's wall-clock dates."""
    column = table[DATE]
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        zoned = isinstance(column.dtype, pd.DatetimeTZDtype)
        stamps = (column.dt.tz_localize(None) if zoned else column).to_numpy()
    elif pd.api.types.is_numeric_dtype(column.dtype):
        raise DataProblem(f"column '{DATE}': expected dates, got {column.dtype} in {len(column)} rows: write ISO dates")
    else:
        # Dates repeat: each different one is parsed once.
        try:
            codes, texts = pd.factorize(column)
        except TypeError:  # as document stores write dates, in records
            raise DataProblem(
                f"column '{DATE}': expected dates, got lists or records in {len(column)} rows: write ISO dates"
            ) from None
        # A zone's offset is cut off with the time, so the date stays the one that was written.
        written = pd.Series(texts).astype(str).str.slice(0, 10)
        dates = pd.to_datetime(written, format="%Y-%m-%d", errors="coerce").to_numpy().astype("datetime64[s]")
        # A null has code -1 and so picks the NaT at the end.
        stamps = np.append(dates, np.datetime64("NaT"))[codes]
    bad = np.isnat(stamps)
    if bad.any():
        raise DataProblem(
            f"column '{DATE}': {bad.sum()} of {len(column)} rows hold no date, first "
            f"{column.iloc[int(bad.argmax())]!r}: write ISO dates such as 2023-04-13"
        )
    return stamps.astype("datetime64[D]").astype(np.int64)


def checked_ids(column: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return (codes int64 [rows], ascending unique ids) of ids from `frame_of`; refuse rows without one."""
    _refuse_empty_ids(int(column.isna().sum()), len(column))
    is_integer = pd.api.types.is_integer_dtype(column.dtype)
    codes, ids = pd.factorize(column, sort=True)
    if len(ids) and ids[0] == "":  # a CSV file has no other way to leave an id out; sorted, it comes first
        _refuse_empty_ids(int(np.count_nonzero(codes == 0)), len(column))
    return codes.astype(np.int64), np.asarray(ids, dtype=np.int64 if is_integer else str)


def _refuse_empty_ids(empty: int, rows: int) -> None:
    if empty:
        raise DataProblem(f"column '{ID}': {empty} of {rows} rows have no id: drop or mend them")


def checked_counters(rows: pd.DataFrame, names: tuple[str, ...]) -> np.ndarray:
    """Return counters from `frame_of`, float32 [rows, counters]; no value counts as 0, an impossible one is refused."""
    values = np.empty((len(rows), len(names)), np.float32)
    for position, name in enumerate(names):
        values[:, position] = rows[name].to_numpy(np.float32, na_value=np.nan)
    # The usual case; NaN fails the comparison and takes the long way.
    if not values.size or (values.min() >= 0 and values.max() <= LARGEST_COUNTER):
        return values
    np.copyto(values, 0, where=np.isnan(values))
    for position, name in enumerate(names):
        bad = ~((values[:, position] >= 0) & (values[:, position] <= LARGEST_COUNTER))
        if bad.any():
            raise DataProblem(
                f"column '{name}': {bad.sum()} of {len(rows)} rows are negative, infinite or above "
                f"{words.count(LARGEST_COUNTER)}, first {rows[name].iloc[int(bad.argmax())]}: counters count from 0"
            )
    return values
