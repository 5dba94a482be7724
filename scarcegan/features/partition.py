"""Telemetry sorted by shard, once, so that the task of a shard reads its own players' rows and nobody else's."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import dataset

from scarcegan.data.ids import lots
from scarcegan.features.longform import DATE, ID, checked_counters, day_numbers
from scarcegan.features.source import Source, Window, naming, read_frames
from scarcegan.features.telemetry import Telemetry, iso, to_block
from scarcegan.problems import DataProblem
from scarcegan.storage import draft_beside, is_file, join, list_names, put_file, remove, remove_folder, write_bytes

SHARD = "shard"
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
        tables = _tables(source, windows, shards)
        # The writer asks for a schema before the first row: the first table has it.
        first = next(tables)
        batches = (batch for table in (first, *tables) for batch in table.to_batches())
        dataset.write_dataset(
            pa.RecordBatchReader.from_batches(first.schema, batches),
            draft,
            format="parquet",
            partitioning=dataset.partitioning(pa.schema([(SHARD, pa.int64())])),
            max_partitions=shards,
            min_rows_per_group=max(1, COLLECTED_ROWS // shards),
            max_rows_per_group=COLLECTED_ROWS,
            use_threads=False,
        )
        for file in sorted(draft.rglob("*.parquet")):
            put_file(file, join(folder, str(file.relative_to(draft))))
    write_bytes(join(folder, COMPLETE), b"")


def read_shard(folder: str, number: int, window: Window, observed: np.ndarray, location: str) -> Telemetry | None:
    """Read the telemetry of one shard of players in one window; None if nobody in it has a row there.

    `folder` is that of the sorted rows. Messages name the `location` of the telemetry itself: nobody has to mend the
    sorted copy. `observed` is bool [window_days], from the survey of all players.

    Raises:
        DataProblem: rows that `to_block` refuses; or the sorted rows are not there: removed since, or on another
            machine's disk.
    """
    if not is_file(join(folder, COMPLETE)):
        raise DataProblem(
            f"expected the telemetry sorted by shard in {folder}, found none: another resume has published and removed "
            "it, or it is on another machine's disk (set snapshots.folder = 's3://...'); start a new run"
        )
    own = join(folder, str(number))
    # A day's rows lie in any of the files; those of other windows are dropped at once.
    frames = [
        rows
        for _, frame in (read_frames(Source(own), window.first, window.last) if list_names(own) else ())
        if len(rows := frame[frame[DATE].between(iso(window.first), iso(window.last), inclusive="left")])
    ]
    if not frames:
        return None
    with naming(location):
        return to_block(pd.concat(frames, ignore_index=True), window.cutoff, window.window_days, observed)


def remove_partition(folder: str) -> None:
    """Remove the sorted rows; those that are gone are no problem, those that cannot be removed a DataProblem."""
    remove(join(folder, COMPLETE))
    remove_folder(folder)


def _tables(source: Source, windows: Sequence[Window], shards: int) -> Iterator[pa.Table]:
    first, last = min(window.first for window in windows), max(window.last for window in windows)
    for _, frame in read_frames(source, first, last):
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
                # By a hash of the id: all rows of a player get into one shard, whatever part they come from.
                SHARD: (lots(ids.to_numpy(zero_copy_only=False)) % np.uint64(shards)).astype(np.int64),
            }
        )
