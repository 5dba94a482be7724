"""Attributes of players, such as an age band or a region, by which models are measured and never trained.

They are read where they are needed and kept nowhere: no step stores them, and messages name columns, never values.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from scarcegan.data.ids import canonical, is_id_type, keyed_rows, rows_of, to_numpy
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

    `unknown` is who has no row or no value; without a table there are no attributes. All that is wrong with the table,
    or that none of these players is in it, is a DataProblem.
    """
    if not settings.evaluate.attributes:
        return {}
    known, columns = _read(settings)
    rows = rows_of(ids, known)
    if (rows < 0).all():
        raise DataProblem(
            f"expected the ids of the players in {TABLE}, {located(settings.evaluate.attributes)}, got none of the "
            f"{len(ids)} test players: write the ids of the players' own tables to '{settings.data.id_column}'"
        )
    picked = pa.array(rows, mask=rows < 0)
    found = {name: column.take(picked).to_pylist() for name, column in columns.items()}
    return {name: np.array([text or UNKNOWN for text in texts]) for name, texts in found.items()}


def check_attributes(settings: Settings) -> str:
    """Read the table of attributes and say what it has; a DataProblem tells all that is wrong."""
    ids, columns = _read(settings)
    return f"{len(ids):,} rows with {', '.join(columns)}"


def check_attributes_fit(ids: np.ndarray, features: Sequence[str], settings: Settings) -> None:
    """Refuse, before anything is trained, attributes that are features as well, or that no test player has."""
    both = sorted(set(settings.evaluate.attribute_columns) & set(features))
    if both:
        raise DataProblem(
            f"expected evaluate.attribute_columns to be no inputs, got {both}, which are features: add them to "
            "data.ignore_columns, or measure by them with evaluate.subgroup_features"
        )
    attributes_of(ids, settings)


def _read(settings: Settings) -> tuple[np.ndarray, dict[str, pa.ChunkedArray]]:
    """Read and check the table: its ids, int64 or str [n], and, few different texts or null, its attributes."""
    identity, names = settings.data.id_column, settings.evaluate.attribute_columns
    location, reader, refusals = located(settings.evaluate.attributes), IdReader(TABLE, identity), Refusals()
    found: dict[str, list[pa.ChunkedArray]] = {name: [] for name in (identity, *names)}
    missing, there_are, rows = dict[str, None](), dict[str, None](), 0

    def there(columns: list[str]) -> list[str]:
        there_are.update(dict.fromkeys(columns))
        missing.update(dict.fromkeys(name for name in found if name not in columns))
        # Read on with any column: other mistakes are told too.
        return [name for name in found if name in columns] or columns[:1]

    if identity in names:
        refusals.add(
            f"expected attributes beside the ids, got '{identity}', which is data.id_column: take it out of "
            "evaluate.attribute_columns"
        )
    with refusals.collecting():
        for _, piece in read_parts(location, there, text=[*found]):
            rows += len(piece)
            piece = keyed_rows(piece, identity, settings.data.id_key)
            for name in (name for name in found if name not in missing):
                with refusals.collecting():
                    found[name].append(reader.read(piece[name]) if name == identity else _text(name, piece[name]))
        if not rows:
            refusals.add(f"expected players in {TABLE}, {location}, got an empty table: add rows to it")
        reader.check()
    if missing:
        refusals.add(
            f"expected columns {list(missing)} in {TABLE}, {location}, got {list(there_are)}: add them, or mend "
            "data.id_column and evaluate.attribute_columns"
        )
    ids = to_numpy(found.pop(identity))
    columns = {name: pa.chunked_array(own, pa.large_string()) for name, own in found.items()}
    again = pd.Series(ids)[pd.Series(ids).duplicated()].nunique()
    if again and not reader.missing:
        refusals.add(f"expected each player once in {TABLE}, {location}, got {again} more often: keep one row")
    _check_few(columns, refusals)
    refusals.refuse()
    return ids, columns


def _check_few(columns: dict[str, pa.ChunkedArray], refusals: Refusals) -> None:
    for name, column in columns.items():
        different = pc.count_distinct(column).as_py()
        if different > MOST_VALUES:
            refusals.add(
                f"expected at most {MOST_VALUES} values of attribute '{name}', got {different}: make bands of them, or "
                "leave the column out of evaluate.attribute_columns"
            )


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
