"""A team's own five tables: one per population, and a sixth with known truth if they have it.

They are read twice. The ids come first: they tell whether somebody is there twice and who stays when unlabelled
players are sampled. Then the features go, some ten thousand rows at a time, to the one array of those who stay.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import pyarrow as pa

from scarcegan.data import ids as player_ids
from scarcegan.data.folds import sample
from scarcegan.data.left_out import RowNumbers, leave_out, note
from scarcegan.data.players import UNKNOWN_TRUTH, UNLABELED, Players
from scarcegan.data.tables import is_nameless, is_table_of, read_parts
from scarcegan.data.validation import (
    TRUTH_COLUMN,
    check_columns,
    check_ignored_columns,
    feature_columns,
    finite_blocks,
    float32_block,
    missing_ids,
    readable_ids,
    refuse_missing_ids,
    refuse_odd_columns,
    refuse_same_player_twice,
    refuse_small_populations,
    refuse_to_ignore,
)
from scarcegan.data.values import OddValues, Refusals, numbers
from scarcegan.problems import DataProblem
from scarcegan.project import located
from scarcegan.settings import Data, Populations, Settings
from scarcegan.storage import join, list_names

TEST = "test"


def load_populations(settings: Settings) -> Players:
    """Read the five populations below `data.path`, and check them; see also `validation.validate`.

    Each is `<population>.parquet`, `<population>.csv`, or a folder `<population>/` of such parts: one row per
    player with an id and numeric features; columns that number the rows are left out. An optional `test` of the same
    form, with a column `truth_risky` of 0 and 1, becomes the test set; otherwise test players are held out later.
    Players come in the order labelled (by class), unlabelled (sampled, see `folds.sample`), test.

    Raises:
        DataProblem: a table is missing, empty, unreadable or does not fit; the same player twice; an infinite value,
            of a player who would not stay, too. It tells everything that is wrong with all tables.
    """
    if not settings.data.path:
        raise DataProblem("expected data.path for data.source 'tables', got none: name the folder of the tables")
    data, populations = settings.data, settings.populations
    locations = locate(data.path, (*populations.classes, populations.unlabeled))
    refusals, columns = Refusals(), _Columns(data, populations.classes[0])
    everyone = _everyone(locations, columns, populations, refusals)
    with refusals.collecting():
        refuse_same_player_twice(everyone, populations)
    # Once something is refused, nobody's features are kept.
    players, stay = (everyone, np.zeros(len(everyone), bool)) if refusals else sample(everyone, data, settings.seed)
    features = np.empty((np.count_nonzero(stay), len(columns.features)), np.float32)
    filled, row_numbers, odd = 0, RowNumbers(columns.features), dict[str, OddValues]()
    with refusals.collecting():
        for start, block in finite_blocks(everyone, _blocks(locations, everyone, data, row_numbers, odd), populations):
            rows = block[stay[start : start + len(block)]]
            features[filled : filled + len(rows)] = rows
            filled += len(rows)
    refuse_odd_columns(odd, refusals)
    if refusals:
        refuse_small_populations(everyone, settings, refusals)
    refuse_to_ignore([*odd, *columns.differing], data, refusals)
    refusals.refuse()
    return leave_out(replace(players, features=features), row_numbers.found(TEST), "numbering the rows")


@dataclass
class _Columns:
    """The feature columns, which the first part of the first population gives to all the others."""

    data: Data
    first: str
    features: tuple[str, ...] = ()
    known: set[str] = field(default_factory=set)
    nameless: set[str] = field(default_factory=set)
    differing: dict[str, None] = field(default_factory=dict)

    def check(self, population: str, refusals: Refusals, names: Sequence[str]) -> list[str]:
        """Check the names in a part and return those that tell who its players are."""
        self.known.update(names)
        nameless = {name for name in names if is_nameless(name)} - {self.data.id_column, *self.data.ignore_columns}
        self.nameless |= nameless
        names = [name for name in names if name not in nameless]
        self.features = self.features or feature_columns(population, names, self.data)
        differing = check_columns(population, names, self.features, self.first, self.data, refusals)
        self.differing |= dict.fromkeys(differing)
        if population != TEST and TRUTH_COLUMN in names:
            refusals.add(
                f"expected '{TRUTH_COLUMN}' in the '{TEST}' table alone, got it in '{population}': remove it there, "
                "nothing may be trained on it"
            )
        if population == TEST and TRUTH_COLUMN not in names:
            refusals.add(
                f"expected column '{TRUTH_COLUMN}' (0 or 1) in '{TEST}', got {list(names)}: add it, or take '{TEST}' "
                "away, for test players to be held out"
            )
        asked = [self.data.id_column, *[TRUTH_COLUMN] * (population == TEST)]
        # A table that lacks both is counted by any of its columns.
        return [name for name in asked if name in names] or list(names[:1])


def locate(folder: str, populations: Sequence[str]) -> dict[str, str]:
    """Find the one table that each population must have and, if there is one, that of the test players."""
    folder = located(folder)
    names = list_names(folder)
    found, refusals = {}, Refusals()
    for population in (*populations, TEST):
        options = [name for name in names if is_table_of(population, name)]
        if len(options) > 1:
            refusals.add(f"expected one table for '{population}' in {folder}, got {options}: keep one of them")
        if options:
            found[population] = join(folder, options[0])
        elif population != TEST:
            refusals.add(
                f"expected population '{population}' in {folder} as {population}.parquet, {population}.csv or "
                f"a folder {population}/, got {names}: add it, or name your populations in [populations]"
            )
    refusals.refuse()
    return found


def _everyone(locations: dict[str, str], columns: _Columns, populations: Populations, refusals: Refusals) -> Players:
    """Read who is there, without features; a table that cannot be read is taken out of the locations."""
    labels = {name: label for label, name in enumerate(populations.classes)}
    read = dict[str, _Who]()
    for name, location in list(locations.items()):
        who = _Who(name, columns.data.id_column)
        try:
            for _, rows in read_parts(location, partial(columns.check, name, refusals), text=[who.id_column]):
                who.add(rows, refusals)
        except DataProblem as problem:
            refusals.add(str(problem))
            del locations[name]
            continue
        who.check(refusals)
        read[name] = who
    check_ignored_columns(columns.known, columns.data.ignore_columns, refusals)
    sizes = {name: who.rows for name, who in read.items()}
    if not sum(sizes.values()):
        refusals.refuse()
    counts = list(sizes.values())
    left_out = (note(sorted(columns.nameless), "having no name, as row numbers have none"),)
    return Players(
        ids=player_ids.to_numpy([ids for who in read.values() for ids in who.ids]),
        features=np.empty((sum(counts), 0), np.float32),
        feature_names=columns.features,
        labels=np.repeat(np.array([labels.get(name, UNLABELED) for name in sizes], np.int8), counts),
        truth=np.concatenate([truth for who in read.values() for truth in who.truth]),
        test_set=np.repeat(np.array([name == TEST for name in sizes], np.int8), counts),
        test_sets=(TEST,) if TEST in locations else (),
        notes=left_out if columns.nameless else (),
    )


@dataclass
class _Who:
    """The players of one table, read piece by piece; what cannot be used is refused, and something stands for it."""

    name: str
    id_column: str
    ids: list[pa.ChunkedArray] = field(default_factory=list)
    truth: list[np.ndarray] = field(default_factory=list)
    rows: int = 0
    missing: int = 0
    unreadable: bool = False
    odd_truth: list[object] = field(default_factory=list)

    def add(self, rows: pa.Table, refusals: Refusals) -> None:
        """Look at some rows."""
        self.ids.append(self._ids(rows, refusals))
        self.truth.append(self._truth(rows))
        self.rows += len(rows)

    def check(self, refusals: Refusals) -> None:
        """Refuse what all rows together are found to lack."""
        if not self.rows:
            refusals.add(f"expected players in '{self.name}', got an empty table: add players to it")
        with refusals.collecting():
            refuse_missing_ids(self.name, self.id_column, self.missing)
        if self.odd_truth:
            refusals.add(
                f"expected 0 or 1 in '{TRUTH_COLUMN}' of '{TEST}', got {self.odd_truth[0]!r}: mend that row"
                f"{f' ({len(self.odd_truth)} such rows)' if len(self.odd_truth) > 1 else ''}"
            )

    def _ids(self, rows: pa.Table, refusals: Refusals) -> pa.ChunkedArray:
        found, missing = None, 0
        if self.id_column in rows.column_names and not self.unreadable:
            with refusals.collecting():
                found = readable_ids(self.name, rows[self.id_column], self.id_column)
                missing = missing_ids(found)
        # Once told is enough. Other checks go on, with names that are no ids.
        self.unreadable |= found is None
        self.missing += missing
        if found is not None and not missing:
            return found
        texts = [None] * len(rows) if found is None else found.cast(pa.large_string()).to_pylist()
        named = [text or f"row {row} of '{self.name}'" for row, text in enumerate(texts, self.rows + 1)]
        return pa.chunked_array([pa.array(named, pa.large_string())])

    def _truth(self, rows: pa.Table) -> np.ndarray:
        truth = np.full(len(rows), UNKNOWN_TRUTH, np.int8)
        if self.name == TEST and TRUTH_COLUMN in rows.column_names:
            column = numbers(rows[TRUTH_COLUMN])
            values = (rows[TRUTH_COLUMN] if column is None else column).to_pandas()
            is_known = values.isin([0, 1]) if column is not None else np.zeros(len(rows), bool)
            self.odd_truth += values[~is_known].tolist()
            truth[is_known] = values[is_known]
        return truth


def _blocks(
    locations: Mapping[str, str], everyone: Players, data: Data, numbered: RowNumbers, odd: dict[str, OddValues]
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (row of the first player, features) piece by piece, in the order of `everyone`."""
    start, features = 0, everyone.feature_names

    def features_of(names: Iterable[str]) -> list[str]:
        return [name for name in names if name in features]

    for name, location in locations.items():
        for part, rows in read_parts(location, features_of, text=[data.id_column]):
            if len(rows.column_names) == len(features):  # else it is refused
                numbered.add(name, part, rows)
            yield start, float32_block(name, rows, features, odd)
            start += len(rows)
    if start != len(everyone):
        raise DataProblem(
            f"expected {len(everyone)} players in {data.path} as a moment ago, got {start}: "
            "let nobody write there while it is read"
        )
