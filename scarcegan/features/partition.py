"""Telemetry sorted by shard, once, so that the task of a shard reads its own players' rows and nobody else's."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from scarcegan.data.ids import lots
from scarcegan.features.longform import DATE, ID, checked_counters, day_numbers, frame_of
from scarcegan.features.source import Source, Window, naming, read_rows
from scarcegan.features.telemetry import Telemetry, iso, to_block
from scarcegan.problems import DataProblem
from scarcegan.storage import draft_beside, is_file, join, list_names, put_file, remove, remove_folder, write_bytes

# No counter or feature is called so: columns without a name are left out.
SHARD = ""
# Written last and removed first: with it a shard without a folder has no rows, without it nobody can tell.
COMPLETE = "complete"
# Rows of all shards together that are collected before they are written: the memory that this takes.
COLLECTED_ROWS = 2_000_000


def write_partition(source: Source, windows: Sequence[Window], shards: int, folder: str) -> None:
    """Write the rows of all windows as `<folder>/<shard>/*.parquet`; memory does not grow with the telemetry.

    `survey` has accepted the telemetry and named its counters. A shard without rows gets no folder. Telemetry that
    cannot be read, or a folder that cannot be written, is a DataProblem.
    """
    with draft_beside(folder) as draft:
        write_shards(_tables(source, windows, shards), shards, draft)
        for file in sorted(draft.rglob("*.parquet")):
            put_file(file, join(folder, str(file.relative_to(draft))))
    write_bytes(join(folder, COMPLETE), b"")


def read_shard(folder: str, number: int, window: Window, observed: np.ndarray, location: str) -> Telemetry | None:
    """Read the telemetry of one shard of players in one window; None if nobody in it has a row there.

    `folder` is that of the sorted rows. Messages name the `location` of the telemetry itself: nobody has to mend the
    sorted copy. `observed` is bool [window_days], from the survey of all players. Rows that `to_block` refuses, or
    sorted rows that are not there (removed since, or on another machine's disk), are a DataProblem.
    """
    if not is_file(join(folder, COMPLETE)):
        raise DataProblem(
            f"expected the telemetry sorted by shard in {folder}, found none: another resume has published and removed "
            "it, or it is on another machine's disk (set snapshots.folder = 's3://...'); start a new run"
        )
    own = join(folder, str(number))
    frames = []
    for _, table in read_rows(Source(own), window.first, window.last) if list_names(own) else ():
        frame = frame_of(table)
        # A day's rows lie in any of the files; those of other windows are dropped at once.
        rows = frame[frame[DATE].between(iso(window.first), iso(window.last), inclusive="left")]
        frames += [rows] if len(rows) else []
    if not frames:
        return None
    with naming(location):
        return to_block(pd.concat(frames, ignore_index=True), window.cutoff, window.window_days, observed)


def remove_partition(folder: str) -> None:
    """Remove the sorted rows; those that are gone are no problem, those that cannot be removed a DataProblem."""
    remove(join(folder, COMPLETE))
    remove_folder(folder)


def write_shards(tables: Iterable[pa.Table], shards: int, folder: Path, collected_rows: int | None = None) -> None:
    """Write the rows of all tables, which column `SHARD` divides, to `<folder>/<shard>/part-0.parquet`.

    A shard without rows gets no file. So many rows, of all shards together, are in memory.

    `pyarrow.dataset.write_dataset` would do it in a line, and hold every row until the last is written.
    """
    writers: dict[int, parquet.ParquetWriter] = {}
    with ExitStack() as opened:
        for table in _collected(tables, collected_rows or COLLECTED_ROWS):
            number = table[SHARD].to_numpy()
            rows = table.drop_columns(SHARD).take(np.argsort(number, kind="stable"))
            ends = np.cumsum(np.bincount(number, minlength=shards)).tolist()
            for shard, (first, end) in enumerate(itertools.pairwise([0, *ends])):
                if first < end and shard not in writers:
                    file = folder / str(shard) / "part-0.parquet"
                    file.parent.mkdir(parents=True)
                    writers[shard] = opened.enter_context(parquet.ParquetWriter(file, rows.schema))
                if first < end:
                    writers[shard].write_table(rows.slice(first, end - first))


def shard_of(ids: pa.Array, shards: int) -> np.ndarray:
    """Return each id's shard, int64 [n], by a hash: all rows of a player get into one, whatever part they come from."""
    return (lots(ids.to_numpy(zero_copy_only=False)) % np.uint64(shards)).astype(np.int64)


def _collected(tables: Iterable[pa.Table], most: int) -> Iterator[pa.Table]:
    """Join tables until they have so many rows."""
    waiting, rows = list[pa.Table](), 0
    for table in tables:
        waiting.append(table)
        rows += len(table)
        if rows >= most:
            yield pa.concat_tables(waiting)
            waiting, rows = [], 0
    if rows:
        yield pa.concat_tables(waiting)


def _tables(source: Source, windows: Sequence[Window], shards: int) -> Iterator[pa.Table]:
    first, last = min(window.first for window in windows), max(window.last for window in windows)
    for part, table in read_rows(source, first, last):
        if not len(table):  # whose columns may have any types
            continue
        with naming(part):
            frame = frame_of(table)
        days = day_numbers(frame)
        inside = (days >= first) & (days < last)
        rows = frame.loc[inside]
        counters = checked_counters(rows, source.counters)
        ids = pa.array(rows[ID])
        # Parts may differ in the width of ids: all files get one schema.
        ids = ids.cast(pa.int64() if pa.types.is_integer(ids.type) else pa.string())
        yield pa.table(
            {
                ID: ids,
                DATE: pa.array(days[inside].astype("datetime64[D]")),
                **{name: np.ascontiguousarray(counters[:, at]) for at, name in enumerate(source.counters)},
                SHARD: shard_of(ids, shards),
            }
        )
