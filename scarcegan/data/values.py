"""The one place that turns a column, of whatever type a warehouse writes, into numbers, or says which values are none.

Every reader uses it: tables, telemetry, labels, scores. Numbers are integers, floats, decimals, booleans (0 and 1) and
columns without a single value; text is text, also where it looks like a number. `ids` does the same for ids.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa

from scarcegan.problems import DataProblem

SHOWN = 3
MOST_TOLD = 30


def plain(rows: pa.Table) -> pa.Table:
    """Return rows without dictionaries and views of text, as all readers of columns expect them: see `read_parts`.

    Bytes that are text become text: Impala and ClickHouse, among others, mark no text as such.
    """
    as_text = (pa.types.is_string_view, pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view)
    for number, one in enumerate(rows.schema):
        kind = one.type.value_type if pa.types.is_dictionary(one.type) else one.type
        kind = pa.large_string() if any(is_kind(kind) for is_kind in as_text) else kind
        if kind != one.type:
            with suppress(pa.ArrowInvalid):  # other bytes stay what they are
                rows = rows.set_column(number, one.name, rows.column(number).cast(kind))
    return rows


def is_text(kind: pa.DataType) -> bool:
    """Tell whether a type is text."""
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def numbers(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Return a column as integers or floats, null where there is no value; None if it holds something else.

    Decimals become float64, booleans and columns without values float32.
    """
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return column
    if pa.types.is_decimal(kind):
        return column.cast(pa.float64())
    if pa.types.is_boolean(kind):
        return column.cast(pa.float32())
    # A column without a single value has no type, or whatever type its writer gave it.
    return pa.chunked_array([pa.nulls(len(column), pa.float32())]) if column.null_count == len(column) else None


def float32(column: pa.ChunkedArray) -> np.ndarray | None:
    """Return a column as float32 [n], NaN where there is no value; what is too large becomes infinite; else None."""
    found = numbers(column)
    return None if found is None else found.cast(pa.float32(), safe=False).to_numpy()


@dataclass
class OddValues:
    """What a column of something else than numbers holds, collected piece by piece."""

    kinds: dict[str, None] = field(default_factory=dict)
    places: dict[str, None] = field(default_factory=dict)
    rows: int = 0
    odd: int = 0
    empty: int = 0
    examples: dict[str, None] = field(default_factory=dict)

    def add(self, place: str, column: pa.ChunkedArray) -> None:
        """Look at some rows of the column, which lie at `place`."""
        values = column.to_pandas(date_as_object=False).dropna()
        values = values.map(str) if values.dtype == object else values.astype(str)  # bytes need not be text
        values = values[values != ""]  # how a CSV file leaves a text out
        odd = values[pd.to_numeric(values, errors="coerce").isna()] if is_text(column.type) else values
        self.kinds[str(column.type).removeprefix("large_")] = None
        self.places[place] = None
        self.empty += len(column) - len(values)
        self.rows, self.odd = self.rows + len(column), self.odd + len(odd)
        # Texts that are all numbers are examples too.
        for value, count in (odd if len(odd) else values).value_counts(sort=False).items():
            if len(self.examples) == SHOWN:
                break
            self.examples[_shown(str(value), count, is_odd=bool(len(odd)))] = None

    @property
    def where(self) -> str:
        """The places, in words."""
        return ", ".join(map(repr, self.places))

    @property
    def are_mixed(self) -> bool:
        """Whether some values are numbers, though written as text."""
        return self.odd < self.rows - self.empty

    @property
    def kind(self) -> str:
        """The types, in words."""
        return " and ".join(self.kinds)

    @property
    def counted(self) -> str:
        """How many values are no numbers, and which, in words."""
        if self.empty == self.rows:
            return f"{self.rows} empty texts"
        count = f"{self.odd} of {self.rows} values are no numbers" if self.odd else f"{self.rows} numbers as text"
        return f"{count}, such as {', '.join(map(repr, self.examples))}"


def _shown(value: str, count: int, *, is_odd: bool) -> str:
    """Return an example as it is, or only its pattern if it may name a player: what one row alone has."""
    is_damaged_number = is_odd and not any(map(str.isalpha, value))
    return value if count > 1 or is_damaged_number else re.sub(r"[^\W\d_]", "x", re.sub(r"\d", "9", value))


class Refusals:
    """Collects what is wrong with an input, so that all of it is told at once."""

    def __init__(self) -> None:
        self._told: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._told)

    def add(self, message: str) -> None:
        """Keep a message; the same one again changes nothing."""
        self._told[message] = None

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Keep the DataProblem of a block, which ends there."""
        try:
            yield
        except DataProblem as problem:
            self.add(str(problem))

    def refuse(self) -> None:
        """Raise a DataProblem that tells everything; do nothing if there is nothing."""
        told = list(self._told)
        if not told:
            return
        more = [f"... and {len(told) - MOST_TOLD} more"] * (len(told) > MOST_TOLD)
        raise DataProblem("\n".join([*told[:MOST_TOLD], *more]))
