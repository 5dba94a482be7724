"""Attributes of players, such as an age band or a region, by which models are measured and never trained.

They are read where they are needed and kept nowhere: no step stores them, and messages name columns, never values.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scarcegan.data.ids import canonical, is_id_type, keyed_rows, lots, rows_of, to_numpy
from scarcegan.data.tables import read_parts
from scarcegan.data.validation import IdReader
from scarcegan.data.values import Refusals
from scarcegan.problems import DataProblem
from scarcegan.project import located
from scarcegan.settings import Settings

UNKNOWN = "unknown"
MOST_VALUES = 20
TABLE = "evaluate.attributes"


def attributes_of(ids: np.ndarray, settings: Settings) -> dict[str, np.ndarray]:
    """Return the attributes of players in the order of their ids: str arrays [n], by the name of the column.

    `unknown` is who has no row or no value; without a table there are no attributes.

    Raises:
        DataProblem: all that is wrong with the table, or that none of these players is in it.
    """
    if not settings.evaluate.attributes:
        return {}
    table = _read(settings, lots(ids))
    rows = rows_of(ids, to_numpy(table.ids))
    if (rows < 0).all():
        raise DataProblem(
            f"expected the ids of the players in {TABLE}, {table.location}, got none of the {len(ids)} test players: "
            f"write the ids of the players' own tables to '{settings.data.id_column}'"
        )
    found = {}
    for name, pieces in table.columns.items():
        # One more row, which -1 picks, for who has none.
        values = [text or UNKNOWN for text in pa.chunked_array(pieces).to_pylist()] + [UNKNOWN]
        found[name] = np.array(values)[rows]
    return found


def check_attributes(settings: Settings) -> str:
    """Read the table of attributes and say what it has; a DataProblem tells all that is wrong."""
    table = _read(settings, np.empty(0, np.uint64))
    return f"{table.rows:,} rows with {', '.join(table.columns)}"


def check_attributes_fit(ids: np.ndarray, features: Sequence[str], settings: Settings) -> None:
    """Refuse, before anything is trained, attributes that are features as well, or that no test player has."""
    both = sorted(set(settings.evaluate.attribute_columns) & set(features))
    if both:
        raise DataProblem(
            f"expected evaluate.attribute_columns to be no inputs, got {both}, which are features: add them to "
            "data.ignore_columns, or measure by them with evaluate.subgroup_features"
        )
    attributes_of(ids, settings)


@dataclass
class _Table:
    """What is read of the table: of everybody that he is there, of the wanted players their ids and values."""

    location: str
    reader: IdReader
    columns: dict[str, list[pa.ChunkedArray]]
    ids: list[pa.ChunkedArray] = field(default_factory=list)
    everyone: list[np.ndarray] = field(default_factory=list)
    rows: int = 0
    different: dict[str, set[str]] = field(default_factory=dict)

    def add(self, rows: pa.Table, wanted: np.ndarray, refusals: Refusals) -> None:
        """Look at some rows; what cannot be used of them is refused."""
        self.rows += len(rows)
        texts = {}
        for name in rows.column_names:
            if name != self.reader.column:
                with refusals.collecting():
                    texts[name] = _text(name, rows[name])
                    self.different.setdefault(name, set()).update(pc.unique(texts[name].drop_null()).to_pylist())
        if self.reader.column not in rows.column_names:
            return
        with refusals.collecting():
            found = self.reader.read(rows[self.reader.column])
            there = lots(to_numpy([found.fill_null(0 if found.type == pa.int64() else "")]))
            self.everyone.append(there)
            keep = pa.array(np.isin(there, wanted))
            self.ids.append(found.filter(keep))
            for name, text in texts.items():
                self.columns[name].append(text.filter(keep))

    def check(self, refusals: Refusals) -> None:
        """Refuse what all rows together are found to lack."""
        if not self.rows:
            refusals.add(f"expected players in {TABLE}, {self.location}, got an empty table: add rows to it")
        with refusals.collecting():
            self.reader.check()
        ordered = np.sort(np.concatenate([np.empty(0, np.uint64), *self.everyone]))
        twice = len(np.unique(ordered[1:][ordered[1:] == ordered[:-1]]))
        if twice and not self.reader.missing:
            refusals.add(f"expected each player once in {TABLE}, {self.location}, got {twice} more often: keep one row")
        for name, values in self.different.items():
            if len(values) > MOST_VALUES:
                refusals.add(
                    f"expected at most {MOST_VALUES} values of attribute '{name}', got {len(values)}: make bands of "
                    "them, or leave the column out of evaluate.attribute_columns"
                )


def _read(settings: Settings, wanted: np.ndarray) -> _Table:
    """Read and check the table, keeping the rows of players with the wanted lots."""
    identity, names = settings.data.id_column, settings.evaluate.attribute_columns
    table = _Table(located(settings.evaluate.attributes), IdReader(TABLE, identity), {name: [] for name in names})
    refusals, missing = Refusals(), dict[str, None]()

    def there(columns: list[str]) -> list[str]:
        missing.update(dict.fromkeys(name for name in (identity, *names) if name not in columns))
        # Read on with any column: other mistakes are told too.
        return [name for name in (identity, *names) if name in columns] or columns[:1]

    with refusals.collecting():
        for _, rows in read_parts(table.location, there, text=[identity, *names]):
            rows = keyed_rows(rows, identity, settings.data.id_key)
            table.add(rows.select([name for name in rows.column_names if name in (identity, *names)]), wanted, refusals)
        if not missing or table.rows:
            table.check(refusals)
    if missing:
        refusals.add(
            f"expected columns {list(missing)} in {TABLE}, {table.location}, got none: add them, or mend "
            "data.id_column and evaluate.attribute_columns"
        )
    refusals.refuse()
    return table


def _text(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return an attribute as text, null where there is none; refuse what is no category."""
    try:
        if pa.types.is_boolean(column.type) or column.null_count == len(column):
            return column.cast(pa.large_string())
        if is_id_type(column.type):  # whole numbers and text, as ids are
            return canonical(column).cast(pa.large_string())
    except pa.ArrowInvalid:
        pass
    raise DataProblem(
        f"expected text, whole numbers or true and false in attribute '{name}' of {TABLE}, got {column.type} with "
        "other values: make bands of them, as text"
    )
