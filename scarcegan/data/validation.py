"""What must hold before anything is trained: each refusal names the population, the column and the players."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from scarcegan.data.folds import hold_out, population_counts, require_players_per_fold
from scarcegan.data.ids import canonical, is_id_type, lots
from scarcegan.data.players import UNKNOWN_TRUTH, Players
from scarcegan.data.tables import is_nameless
from scarcegan.data.values import OddValues, Refusals, float32
from scarcegan.problems import DataProblem, nearest
from scarcegan.settings import Data, Populations, Settings
from scarcegan.settings.data_sections import TEST

TRUTH_COLUMN = "truth_risky"
PLAYER_ID = "player_id"  # as snapshots and scores call the ids, whatever a table does
# What a labels table says of a player is no feature, wherever it stands: neither trained on nor scored.
LABEL_COLUMNS = ("population", "since", "known_at")
BLOCK_ROWS = 65_536


def validate(players: Players, settings: Settings) -> Players:
    """Check players from any source and return them.

    Raises:
        DataProblem: the same player twice, a value that is infinite, a population that is empty or has too few players
            for the folds, a test set without risky or without other players.
    """
    refusals = Refusals()
    with refusals.collecting():
        refuse_same_player_twice(players, settings.populations)
    with refusals.collecting():
        for _ in finite_blocks(players, _blocks(players.features), settings.populations):
            pass
    refuse_small_populations(players, settings, refusals)
    risky = known_risky(players, settings.populations)
    for number, name in enumerate(players.test_sets, start=1):
        inside = risky[players.test_set == number]
        if inside.all() or not inside.any():
            refusals.add(
                f"expected risky and other players in test set '{name}', got {np.count_nonzero(inside)} risky "
                f"of {len(inside)} players: add the other kind"
            )
    refusals.refuse()
    return players


@dataclass
class Columns:
    """The columns of a team's tables; the first part of the first population gives its features to all the others."""

    data: Data
    first: str
    features: tuple[str, ...] = ()
    known: set[str] = field(default_factory=set)
    nameless: set[str] = field(default_factory=set)
    of_labels: set[str] = field(default_factory=set)
    in_path: set[str] = field(default_factory=set)
    differing: dict[str, None] = field(default_factory=dict)

    def check(self, population: str, refusals: Refusals, names: Sequence[str]) -> list[str]:
        """Check the names in a part and return those that tell who its players are."""
        data = self.data
        self.known.update(names)
        nameless = {name for name in names if is_nameless(name)} - {data.id_column, *data.ignore_columns}
        self.nameless |= nameless
        self.of_labels |= {*names} & {*LABEL_COLUMNS} - {data.id_column, data.label_column, *data.ignore_columns}
        names = [name for name in names if name not in nameless]
        if data.id_column not in names:
            refusals.add(f"expected id column '{data.id_column}' in '{population}', got {names}: set data.id_column")
        self._check_features(population, names, refusals)
        is_apart = population != TEST and not data.label_column
        if is_apart and TRUTH_COLUMN in names:
            refusals.add(
                f"expected '{TRUTH_COLUMN}' in the '{TEST}' table alone, got it in '{population}': remove it there, "
                "nothing may be trained on it"
            )
        asked = [data.id_column, *[TRUTH_COLUMN] * (not is_apart)]
        # A table that lacks both is counted by any of its columns.
        return [name for name in asked if name in names] or names[:1]

    def check_ignored(self, refusals: Refusals) -> None:
        """Refuse a name in `data.ignore_columns` that no table has: most likely a slip of the pen."""
        known = self.known | {self.data.label_column}
        for ignored in self.data.ignore_columns:
            if ignored not in known:
                hint = nearest(ignored, known, "remove it")
                refusals.add(f"data.ignore_columns names '{ignored}', which no table has: {hint}")

    def _check_features(self, population: str, names: Sequence[str], refusals: Refusals) -> None:
        found = columns_but_reserved(names, self.data)
        with refusals.collecting():
            refuse_ids_as_feature(f"'{population}'", found, self.data)
        self.features = self.features or tuple(found)
        if not self.features:
            raise DataProblem(
                f"expected feature columns in '{population}', got only {names}: add features or shorten "
                "data.ignore_columns"
            )
        missing = [column for column in self.features if column not in found]
        extra = [column for column in found if column not in self.features]
        self.differing |= dict.fromkeys(missing + extra)
        if missing or extra:
            words = [f"no column {missing}"] * bool(missing) + [f"extra column {extra}"] * bool(extra)
            refusals.add(
                f"expected the feature columns of '{self.first}' in '{population}', got {' and '.join(words)}: give "
                "all tables the same features, or name the odd ones in data.ignore_columns"
            )


