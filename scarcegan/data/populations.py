"""A team's own tables: one per population, and one more with known truth if they have it; or one with a label column.

They are read twice. The ids come first: they tell whether somebody is there twice and who stays when unlabelled
players are sampled. Then the features go, some ten thousand rows at a time, to the one array of those who stay.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import pyarrow as pa

from scarcegan.data import ids as player_ids
from scarcegan.data.folds import sample
from scarcegan.data.left_out import RowNumbers, leave_out, note
from scarcegan.data.places import Place
from scarcegan.data.players import UNKNOWN_TRUTH, UNLABELED, Players
from scarcegan.data.tables import FORMATS, is_nameless
from scarcegan.data.validation import (
    TRUTH_COLUMN,
    check_columns,
    check_ignored_columns,
    checked_ids,
    feature_columns,
    finite_blocks,
    float32_block,
    refuse_same_player_twice,
)
from scarcegan.problems import DataProblem
from scarcegan.project import located
from scarcegan.settings import Data, Populations, Settings
from scarcegan.settings.data_sections import TEST
from scarcegan.storage import find_parts, join, list_names, require_readable


def load_populations(settings: Settings) -> Players:
    """Read the populations where `[data]` says that they lie, and check them; see also `validation.validate`.

    A table is `<population>.parquet`, `<population>.csv`, or a folder `<population>/` of such parts below `data.path`,
    or what `data.tables` names: one row per player with an id and numeric features; columns that number the rows are
    left out. An optional `test` of the same form, with a column `truth_risky` of 0 and 1, becomes the test set;
    otherwise test players are held out later. With `data.label_column`, `data.path` is one table of all rows.

    Players come in the order labelled (by class), unlabelled (sampled, see `folds.sample`), test, and by id within:
    the same wherever, in however many files and in whatever order they lie.

    Raises:
        DataProblem: tables are missing, empty, unreadable or do not fit, all of them told; the same player twice; an
            infinite value, of a player who would not stay, too.
    """
    data, populations = settings.data, settings.populations
    places = places_of(data, populations)
    everyone = _everyone(places, data, populations)
    refuse_same_player_twice(everyone, populations)
    players, stay = sample(everyone, data, settings.seed)
    order = np.lexsort((players.ids, players.labels, players.labels == UNLABELED, players.test_set))
    row_of = np.empty(len(players), np.int64)
    row_of[order] = np.arange(len(players))
    features = np.empty((len(players), len(everyone.feature_names)), np.float32)
    filled = 0
    numbers = RowNumbers(everyone.feature_names)
    for start, block in finite_blocks(everyone, _blocks(places, everyone, settings, numbers), populations):
        rows = block[stay[start : start + len(block)]]
        features[row_of[filled : filled + len(rows)]] = rows
        filled += len(rows)
    return leave_out(replace(players.take(order), features=features), numbers.found(TEST), "numbering the rows")


@dataclass
class _Columns:
    """The feature columns, which the first part of the first population gives to all the others."""

    data: Data
    first: str
    features: tuple[str, ...] = ()
    known: set[str] = field(default_factory=set)
    nameless: set[str] = field(default_factory=set)

    def check(self, population: str, names: Sequence[str]) -> list[str]:
        """Check the names in a part and return those that tell who its players are."""
        self.known.update(names)
        nameless = {name for name in names if is_nameless(name)} - {self.data.id_column, *self.data.ignore_columns}
        self.nameless |= nameless
        names = [name for name in names if name not in nameless]
        self.features = self.features or feature_columns(population, names, self.data)
        check_columns(population, names, self.features, self.first, self.data)
        is_apart = population != TEST and not self.data.label_column
        if is_apart and TRUTH_COLUMN in names:
            raise DataProblem(
                f"expected '{TRUTH_COLUMN}' in the '{TEST}' table alone, got it in '{population}': remove it there, "
                "nothing may be trained on it"
            )
        is_told = TRUTH_COLUMN in names and not is_apart
        return [self.data.id_column, *[TRUTH_COLUMN] * is_told]


def places_of(data: Data, populations: Populations) -> list[Place]:
    """Find the table of each population and, if there is one, that of the test players; or the one table of all."""
    if not data.path and (data.label_column or not {*populations.classes, populations.unlabeled} <= set(data.tables)):
        raise DataProblem(
            "expected data.path for data.source 'tables', got none: name the folder of the tables (or the one table, "
            "with data.label_column), or every table in data.tables"
        )
    if data.label_column:
        return [Place("all players", located(data.path), data.id_column, {}, data.label_column)]
    below = [name for name in populations.in_tables if name not in data.tables]
    found = locate(data.path, below) if data.path else {}
    places = []
    for name in populations.in_tables:
        if name in data.tables:
            own = data.tables[name]
            renamed = own.columns | ({data.id_column: own.id_column} if own.id_column else {})
            theirs = {ours: column for ours, column in renamed.items() if ours != column}
            places.append(Place(name, located(own.path), data.id_column, theirs))
        elif name in found:
            places.append(Place(name, found[name], data.id_column))
    return places


def locate(folder: str, populations: Sequence[str]) -> dict[str, str]:
    """Find the one table that each population must have; that of the test players need not be there."""
    folder = located(folder)
    names = list_names(folder)
    found, faults = {}, []
    for population in populations:
        options = [name for name in names if name in {population, *(population + suffix for suffix in FORMATS)}]
        if len(options) > 1:
            faults.append(f"expected one table for '{population}' in {folder}, got {options}: keep one of them")
        elif options:
            found[population] = join(folder, options[0])
        elif population != TEST:
            faults.append(
                f"expected population '{population}' in {folder} as {population}.parquet, {population}.csv or "
                f"a folder {population}/, got {names}: add it, name its place in data.tables, or name your populations "
                "in [populations]"
            )
    _refuse(faults)
    return found


def labelled_ids(settings: Settings) -> tuple[dict[str, np.ndarray], bool]:
    """Read the ids of each labelled population, and tell whether there are test players, without reading features.

    Of tables that hold nobody with a label only one byte is read: they are there, and can be read.

    Raises:
        DataProblem: tables that are missing or unreadable, all of them told.
    """
    data, populations = settings.data, settings.populations
    ids: dict[str, list[pa.ChunkedArray]] = {name: [] for name in populations.in_tables}
    faults = []
    places = places_of(data, populations)
    for place in places:
        try:
            if place.name in (populations.unlabeled, TEST):
                require_readable(find_parts(place.location)[0])
                continue
            for name, _, rows in place.read(populations, lambda _: [data.id_column]):
                if name != populations.unlabeled:
                    ids[name].append(checked_ids(name, rows[data.id_column], data.id_column))
        except DataProblem as problem:
            faults.append(str(problem))
    _refuse(faults)
    has_test = bool(ids[TEST]) or any(place.name == TEST for place in places)
    return {name: player_ids.to_numpy(ids[name]) for name in populations.classes}, has_test


def _refuse(faults: Sequence[str]) -> None:
    if faults:
        raise DataProblem("\n".join(faults))


def _everyone(places: Sequence[Place], data: Data, populations: Populations) -> Players:
    """Read who is there, without features, in the order of the rows."""
    columns = _Columns(data, populations.classes[0])
    found, faults = [], []
    for place in places:
        try:
            for name, _, rows in place.read(populations, partial(columns.check, place.name)):
                found.append((name, checked_ids(name, rows[data.id_column], data.id_column), _truth(name, rows)))
        except DataProblem as problem:
            faults.append(str(problem))  # one for each table: the others are looked at all the same
    _refuse(faults)
    there = {name for name, ids, _ in found if len(ids)}
    for name in populations.in_tables:
        if name not in there and (name != TEST or any(place.name == TEST for place in places)):
            faults.append(f"expected players in '{name}', got an empty table: add players to it")
    _refuse(faults)
    check_ignored_columns(columns.known | {data.label_column}, data.ignore_columns)
    labels = {name: label for label, name in enumerate(populations.classes)}
    counts = [len(ids) for _, ids, _ in found]
    return Players(
        ids=player_ids.to_numpy([ids for _, ids, _ in found]),
        features=np.empty((sum(counts), 0), np.float32),
        feature_names=columns.features,
        labels=np.repeat(np.array([labels.get(name, UNLABELED) for name, _, _ in found], np.int8), counts),
        truth=np.concatenate([truth for _, _, truth in found]),
        test_set=np.repeat(np.array([name == TEST for name, _, _ in found], np.int8), counts),
        test_sets=(TEST,) if TEST in there else (),
        notes=(note(sorted(columns.nameless), "having no name, as row numbers have none"),) if columns.nameless else (),
    )


def _truth(name: str, rows: pa.Table) -> np.ndarray:
    if name != TEST:
        return np.full(len(rows), UNKNOWN_TRUTH, np.int8)
    if TRUTH_COLUMN not in rows.column_names:
        raise DataProblem(
            f"expected column '{TRUTH_COLUMN}' (0 or 1) in '{TEST}', got none: add it, or take '{TEST}' away, for test "
            "players to be held out"
        )
    truth = rows[TRUTH_COLUMN].to_pandas()
    odd = truth[~truth.isin([0, 1])]
    if len(odd):
        raise DataProblem(f"expected 0 or 1 in '{TRUTH_COLUMN}' of '{TEST}', got {odd.tolist()[0]!r}: mend that row")
    return truth.to_numpy(np.int8)


def _blocks(
    places: Sequence[Place], everyone: Players, settings: Settings, numbers: RowNumbers
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (row of the first player, features) piece by piece, in the order of `everyone`."""
    start = 0
    for place in places:
        for name, part, rows in place.read(settings.populations, lambda _: everyone.feature_names):
            numbers.add(name, part, rows)
            yield start, float32_block(name, rows)
            start += len(rows)
    if start != len(everyone):
        raise DataProblem(
            f"expected {len(everyone)} players as a moment ago, got {start}: let nobody write to the tables while they "
            "are read"
        )
