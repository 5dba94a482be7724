"""A team's own tables: one per population, and one more with known truth if they have it; or one with a label column.

They are read twice. The ids come first: they tell whether somebody is there twice and who stays when unlabelled
players are sampled. Then the features go, some ten thousand rows at a time, to the one array of those who stay.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import pyarrow as pa

from scarcegan.data import ids as player_ids
from scarcegan.data import validation
from scarcegan.data.folds import assume_harmless, sample
from scarcegan.data.left_out import IN_PATH, NUMBERING, RowNumbers, leave_out, note
from scarcegan.data.places import Place
from scarcegan.data.players import UNKNOWN_TRUTH, UNLABELED, Players
from scarcegan.data.reviewed import ReviewedPlayers, relabel
from scarcegan.data.rounding import Rounding
from scarcegan.data.tables import in_path, is_table_of
from scarcegan.data.validation import TRUTH_COLUMN, Columns
from scarcegan.data.values import OddValues, Refusals, numbers
from scarcegan.problems import DataProblem
from scarcegan.project import located
from scarcegan.settings import Data, Populations, Settings
from scarcegan.settings.data_sections import TEST
from scarcegan.storage import find_parts, first_bytes, is_file, join, list_names


def load_populations(settings: Settings, reviewed: ReviewedPlayers | None = None) -> Players:
    """Read the populations where `[data]` says that they lie, and check them; see also `validation.validate`.

    A table is `<population>.parquet`, `<population>.csv`, or a folder `<population>/` of such parts below `data.path`,
    or what `data.tables` names: one row per player with an id and numeric features; columns that number the rows are
    left out. An optional `test` of the same form, with a column `truth_risky` of 0 and 1, becomes the test set;
    otherwise test players are held out later. With `data.label_column`, `data.path` is one table of all rows.
    What reviewers found out goes before what the tables say, see `reviewed.relabel`; then some unlabelled players may
    be taken for harmless, see `folds.assume_harmless`.

    Players come in the order labelled (by class), unlabelled (sampled, see `folds.sample`), test, and by id within:
    the same wherever, in however many files and in whatever order they lie.

    Raises:
        DataProblem: a table is missing, empty, unreadable or does not fit; the same player twice; an infinite value,
            of a player who would not stay, too. It tells everything that is wrong with all tables.
    """
    data, populations = settings.data, settings.populations
    places = places_of(data, populations)
    refusals, columns = Refusals(), Columns(data, populations.classes[0])
    everyone = _everyone(places, columns, populations, refusals)
    with refusals.collecting():
        validation.refuse_same_player_twice(everyone, populations)
    if reviewed is not None:
        everyone = relabel(everyone, reviewed, populations, data.outcomes)
    if data.assumed_harmless:
        everyone = assume_harmless(everyone, data.assumed_harmless, settings.seed)
    # Once something is refused, nobody's features are kept.
    players, stay = (everyone, np.zeros(len(everyone), bool)) if refusals else sample(everyone, data, settings.seed)
    order = np.lexsort((players.ids, players.labels, players.labels == UNLABELED, players.test_set))
    row_of = np.empty(len(players), np.int64)
    row_of[order] = np.arange(len(players))
    features = np.empty((np.count_nonzero(stay), len(columns.features)), np.float32)
    filled, row_numbers, odd = 0, RowNumbers(columns.features), dict[str, OddValues]()
    rounding = Rounding()
    with refusals.collecting():
        for start, block in validation.finite_blocks(
            everyone, _blocks(places, everyone, populations, row_numbers, rounding, odd), populations
        ):
            rows = block[stay[start : start + len(block)]]
            features[row_of[filled : filled + len(rows)]] = rows
            filled += len(rows)
    validation.refuse_odd_columns(odd, refusals)
    if refusals:
        validation.refuse_small_populations(everyone, settings, refusals)
    validation.refuse_to_ignore([*odd, *columns.differing], data, refusals)
    refusals.refuse()
    players = replace(players.take(order), features=features, notes=(*players.notes, *rounding.notes()))
    return leave_out(players, row_numbers.found(TEST), NUMBERING)


def places_of(data: Data, populations: Populations) -> list[Place]:
    """Find the table of each population and, if there is one, that of the test players; or the one table of all."""
    elsewhere = data.found_elsewhere(populations)
    if not data.path and (
        data.label_column or not {*populations.classes, populations.unlabeled} <= {*data.tables, *elsewhere}
    ):
        raise DataProblem(
            "expected data.path for data.source 'tables', got none: name the folder of the tables (or the one table, "
            "with data.label_column), or every table in data.tables"
        )
    if data.label_column:
        return [
            Place("all players", located(data.path), data.id_column, {}, data.label_column, data.id_key, data.labels)
        ]
    below = [name for name in populations.in_tables if name not in data.tables]
    found = locate(data.path, below, optional={TEST, *elsewhere}) if data.path else {}
    places = []
    for name in populations.in_tables:
        if name in data.tables:
            places.append(place_at(located(data.tables[name].path), name, data))
        elif name in found:
            places.append(Place(name, found[name], data.id_column, id_key=data.id_key))
    return places


def place_at(location: str, name: str, data: Data) -> Place:
    """Return the place of a table whose columns have the names that the settings give to those of population `name`."""
    own = data.tables.get(name)
    renamed = (own.columns | ({data.id_column: own.id_column} if own.id_column else {})) if own else {}
    theirs = {ours: theirs for ours, theirs in renamed.items() if ours != theirs}
    return Place(name, location, data.id_column, theirs, id_key=data.id_key)


def locate(folder: str, populations: Sequence[str], optional: Collection[str] = (TEST,)) -> dict[str, str]:
    """Find the one table that each population must have, but for those that need not be there."""
    folder = located(folder)
    if is_file(folder):
        raise DataProblem(
            f"expected a folder of tables in data.path, got the file {folder}: name its column of labels in "
            "data.label_column if everybody is in it"
        )
    names = list_names(folder)
    found, missing, refusals = {}, list[str](), Refusals()
    for population in populations:
        options = [name for name in names if is_table_of(population, name)]
        if len(options) > 1:
            refusals.add(f"expected one table for '{population}' in {folder}, got {options}: keep one of them")
        elif options:
            found[population] = join(folder, options[0])
        elif population not in optional:
            missing.append(population)
    if missing:
        refusals.add(
            f"expected tables of {missing} in {folder}, each as NAME.parquet, NAME.csv or a folder NAME/, got "
            f"{names or 'nothing there'}: add them, name their places in data.tables, or name your populations in "
            "[populations]"
        )
    refusals.refuse()
    return found


def labelled_ids(settings: Settings) -> tuple[dict[str, np.ndarray], bool]:
    """Read the ids of each labelled population, and tell whether there are test players, without reading features.

    Of tables that hold nobody with a label only one byte is read: they are there, and can be read. All that are missing
    or unreadable are one DataProblem.
    """
    data, populations = settings.data, settings.populations
    ids: dict[str, list[pa.ChunkedArray]] = {name: [] for name in populations.in_tables}
    refusals = Refusals()
    places = places_of(data, populations)
    for place in places:
        with refusals.collecting():
            if place.name in (populations.unlabeled, TEST):
                first_bytes(find_parts(place.location)[0], 1)  # to be allowed to list is not to be allowed to read
                continue
            for name, _, rows in place.read(populations, lambda _: [data.id_column]):
                if name != populations.unlabeled:
                    ids[name].append(validation.checked_ids(name, rows[data.id_column], data.id_column))
    refusals.refuse()
    has_test = bool(ids[TEST]) or any(place.name == TEST for place in places)
    return {name: player_ids.to_numpy(ids[name]) for name in populations.classes}, has_test


def _everyone(places: list[Place], columns: Columns, populations: Populations, refusals: Refusals) -> Players:
    """Read who is there, without features, in the order of the rows; unreadable tables are taken out of the places."""
    found, who = list[tuple[str, pa.ChunkedArray, np.ndarray]](), dict[str, _Who]()
    for place in list(places):
        before = len(found)
        try:
            for name, part, rows in place.read(populations, partial(columns.check, place.name, refusals)):
                columns.in_path.update(in_path(place.location, part))
                one = who.setdefault(name, _Who(validation.IdReader(name, columns.data.id_column)))
                found.append((name, one.ids_of(rows, refusals), one.truth_of(rows, refusals)))
        except DataProblem as problem:
            refusals.add(str(problem))
            places.remove(place)
            del found[before:]
    for one in who.values():
        one.check(refusals)
    there = {name for name, ids, _ in found if len(ids)}
    in_one = (*populations.classes, populations.unlabeled) if columns.data.label_column else ()
    for name in (name for place in places for name in in_one or (place.name,)):
        if name not in there and name not in columns.data.found_elsewhere(populations):
            refusals.add(f"expected players in '{name}', got an empty table: add players to it")
    columns.check_ignored(refusals)
    if not found:
        refusals.refuse()
    counts = [len(ids) for _, ids, _ in found]
    left_out = {
        IN_PATH: columns.in_path - columns.known,
        "having no name, as row numbers have none": columns.nameless,
        "being called as what labels say (rename it if it is a feature)": columns.of_labels,
    }
    return Players(
        ids=player_ids.to_numpy([ids for _, ids, _ in found]),
        features=np.empty((sum(counts), 0), np.float32),
        feature_names=columns.features,
        labels=np.repeat(np.array([populations.labels.get(name, UNLABELED) for name, _, _ in found], np.int8), counts),
        truth=np.concatenate([truth for _, _, truth in found]),
        test_set=np.repeat(np.array([name == TEST for name, _, _ in found], np.int8), counts),
        test_sets=(TEST,) if TEST in there else (),
        notes=tuple(note(sorted(names), why) for why, names in left_out.items() if names),
    )


@dataclass
class _Who:
    """The players of one population, piece by piece; what cannot be used is refused, and something stands for it."""

    ids: validation.IdReader
    unnamed: int = 0
    unreadable: bool = False
    odd_truth: list[object] = field(default_factory=list)

    def check(self, refusals: Refusals) -> None:
        """Refuse what all rows together are found to lack."""
        with refusals.collecting():
            self.ids.check()
        if self.odd_truth:
            refusals.add(
                f"expected 0 or 1 in '{TRUTH_COLUMN}' of '{TEST}', got {self.odd_truth[0]!r}: mend that row"
                f"{f' ({len(self.odd_truth)} such rows)' if len(self.odd_truth) > 1 else ''}"
            )

    def ids_of(self, rows: pa.Table, refusals: Refusals) -> pa.ChunkedArray:
        """Return the ids of some rows."""
        found, missing = None, self.ids.missing
        if self.ids.column in rows.column_names and not self.unreadable:
            with refusals.collecting():
                found = self.ids.read(rows[self.ids.column])
        # Once told is enough. Other checks go on, with names that are no ids.
        self.unreadable |= found is None
        if found is not None and self.ids.missing == missing:
            return found
        texts = [None] * len(rows) if found is None else found.cast(pa.large_string()).to_pylist()
        named = [text or f"unnamed {self.unnamed + place} of '{self.ids.name}'" for place, text in enumerate(texts)]
        self.unnamed += len(rows)
        return pa.chunked_array([pa.array(named, pa.large_string())])

    def truth_of(self, rows: pa.Table, refusals: Refusals) -> np.ndarray:
        """Return the truth of some rows, int8 [n]."""
        truth = np.full(len(rows), UNKNOWN_TRUTH, np.int8)
        if self.ids.name == TEST and TRUTH_COLUMN not in rows.column_names:
            refusals.add(
                f"expected column '{TRUTH_COLUMN}' (0 or 1) in '{TEST}', got none: add it, or take '{TEST}' away, for "
                "test players to be held out"
            )
        if self.ids.name == TEST and TRUTH_COLUMN in rows.column_names:
            column = numbers(rows[TRUTH_COLUMN])
            values = (rows[TRUTH_COLUMN] if column is None else column).to_pandas()
            is_known = values.isin([0, 1]) if column is not None else np.zeros(len(rows), bool)
            self.odd_truth += values[~is_known].tolist()
            truth[is_known] = values[is_known]
        return truth


def _blocks(
    places: Sequence[Place],
    everyone: Players,
    populations: Populations,
    numbered: RowNumbers,
    rounding: Rounding,
    odd: dict[str, OddValues],
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (row of the first player, features) piece by piece, in the order of `everyone`."""
    start, features = 0, everyone.feature_names

    def features_of(names: Iterable[str]) -> list[str]:
        return [name for name in names if name in features]

    for place in places:
        for name, part, rows in place.read(populations, features_of):
            if len(rows.column_names) == len(features):  # else it is refused
                numbered.add(name, part, rows)
                rounding.add(rows, features)
            yield start, validation.float32_block(name, rows, features, odd)
            start += len(rows)
    if start != len(everyone):
        raise DataProblem(
            f"expected {len(everyone)} players as a moment ago, got {start}: let nobody write to the tables while they "
            "are read"
        )
