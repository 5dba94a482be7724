"""Read a table: parquet or CSV, a file or a folder of parts, local or on S3; or say what is wrong with it."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import csv, parquet

from scarcegan.problems import DataProblem
from scarcegan.storage import find_parts, local_file

FORMATS = (".parquet", ".csv")
BATCH_ROWS = 16_384
READ_BUFFER_BYTES = 2**18

# The names of the columns to read, or what picks them from the names that a file has; when None all that have a name.
Columns = Sequence[str] | Callable[[list[str]], Sequence[str]] | None


def read_table(location: str, columns: Sequence[str] | None = None, *, text: Sequence[str] = ()) -> pd.DataFrame:
    """Read a table: the rows of all parts, in the order of the parts' names; columns as in the first part.

    Args:
        location: a file, or a folder whose parts share one format and the same columns (in any order); a path
            or an `s3://` address.
        columns: columns to read; when left out all that have a name (see `is_nameless`).
        text: columns that a CSV file gives as text even where they look like numbers (ids keep their zeros).

    Raises:
        DataProblem: nothing there, unreadable, corrupt, ragged rows, a column missing or twice, parts that differ.
    """
    pieces = [piece for _, piece in read_parts(location, columns, text=text)]
    try:
        whole = pa.concat_tables(pieces, promote_options="permissive")
    except pa.ArrowException as error:
        raise DataProblem(
            f"expected one type per column in all parts of {location}: {error}; write the parts with one schema"
        ) from error
    pieces.clear()
    # Columns that nobody else holds become a frame without a second copy of the whole table. An index that
    # pandas stored comes back as the column it is.
    return whole.to_pandas(split_blocks=True, self_destruct=True, ignore_metadata=True)


def read_parts(
    location: str,
    columns: Columns = None,
    *,
    text: Sequence[str] = (),
    wanted: Callable[[str], bool] = lambda part: True,
) -> Iterator[tuple[str, pa.Table]]:
    """Yield (part, rows) piece by piece, so that a table need not fit in memory; together they are the table.

    A piece is a CSV part, or some ten thousand rows of a parquet part, however large its row groups are. Types may
    differ between pieces. `wanted` tells by its location whether a part is read at all; see also `read_table`.
    """
    parts = find_parts(location)
    formats = {Path(part).suffix for part in parts}
    if len(formats) > 1 or not formats <= set(FORMATS):
        odd = next((part for part in parts if Path(part).suffix not in FORMATS), parts[-1])
        raise DataProblem(
            f"expected either .parquet or .csv files at {location}, got {sorted(formats)}: "
            f"move the others away, '{odd}' for one"
        )
    names: list[str] = []
    for part in filter(wanted, parts):
        for piece in _read_part(part, columns, text):
            names = names or piece.column_names
            differing = sorted(set(names) ^ set(piece.column_names))
            if differing:
                raise DataProblem(
                    f"expected the same columns in all parts, but {parts[0]} and {part} differ in {differing}: "
                    "write the parts with one schema"
                )
            yield part, piece.select(names)


def _read_part(part: str, columns: Columns, text: Sequence[str]) -> Iterator[pa.Table]:
    with local_file(part) as path:
        try:
            if path.suffix == ".parquet":
                yield from _read_parquet(path, part, columns)
            else:
                convert = csv.ConvertOptions(column_types=dict.fromkeys(text, pa.string()))
                # One thread: only then does the reader know the number of a ragged row.
                table = csv.read_csv(path, read_options=csv.ReadOptions(use_threads=False), convert_options=convert)
                yield table.select(_wanted(part, table.column_names, columns))
        except (pa.ArrowException, OSError) as error:
            # PyArrow repeats the whole ragged row, ids included.
            reason = re.sub(r"(Expected \d+ columns, got \d+): .*", r"\1", " ".join(str(error).split()))
            raise DataProblem(f"cannot read {part}: {reason}; mend the file or write it again") from None


def _read_parquet(path: Path, part: str, columns: Columns) -> Iterator[pa.Table]:
    # One file at a time and not a data set: names like `date=2026-01-01` above it must not become columns.
    # Buffered, and no column read ahead: a row group of a million rows is never in memory as a whole.
    with parquet.ParquetFile(path, buffer_size=READ_BUFFER_BYTES, pre_buffer=False) as file:
        wanted = _wanted(part, file.schema_arrow.names, columns)
        for batch in file.iter_batches(BATCH_ROWS, columns=wanted):
            yield pa.Table.from_batches([batch]).select(wanted)
        # A part without rows has columns too, and they are checked against those of other parts.
        if not file.metadata.num_rows:
            yield file.schema_arrow.empty_table().select(wanted)


def is_nameless(name: str) -> bool:
    """Tell what stands for a column without a name: the row numbers that pandas and R write beside a table."""
    return bool(re.fullmatch(r"|Unnamed: \d+(\.\d+)?|__index_level_\d+__|\.\.\.\d+", name))


def _wanted(part: str, names: list[str], columns: Columns) -> list[str]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataProblem(f"expected different column names in {part}, got {twice} twice: rename or drop one")
    if callable(columns):
        return list(columns(names))
    missing = [name for name in columns or () if name not in names]
    if missing:
        raise DataProblem(f"expected column {missing} in {part}, got {names}: add it to the file")
    return list(columns or (name for name in names if not is_nameless(name)))
