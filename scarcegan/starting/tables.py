"""What lies at a place: a team's own tables, each with its columns and its first rows."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from scarcegan.data.ids import canonical, is_id_type
from scarcegan.data.places import label_text
from scarcegan.data.tables import BATCH_ROWS, FORMATS, in_path, read_parts
from scarcegan.data.values import Refusals
from scarcegan.features.longform import DATE, ID, day_numbers
from scarcegan.features.source import Source, naming, read_rows
from scarcegan.features.telemetry import day_of, iso
from scarcegan.problems import DataProblem
from scarcegan.project import located
from scarcegan.records import Record
from scarcegan.storage import is_file, is_s3, join, list_names

NO_TABLE = "none"
NO_LABEL = "no label"  # what rows whose label is empty count as: a label may be called none
LARGEST_WHOLE = 2**53  # above, floats cannot tell whole numbers apart
_EXPECTED = "expected a table for each population, one table with a label column, or telemetry with a labels table"


class Table(Record):
    """A table, its parts together.

    Attributes:
        name: what its file or folder is called, without the extension.
        head: its first rows, some ten thousand, with all columns that have a name.
        has_days: whether it has a column `date`, or folders that stand for it.
    """

    name: str
    location: str
    head: pa.Table
    has_days: bool = False

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self.head.column_names)

    def values(self, column: str) -> dict[str, int]:
        """Count the rows by a column's text, as labels are read; those without one count as `no label`."""
        counts: Counter[str] = Counter()
        for _, rows in read_parts(self.location, [column], text=[column]):
            found = label_text(rows[column]).value_counts().to_pylist()
            counts.update({one["values"] or NO_LABEL: one["counts"] for one in found})
        return dict(sorted(counts.items()))

    def rows(self) -> int:
        """Count the rows."""
        return sum(len(rows) for _, rows in read_parts(self.location, self.columns[:1]))

    def day_after_last(self) -> str:
        """Return the ISO date after the last day of telemetry; dates that are none are a DataProblem."""
        counters = [name for name in self.columns if name not in (ID, DATE)][:1]
        last, end = 0, day_of("9999-12-31")
        for part, rows in read_rows(Source(self.location, tuple(counters)), day_of("0001-01-01"), end):
            if len(rows):
                with naming(part):
                    last = max(last, int(day_numbers(rows.select([DATE]).to_pandas(date_as_object=False)).max()))
        return iso(min(last + 1, end))

    def first_ids(self, column: str) -> pa.ChunkedArray:
        """Return a column of the first rows as the id is read: of a CSV file as text, however large its numbers are."""
        found = self.head[column]
        if pa.types.is_floating(found.type) and (pc.max(pc.abs(found)).as_py() or 0) > LARGEST_WHOLE:
            found = next(rows[column] for _, rows in read_parts(self.location, [column], text=[column]) if len(rows))
        return found.slice(0, BATCH_ROWS)

    def can_name_rows(self, column: str) -> bool:
        """Tell whether a column may be the id: text or whole numbers, each once in the first rows."""
        found = self.first_ids(column)
        if not is_id_type(found.type) or found.null_count:
            return False
        try:
            ids = canonical(found)
        except pa.ArrowInvalid:
            return False
        return len(pc.unique(ids)) == len(ids)

    def is_number(self, column: str) -> bool:
        """Tell whether a column may be a feature."""
        kind = self.head[column].type
        known = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_null, pa.types.is_decimal)
        return any(is_kind(kind) for is_kind in known)


def look(place: str) -> list[Table]:
    """Look at a file, or at a folder or `s3://` prefix of tables; a relative place counts from the working directory.

    Raises:
        DataProblem: nothing is there, or tables cannot be read; all of them are told.
    """
    location = located(place, Path.cwd()).rstrip("/")
    places = {Path(location).name: location} if is_file(location) else dict(_inside(location))
    tables, refusals = [], Refusals()
    for name, where in places.items():
        with refusals.collecting():
            part, head = next(((part, rows) for part, rows in read_parts(where) if len(rows)), ("", None))
            if head is None:
                raise DataProblem(f"expected rows in {where}, got an empty table: fill it, or move it away")
            has_days = DATE in head.column_names or bool(in_path(where, part).get(DATE))
            tables.append(Table(_stem(name), where, head.slice(0, BATCH_ROWS), has_days))
    refusals.refuse()
    return tables


def passed_over(place: str) -> list[str]:
    """Name the files beside the tables at a place that `look` takes for none, by the end of their names."""
    location = located(place, Path.cwd()).rstrip("/")
    return [] if is_file(location) else [name for name in list_names(location) if not _may_be_table(location, name)]


def _inside(folder: str) -> Iterator[tuple[str, str]]:
    """Yield (name, location) of the tables in a folder, or of the one whose parts it holds."""
    if not is_s3(folder) and not Path(folder).is_dir():
        raise DataProblem(f"{_EXPECTED}, got nothing at {folder}: check --from")
    names = [name for name in list_names(folder) if _may_be_table(folder, name)]
    if not names:
        raise DataProblem(f"{_EXPECTED}, as parquet or CSV, got none of them in {folder}: check --from")
    # `part-0`, `part-1` or `date=2026-01-01`: what differs in digits alone belongs together.
    kinds = {"part" if name.startswith("part-") else re.sub(r"\d+", "", _stem(name)) for name in names}
    if len(names) > 1 and len(kinds) == 1:
        yield Path(folder).name, folder
        return
    for name in names:
        yield name, join(folder, name)


def _may_be_table(folder: str, name: str) -> bool:
    is_folder = not is_s3(folder) and os.path.isdir(join(folder, name))
    return is_folder or name.lower().endswith(FORMATS) or not Path(name).suffix


def _stem(name: str) -> str:
    ends = [len(ending) for ending in FORMATS if name.lower().endswith(ending)]
    return name[: -max(ends)] if ends else name
