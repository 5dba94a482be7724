"""Read a table: parquet or CSV, a file or a folder of parts, local or on S3; or say what is wrong with it."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pyarrow as pa
from pyarrow import csv, parquet

from scarcegan.data.values import plain
from scarcegan.problems import DataProblem
from scarcegan.storage import find_bytes, find_parts, first_bytes, join, list_names, local_file

# By the end of a name, in upper or lower case; of a file with another name, its first bytes tell.
FORMATS = (".parquet", ".csv", ".csv.gz")
_PARQUET, _GZIP = b"PAR1", b"\x1f\x8b"
# What lies under the name of a CSV file and is none, by its first bytes.
_NO_TEXT = {
    b"PK\x03\x04": "a zip archive, as Excel's workbooks are: save it as CSV, or unpack it",
    b"\xd0\xcf\x11\xe0": "a workbook of an old Excel: save it as CSV",
    _PARQUET: "parquet: end its name with .parquet",
    _GZIP: "gzip within gzip: unpack it once",
    b"BZh": "bzip2: unpack it",
    b"\x28\xb5\x2f\xfd": "zstandard: unpack it",
}
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_HEAD_BYTES = 65_536
ENCODED = "write the file as UTF-8 (`iconv -f LATIN1 -t UTF-8 IN > OUT`, or -f UTF-16), or as parquet"
_SEPARATORS = {";": "semicolon", "\t": "tab", "|": "bar"}
BATCH_ROWS = 16_384
READ_BUFFER_BYTES = 2**18

# The names of the columns to read, or what picks them from the names that a file has; when None all that have a name.
Columns = Sequence[str] | Callable[[list[str]], Sequence[str]] | None


def read_table(location: str, *, text: Sequence[str] = ()) -> pd.DataFrame:
    """Read a table: the rows of all parts, in the order of the parts' names; of the first's columns all with a name.

    Args:
        location: a file, or a folder whose parts share one format and the same columns (in any order); a path
            or an `s3://` address.
        text: columns that a CSV file gives as text even where they look like numbers (ids keep their zeros). So come
            those that look like one thing in one CSV part and like another in the next, such as 7 and "a note".

    Raises:
        DataProblem: nothing there, unreadable, corrupt, ragged rows, a column missing or twice, parts that differ.
    """
    pieces = [piece for _, piece in read_parts(location, text=text)]
    try:
        whole = pa.concat_tables(pieces, promote_options="permissive")
    except pa.ArrowException as error:
        odd = [name for name in pieces[0].column_names if not _have_one_type(name, pieces)]
        if not {*odd} <= {*text}:
            return read_table(location, text=[*text, *odd])
        raise DataProblem(
            f"expected one type per column in all parts of {location}: {error}; write the parts with one schema"
        ) from error
    pieces.clear()
    # Columns that nobody else holds become a frame without a second copy of the whole table. An index that
    # pandas stored comes back as the column it is. Python's dates end in the year 9999, before what databases write
    # for infinity.
    return whole.to_pandas(split_blocks=True, self_destruct=True, ignore_metadata=True, date_as_object=False)


def _have_one_type(name: str, pieces: Sequence[pa.Table]) -> bool:
    try:
        pa.unify_schemas([pa.schema([piece.schema.field(name)]) for piece in pieces], promote_options="permissive")
    except pa.ArrowException:
        return False
    return True


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
    parts = _tables_of(location)
    names: list[str] = []
    for part, is_parquet in parts.items():
        if not wanted(part):
            continue
        for piece in _read_part(part, is_parquet, columns, text):
            names = names or piece.column_names
            differing = sorted(set(names) ^ set(piece.column_names))
            if differing:
                raise DataProblem(
                    f"expected the same columns in all parts, but {next(iter(parts))} and {part} differ in "
                    f"{differing}: write the parts with one schema"
                )
            yield part, plain(piece.select(names))


def is_table_of(name: str, file: str) -> bool:
    """Tell whether a file or folder may hold the table `name`: it has this name, or ends with a format as well."""
    return file.startswith(name) and file[len(name) :].lower() in ("", *FORMATS)


def _tables_of(location: str) -> dict[str, bool]:
    """Return the parts at a location, and of each whether it is parquet, or else CSV."""
    parts = find_parts(location)
    if parts != [location] and (replaced := _replaced(location).intersection(parts)):
        raise DataProblem(
            f"expected the rows of {location} in its files and no others, got a Delta table with {len(replaced)} files "
            "of rows that were replaced or deleted: write it as parquet "
            "(`spark.read.format('delta').load('IN').write.parquet('OUT')`), or let VACUUM remove them"
        )
    # What UNLOAD of Redshift leaves beside its parts is a list of them, called PREFIXmanifest.
    parts = [part for part in parts if not part.endswith("manifest")] or parts
    formats = {part: _is_parquet(part) for part in parts}
    odd = [part for part, is_parquet in formats.items() if is_parquet is None]
    if odd or len(set(formats.values())) > 1:
        got = sorted({Path(part).suffix or "no extension" for part in formats})
        raise DataProblem(
            f"expected either .parquet or .csv files at {location}, got {got}: move the others away, "
            f"'{(odd or list(formats))[-1]}' for one, or end the name of a CSV file with .csv or .csv.gz"
        )
    return {part: bool(is_parquet) for part, is_parquet in formats.items()}


def _replaced(location: str) -> set[str]:
    """Return the files that do not count any more by the log of a Delta table; none where there is no log."""
    log, replaced = join(location, "_delta_log"), set[str]()
    for name in list_names(log):
        for line in (find_bytes(join(log, name)) or b"").splitlines() if name.endswith(".json") else ():
            try:
                action = json.loads(line)
            except ValueError as error:
                raise DataProblem(
                    f"cannot read {join(log, name)}, of the log of a Delta table: write the table as parquet"
                ) from error
            if file := action.get("remove"):
                replaced.add(join(location, unquote(file["path"])))
            elif file := action.get("add"):
                # With a deletion vector, rows of the file itself are deleted.
                path = join(location, unquote(file["path"]))
                (replaced.add if file.get("deletionVector") else replaced.discard)(path)
    return replaced


def _is_parquet(part: str) -> bool | None:
    """Tell parquet from CSV by the end of a part's name, or its first bytes; None if it is neither."""
    name = part.lower()
    if name.endswith(FORMATS):
        return name.endswith(".parquet")
    return True if first_bytes(part, len(_PARQUET)) == _PARQUET else None


