"""One player's rows in the tables that the project has written: found, and taken out."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scarcegan.data.ids import as_text
from scarcegan.problems import DataProblem
from scarcegan.records import Record
from scarcegan.storage import local_file, new_file, sha256_of

ID = "player_id"
_NOBODY = pa.chunked_array([], pa.large_string())


class Rewritten(Record):
    """A file that a player's rows were taken out of; `before` and `after` are sha256 of its bytes, empty: no file."""

    place: str
    rows: int
    before: str
    after: str


def are_theirs(column: pa.ChunkedArray, player: str) -> pa.ChunkedArray:
    """Tell for each id whether it is the player's."""
    return pc.fill_null(pc.equal(as_text(column), player), False)


def ids_in(location: str) -> pa.ChunkedArray:
    """Return the ids in a parquet or CSV file as text, none where it has no such column; unreadable: a DataProblem."""
    with local_file(location) as path, _readable(location):
        if location.endswith(".csv"):
            return as_text(_ids(_read_csv(path)))
        return as_text(pq.read_table(path, columns=[ID])[ID] if ID in pq.read_schema(path).names else _NOBODY)


def rows_of(location: str, player: str) -> int:
    """Count a player's rows in a parquet or CSV file; raises as `ids_in` does."""
    return pc.sum(pc.equal(ids_in(location), player)).as_py() or 0


def take_out(location: str, player: str) -> Rewritten:
    """Write a file anew, whole or not at all, without a player's rows."""
    with local_file(location) as path, new_file(location) as draft, _readable(location):
        before = sha256_of(path)
        rows = (_csv_without if location.endswith(".csv") else _parquet_without)(path, draft, player)
        return Rewritten(location, rows, before, sha256_of(draft))


def _parquet_without(path: Path, draft: Path, player: str) -> int:
    taken = 0
    with pq.ParquetFile(path) as file:
        groups = file.metadata.num_row_groups
        packed = file.metadata.row_group(0).column(0).compression if groups else "UNCOMPRESSED"
        # As it was packed before; pyarrow's name for none differs.
        with pq.ParquetWriter(draft, file.schema_arrow, compression=packed.replace("UNCOMPRESSED", "NONE")) as writer:
            for batch in file.iter_batches():
                table = pa.Table.from_batches([batch])
                rest = table.filter(pc.invert(are_theirs(table[ID], player)))
                taken += len(table) - len(rest)
                writer.write_table(rest)
    return taken


def _csv_without(path: Path, draft: Path, player: str) -> int:
    table = _read_csv(path)
    is_theirs = are_theirs(_ids(table), player).to_numpy()
    table[~is_theirs].to_csv(draft, index=False)
    return int(is_theirs.sum())


def _read_csv(path: Path) -> pd.DataFrame:
    """Read a CSV that the project has written as the text that it is."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def _ids(table: pd.DataFrame) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(table[ID], pa.large_string())]) if ID in table else _NOBODY


@contextmanager
def _readable(location: str) -> Iterator[Any]:
    try:
        yield
    except (pa.ArrowException, ValueError) as error:
        raise DataProblem(f"{location} cannot be read ({error}): restore or remove it, then call again") from error