def checked_ids(name: str, ids: pa.ChunkedArray, id_column: str) -> pa.ChunkedArray:
    """Return ids in their one form, see `canonical`; refuse those missing, or neither text nor whole numbers."""
    reader = IdReader(name, id_column)
    found = reader.read(ids)
    reader.check()
    return found


class IdReader:
    """Reads the ids of table `name` piece by piece, and counts those missing: nothing, or a text without a letter."""

    def __init__(self, name: str, column: str) -> None:
        self.name, self.column, self.missing = name, column, 0

    def read(self, ids: pa.ChunkedArray) -> pa.ChunkedArray:
        """Return ids in their one form, null where there is none; refuse what is neither text nor whole numbers."""
        wanted = f"expected whole numbers or text in id column '{self.column}' of '{self.name}', got "
        # A CSV without rows has columns without types.
        if len(ids) and not is_id_type(ids.type) and ids.null_count < len(ids):
            raise DataProblem(f"{wanted}{ids.type}: store the ids as text")
        try:
            found = canonical(ids)
        except pa.ArrowInvalid as error:
            raise DataProblem(f"{wanted}{ids.type}: {error}; store the ids as text") from error
        empty = 0 if found.type == pa.int64() else pc.sum(pc.equal(found, "")).as_py()
        self.missing += found.null_count + (empty or 0)
        return found

    def check(self) -> None:
        """Refuse a table in which players have no id."""
        if self.missing:
            raise DataProblem(
                f"expected an id in '{self.column}' for each player of '{self.name}', got {self.missing} without: fill "
                "them in"
            )


def float32_block(name: str, rows: pa.Table, features: Sequence[str], odd: dict[str, OddValues]) -> np.ndarray:
    """Return features of the rows of population `name` as float32 [n, F]; a gap, or a column not there, is NaN.

    What float32 cannot hold becomes infinite, which `finite_blocks` refuses; a column of something else than numbers
    is added to `odd`, for `refuse_odd_columns`.
    """
    block = np.empty((len(rows), len(features)), np.float32)
    for number, feature in enumerate(features):
        values = float32(rows[feature]) if feature in rows.column_names else np.nan
        if values is None:
            odd.setdefault(feature, OddValues()).add(name, rows[feature])
        block[:, number] = np.nan if values is None else values
    return block


def refuse_odd_columns(odd: Mapping[str, OddValues], refusals: Refusals) -> None:
    """Refuse columns of something else than numbers, each with its values."""
    for feature, values in odd.items():
        refusals.add(
            f"expected numbers in feature column '{feature}' of {values.where}, got {values.kind} ({values.counted})"
        )


def refuse_to_ignore(columns: Iterable[str], data: Data, refusals: Refusals) -> None:
    """Say how to do without columns that were refused, in a line ready for the configuration."""
    names = list(dict.fromkeys([*data.ignore_columns, *columns]))
    if len(names) > len(data.ignore_columns):
        refusals.add(
            "make these columns numbers in every table (a category: one column of 0 and 1 for each value), or leave "
            f"them out with data.ignore_columns:\n  ignore_columns = {json.dumps(names, ensure_ascii=False)}"
        )