def _read_part(part: str, is_parquet: bool, columns: Columns, text: Sequence[str]) -> Iterator[pa.Table]:
    with local_file(part) as path:
        try:
            if is_parquet:
                yield from _read_parquet(path, part, columns)
            else:
                table = _read_csv(path, part, text)
                chosen = table.select(_wanted(part, table.column_names, columns))
                # What is not UTF-8 comes as bytes.
                coded = [field.name for field in chosen.schema if pa.types.is_binary(field.type)]
                if coded:
                    raise DataProblem(_encoded(part, f"other bytes in column {coded}"))
                yield chosen
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            # PyArrow repeats the whole ragged row, ids included.
            reason = re.sub(r"(Expected \d+ columns, got \d+): .*", r"\1", " ".join(str(error).split()))
            reason += f"; {ENCODED}" if "UTF8" in reason else ""
            raise DataProblem(f"cannot read {part}: {reason}; mend the file or write it again") from None


def _read_csv(path: Path, part: str, text: Sequence[str]) -> pa.Table:
    packed = "gzip" if first_bytes(str(path), len(_GZIP)) == _GZIP else None
    with pa.input_stream(str(path), compression=packed) as file:
        _check_text(file.read(_HEAD_BYTES), part, text)
    convert = csv.ConvertOptions(column_types=dict.fromkeys(text, pa.string()))
    with pa.input_stream(str(path), compression=packed) as file:
        # One thread: only then does the reader know the number of a ragged row.
        table = csv.read_csv(file, read_options=csv.ReadOptions(use_threads=False), convert_options=convert)
    _check_last_quote(path, packed, part, table)
    # PyArrow moves what is written with an offset to UTC, and maybe to another day; as text it keeps the day written.
    zoned = [one.name for one in table.schema if pa.types.is_timestamp(one.type) and one.type.tz]
    return _read_csv(path, part, [*text, *zoned]) if zoned else table


