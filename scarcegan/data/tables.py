"""Read one table: parquet or CSV, a file or a folder of parts, local or on S3; or say what is wrong with it."""

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import csv, parquet

from scarcegan.data.storage import find_parts, local_file
from scarcegan.problems import DataProblem

FORMATS = (".parquet", ".csv")


def read_table(location: str, columns: Sequence[str] | None = None, *, text: Sequence[str] = ()) -> pd.DataFrame:
    """Read a table.

    Args:
        location: a file, or a folder whose parts share one format and the same columns (in any order); a path
            or an `s3://` address.
        columns: columns to read; all when left out.
        text: columns that a CSV file gives as text even where they look like numbers (ids keep their zeros).

    Returns:
        The rows of all parts, in the order of the parts' names; columns as in the first part.

    Raises:
        DataProblem: nothing there, unreadable, corrupt, ragged rows, a column missing or twice, parts that
            differ.
    """
    parts = find_parts(location)
    formats = {Path(part).suffix for part in parts}
    if len(formats) > 1 or not formats <= set(FORMATS):
        odd = next((part for part in parts if Path(part).suffix not in FORMATS), parts[-1])
        raise DataProblem(
            f"expected either .parquet or .csv files at {location}, got {sorted(formats)}: "
            f"move the others away, '{odd}' for one"
        )
    tables = [_read_part(part, columns, text) for part in parts]
    whole = _joined(parts, tables)
    tables.clear()
    # With nobody else holding on to them, columns become a frame without a second copy of the whole table.
    return whole.to_pandas(split_blocks=True, self_destruct=True, ignore_metadata=True)


def _read_part(part: str, columns: Sequence[str] | None, text: Sequence[str]) -> pa.Table:
    with local_file(part) as path:
        try:
            table = _read_parquet(path, columns) if path.suffix == ".parquet" else _read_csv(path, text)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            reason = " ".join(str(error).split())
            raise DataProblem(f"cannot read {part}: {reason}; mend the file or write it again") from error
    names = table.column_names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataProblem(f"expected different column names in {part}, got {twice} twice: rename or drop one")
    missing = [name for name in columns or () if name not in names]
    if missing:
        raise DataProblem(f"expected column {missing} in {part}, got {names}: add it to the file")
    return table.select(list(columns)) if columns else table


def _read_parquet(path: Path, columns: Sequence[str] | None) -> pa.Table:
    # One file at a time and not a data set: names like `date=2026-01-01` above it must not become columns.
    with parquet.ParquetFile(path) as file:
        # pandas leaves an unnamed index behind as a column; a row number is no feature.
        names = [name for name in file.schema_arrow.names if not re.fullmatch(r"__index_level_\d+__", name)]
        wanted = None if len(set(names)) < len(names) else [n for n in names if not columns or n in columns]
        return file.read(columns=wanted)


def _read_csv(path: Path, text: Sequence[str]) -> pa.Table:
    convert = csv.ConvertOptions(column_types=dict.fromkeys(text, pa.string()))
    # One thread: only then does the reader know the number of a ragged row.
    return csv.read_csv(path, read_options=csv.ReadOptions(use_threads=False), convert_options=convert)


def _joined(parts: Sequence[str], tables: Sequence[pa.Table]) -> pa.Table:
    first = tables[0]
    for part, table in zip(parts, tables, strict=True):
        differing = sorted(set(first.column_names) ^ set(table.column_names))
        if differing:
            raise DataProblem(
                f"expected the same columns in all parts, but {parts[0]} and {part} differ in {differing}: "
                "write the parts with one schema"
            )
    try:
        return pa.concat_tables([table.select(first.column_names) for table in tables], promote_options="permissive")
    except pa.ArrowException as error:
        raise DataProblem(
            f"expected one type per column in all parts of {Path(parts[0]).parent}: {error}; "
            "write the parts with one schema"
        ) from error
