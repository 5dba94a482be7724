"""A team's own five tables: one per population, and a sixth with known truth if they have it.

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
from scarcegan.data.players import UNKNOWN_TRUTH, UNLABELED, Players
from scarcegan.data.tables import FORMATS, is_nameless, read_parts
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
            of a player who would not stay, too.
    """
    if not settings.data.path:
        raise DataProblem("expected data.path for data.source 'tables', got none: name the folder of the tables")
    data, populations = settings.data, settings.populations
    locations = locate(data.path, (*populations.classes, populations.unlabeled))
    everyone = _everyone(locations, data, populations)
    refuse_same_player_twice(everyone, populations)
    players, stay = sample(everyone, data, settings.seed)
    features = np.empty((len(players), len(everyone.feature_names)), np.float32)
    filled = 0
    numbers = RowNumbers(everyone.feature_names)
    for start, block in finite_blocks(everyone, _blocks(locations, everyone, data, numbers), populations):
        rows = block[stay[start : start + len(block)]]
        features[filled : filled + len(rows)] = rows
        filled += len(rows)
    return leave_out(replace(players, features=features), numbers.found(TEST), "numbering the rows")


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
        if population != TEST and TRUTH_COLUMN in names:
            raise DataProblem(
                f"expected '{TRUTH_COLUMN}' in the '{TEST}' table alone, got it in '{population}': remove it there, "
                "nothing may be trained on it"
            )
        if population == TEST and TRUTH_COLUMN not in names:
            raise DataProblem(
                f"expected column '{TRUTH_COLUMN}' (0 or 1) in '{TEST}', got {list(names)}: add it, or take '{TEST}' "
                "away, for test players to be held out"
            )
        return [self.data.id_column, *[TRUTH_COLUMN] * (population == TEST)]


def locate(folder: str, populations: Sequence[str]) -> dict[str, str]:
    """Find the one table that each population must have and, if there is one, that of the test players."""
    folder = located(folder)
    names = list_names(folder)
    found = {}
    for population in (*populations, TEST):
        options = [name for name in names if name in {population, *(population + suffix for suffix in FORMATS)}]
        if len(options) > 1:
            raise DataProblem(f"expected one table for '{population}' in {folder}, got {options}: keep one of them")
        if options:
            found[population] = join(folder, options[0])
        elif population != TEST:
            raise DataProblem(
                f"expected population '{population}' in {folder} as {population}.parquet, {population}.csv or "
                f"a folder {population}/, got {names}: add it, or name your populations in [populations]"
            )
    return found


def _everyone(locations: dict[str, str], data: Data, populations: Populations) -> Players:
    """Read who is there, without features."""
    columns = _Columns(data, populations.classes[0])
    labels = {name: label for label, name in enumerate(populations.classes)}
    ids, sizes, truth = [], dict.fromkeys(locations, 0), []
    for name, location in locations.items():
        for _, rows in read_parts(location, partial(columns.check, name), text=[data.id_column]):
            ids.append(checked_ids(name, rows[data.id_column], data.id_column))
            truth.append(_truth(name, rows))
            sizes[name] += len(rows)
        if not sizes[name]:
            raise DataProblem(f"expected players in '{name}', got an empty table: add players to it")
    check_ignored_columns(columns.known, data.ignore_columns)
    counts = list(sizes.values())
    return Players(
        ids=player_ids.to_numpy(ids),
        features=np.empty((sum(counts), 0), np.float32),
        feature_names=columns.features,
        labels=np.repeat(np.array([labels.get(name, UNLABELED) for name in sizes], np.int8), counts),
        truth=np.concatenate(truth),
        test_set=np.repeat(np.array([name == TEST for name in sizes], np.int8), counts),
        test_sets=(TEST,) if TEST in locations else (),
        notes=(note(sorted(columns.nameless), "having no name, as row numbers have none"),) if columns.nameless else (),
    )


def _truth(name: str, rows: pa.Table) -> np.ndarray:
    if name != TEST:
        return np.full(len(rows), UNKNOWN_TRUTH, np.int8)
    truth = rows[TRUTH_COLUMN].to_pandas()
    odd = truth[~truth.isin([0, 1])]
    if len(odd):
        raise DataProblem(f"expected 0 or 1 in '{TRUTH_COLUMN}' of '{TEST}', got {odd.tolist()[0]!r}: mend that row")
    return truth.to_numpy(np.int8)


def _blocks(
    locations: dict[str, str], everyone: Players, data: Data, numbers: RowNumbers
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (row of the first player, features) piece by piece, in the order of `everyone`."""
    start = 0
    for name, location in locations.items():
        for part, rows in read_parts(location, everyone.feature_names, text=[data.id_column]):
            numbers.add(name, part, rows)
            yield start, float32_block(name, rows)
            start += len(rows)
    if start != len(everyone):
        raise DataProblem(
            f"expected {len(everyone)} players in {data.path} as a moment ago, got {start}: "
            "let nobody write there while it is read"
        )