def _check_last_quote(path: Path, packed: str | None, part: str, table: pa.Table) -> None:
    """Refuse a CSV file that ends within quotes: to PyArrow all rows from there on are text of one last value."""
    last = table.column(table.num_columns - 1)[-1].as_py() if len(table) else None
    if b"\n" in (last.encode() if isinstance(last, str) else last if isinstance(last, bytes) else b""):
        with pa.input_stream(str(path), compression=packed) as file:
            is_closed = file.read().rstrip().endswith(b'"')
        if not is_closed:
            raise DataProblem(
                f"expected each quote of {part} to be closed, got one open from row {len(table)} to the end of the "
                "file: close or remove it"
            )


def _check_text(head: bytes, part: str, text: Sequence[str]) -> None:
    """Refuse a CSV file of another encoding or separator, by its first bytes; its columns `text` stay text."""
    first = head.splitlines()[0] if head else b""
    if got := next((got for start, got in _NO_TEXT.items() if head.startswith(start)), None):
        raise DataProblem(f"expected CSV text in {part}, got {got}")
    if first.lower().startswith(b"sep="):
        raise DataProblem(
            f"expected the names of columns in the first line of {part}, got {first.decode(errors='replace')!r}, which "
            "Excel alone understands: remove that line"
        )
    if head.startswith(_UTF16) or b"\0" in first:
        raise DataProblem(_encoded(part, "UTF-16"))
    try:
        names = first.decode()
    except UnicodeDecodeError:
        raise DataProblem(_encoded(part, "other bytes in the first line")) from None
    between = re.sub('"[^"]*"', "", names)  # "amount, EUR" may be the name of a column
    separator = max(_SEPARATORS, key=between.count)
    if between.count(separator) > between.count(","):
        kept = [name for name in text if name in re.split(f'[{separator}"]', names.lstrip("\ufeff"))]
        types = f", dtype=dict.fromkeys({kept}, str)" * bool(kept)
        convert = f"pandas.read_csv('IN', sep={separator!r}, decimal=','{types}).to_csv('OUT', index=False)"
        raise DataProblem(
            f"expected commas between the columns of {part}, got the {_SEPARATORS[separator]} {separator!r} in the "
            "first line: write the file with commas (and decimal points), or as parquet; with decimal commas, python "
            f'-c "import pandas; {convert}" does it'
        )


def _encoded(part: str, got: str) -> str:
    return f"expected UTF-8 text in {part}, got {got}: {ENCODED}"


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


def in_path(location: str, part: str) -> dict[str, str]:
    """Return the columns for which folders below a location stand, each with its value: `country=DE/part-0.parquet`.

    Of two folders for one column the upper one counts.
    """
    found: dict[str, str] = {}
    for name, value in re.findall(r"/([^/=]+)=([^/]*)(?=/)", part.removeprefix(location.rstrip("/"))):
        found.setdefault(name, value)
    return found


def is_nameless(name: str) -> bool:
    """Tell what stands for a column without a name: the row numbers that pandas and R write beside a table."""
    return bool(re.fullmatch(r"|Unnamed: \d+(\.\d+)?|__index_level_\d+__|\.\.\.\d+", name))


def _wanted(part: str, names: list[str], columns: Columns) -> list[str]:
    twice = sorted({name for name in names if names.count(name) > 1 and not is_nameless(name)})
    if twice:
        raise DataProblem(f"expected different column names in {part}, got {twice} twice: rename or drop one")
    chosen = columns(names) if callable(columns) else columns
    missing = [name for name in chosen or () if name not in names]
    if missing:
        raise DataProblem(f"expected column {missing} in {part}, got {names}: add it to the file")
    return [name for name in names if not is_nameless(name)] if chosen is None else list(chosen)