def finite_blocks(
    players: Players, blocks: Iterable[tuple[int, np.ndarray]], populations: Populations
) -> Iterator[tuple[int, np.ndarray]]:
    """Pass blocks of features on, and after the last refuse features with infinite values; NaN is a missing value.

    Args:
        players: everybody whose features the blocks hold; its own features are not looked at.
        blocks: (row of the block's first player, float array [n, F]); memory holds one of them.
        populations: their names.
    """
    bad, first = np.zeros(len(players.feature_names), int), np.full(len(players.feature_names), -1)
    for start, block in blocks:
        infinite = np.isinf(block)
        if infinite.any():
            bad += infinite.sum(axis=0)
            first = np.where((first < 0) & infinite.any(axis=0), start + infinite.argmax(axis=0), first)
        yield start, block
    told = [
        f"expected finite numbers in feature '{players.feature_names[column]}', got an infinite value for "
        f"a player of '{_where(players, first[column], populations)}' ({bad[column]} such "
        "players): leave the fields empty or name the column in data.ignore_columns"
        for column in np.flatnonzero(bad)
    ]
    if told:
        raise DataProblem("\n".join(told))


def refuse_same_player_twice(players: Players, populations: Populations) -> None:
    """Refuse ids that are not unique; the features are not looked at."""
    drawn = lots(players.ids)  # a tenth of the memory of a hash table, which is for the message alone
    ordered = np.sort(drawn)
    again = ordered[1:][ordered[1:] == ordered[:-1]]
    if not len(again):
        return
    rows = np.flatnonzero(np.isin(drawn, again))
    ids = pd.Series(players.ids[rows], index=rows)
    ids = ids[ids.duplicated(keep=False)]  # a hash alone may collide
    shown = ids.drop_duplicates()
    examples = []
    for player in shown.head(3):
        places = " and ".join(repr(_where(players, row, populations)) for row in ids.index[ids == player])
        examples.append(f"in {places}")
    if examples:
        told = "; ".join(dict.fromkeys(examples))
        raise DataProblem(
            f"expected each player once and in one population, got {len(shown)} more often ({told}): "
            "keep each in one place"
        )


def known_risky(players: Players, populations: Populations) -> np.ndarray:
    """Return a mask of the players known to be risky: by truth where it is known, otherwise by label."""
    labeled = players.labels == len(populations.negatives)
    return (players.truth == 1) | ((players.truth == UNKNOWN_TRUTH) & labeled)


def columns_but_reserved(columns: Sequence[str], data: Data) -> list[str]:
    """Return the columns that are features."""
    reserved = {data.id_column, data.label_column, TRUTH_COLUMN, *LABEL_COLUMNS, *data.ignore_columns}
    return [name for name in columns if name not in reserved]


def refuse_ids_as_feature(where: str, features: Sequence[str], data: Data) -> None:
    """Refuse a feature that is called as the ids of every snapshot: a model of it could score none."""
    if PLAYER_ID in features:
        raise DataProblem(
            f"expected no feature called '{PLAYER_ID}' in {where}, whose ids are in '{data.id_column}': rename it, or "
            "name it in data.ignore_columns"
        )


def refuse_small_populations(players: Players, settings: Settings, refusals: Refusals) -> None:
    """Refuse populations without players, or with too few for the folds."""
    counts = population_counts(players.labels[players.test_set == 0], settings.populations)
    empty = [name for name, count in counts.items() if count == 0]
    for name in empty:
        refusals.add(f"expected '{name}' players, got none: add players to the '{name}' input")
    if empty:
        return
    if not players.test_sets:
        # Players are held out after this check: those will be missing from the folds.
        players = hold_out(players, settings.data.test_share)
        counts = population_counts(players.labels[players.test_set == 0], settings.populations)
    with refusals.collecting():
        require_players_per_fold(counts, settings.folds.k)


def _where(players: Players, row: int, populations: Populations) -> str:
    if players.test_set[row]:
        return players.test_sets[players.test_set[row] - 1]
    # The label of an unlabelled player, -1, picks the last name.
    return (*populations.classes, populations.unlabeled)[players.labels[row]]


def _blocks(features: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    for start in range(0, len(features), BLOCK_ROWS):
        yield start, features[start : start + BLOCK_ROWS]
