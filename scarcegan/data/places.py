"""A table of one's own: of one population, or of all, where a label column tells them apart.

Whatever the tables call their columns, their rows come from here under the names that the project has for them.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import field

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from scarcegan import words
from scarcegan.data.ids import canonical, keyed_rows
from scarcegan.data.tables import read_parts
from scarcegan.problems import DataProblem, nearest
from scarcegan.records import Record
from scarcegan.settings import Populations

# What stands for no value in a column of numbers of a CSV file, such as NULL: nobody's label either.
_NOTHING = csv.ConvertOptions().null_values
# What to read of a part, given the names of its columns; both are our names.
Chosen = Callable[[Sequence[str]], Sequence[str]]


class Place(Record):
    """Where a table lies, and what it calls its columns.

    Attributes:
        name: its population, or `test`; with a label column what messages call the whole table.
        location: a file or a folder of parts.
        theirs: what the table calls a column, by our name of it, where the two differ.
        label_column: tells the population of each row; empty: all are of `name`.
        id_key: as `data.id_key`.
        labels: as `data.labels`.
    """

    name: str
    location: str
    id_column: str
    theirs: dict[str, str] = field(default_factory=dict)
    label_column: str = ""
    id_key: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    def read(self, populations: Populations, chosen: Chosen) -> Iterator[tuple[str, str, pa.Table]]:
        """Yield (population, part, rows) piece by piece, see `tables.read_parts`; rows have the chosen columns.

        A column that is not there or twice, or a label that names no population, is a DataProblem.
        """
        label, strange = self.label_column, Counter[str]()
        ours = {theirs: ours for ours, theirs in self.theirs.items()}

        def wanted(names: list[str]) -> list[str]:
            return [self.theirs.get(name, name) for name in [*chosen(self._ours(names)), *[label] * bool(label)]]

        text = [self.theirs.get(name, name) for name in (self.id_column, label) if name]
        for part, piece in read_parts(self.location, wanted, text=text):
            rows = piece.rename_columns([ours.get(name, name) for name in piece.column_names])
            rows = keyed_rows(rows, self.id_column, self.id_key)
            if not label:
                yield self.name, part, rows
                continue
            named = _populations_of(rows[label], populations, self.labels)
            there = Counter(named.to_pylist())
            strange.update({name: there[name] for name in there if name not in populations.in_tables})
            for name in populations.in_tables:
                if name in there and not strange:  # afterwards strange ones are only counted
                    yield name, part, rows.drop_columns(label).filter(pc.equal(named, name))
        if strange:
            hints = (
                f"'{name}' in {words.plural(count, 'row')} ({nearest(name, populations.in_tables).rstrip('.')})"
                for name, count in strange.most_common(10)
            )
            raise DataProblem(
                f"expected populations in '{label}' of {self.location} (empty: '{populations.unlabeled}'), got "
                f"{words.plural(len(strange), 'other value')}: {', '.join(hints)}; mend the rows, name yours in "
                "[populations], or say in data.labels what they mean"
            )

    def _ours(self, names: Sequence[str]) -> list[str]:
        """Return our names of all columns but that of the labels."""
        labels = [self.label_column] * bool(self.label_column)  # an empty name is that of row numbers
        needed = [*self.theirs.values(), *labels]
        if not {*needed} <= {*names}:
            # Told together with a missing id, which alone is told with all else that is wrong.
            asked = dict.fromkeys([*needed, self.theirs.get(self.id_column, self.id_column)])
            missing = [f"no '{name}': {nearest(name, names)}" for name in asked if name not in names]
            raise DataProblem(
                f"expected the columns that [data] names in '{self.name}', {self.location}, got {'; '.join(missing)}"
            )
        ours = {theirs: ours for ours, theirs in self.theirs.items()}
        found = [ours.get(name, name) for name in names if name not in labels]
        twice = sorted({name for name in self.theirs if found.count(name) > 1})
        if twice:
            raise DataProblem(
                f"expected one column for each of {twice} in '{self.name}', got another that has the name already: "
                f"rename it in {self.location}, or leave it out of data.tables.{self.name}"
            )
        return found


def label_text(column: pa.ChunkedArray, meant: Collection[str] = ()) -> pa.ChunkedArray:
    """Return labels as text, large_string: 1, 1.0 and "1" are the same; empty where there is none.

    NULL, NaN, NA and the like are none, but for those that are `meant`. Lists, records and bytes are a DataProblem.
    """
    try:
        text = canonical(column).cast(pa.large_string())
    except pa.ArrowException:  # numbers that are not whole, and what is none, such as true and false
        try:
            text = column.cast(pa.large_string())
        except pa.ArrowException:
            raise DataProblem(
                f"expected words, whole numbers or true and false as labels, got {column.type}: write them so, or name "
                "another column of labels"
            ) from None
    text = pc.fill_null(text, "")
    nothing = pa.array([word for word in _NOTHING if word not in meant], pa.large_string())
    return pc.if_else(pc.is_in(text, nothing), "", text)


def _populations_of(column: pa.ChunkedArray, populations: Populations, labels: Mapping[str, str]) -> pa.ChunkedArray:
    """Return the population of each row as text; the unlabelled one where there is none."""
    text = label_text(column, {*labels.values(), *populations.in_tables})
    named = pc.if_else(pc.equal(text, ""), populations.unlabeled, text)
    for name, label in labels.items():
        named = pc.if_else(pc.equal(text, label), name, named)
    return named
