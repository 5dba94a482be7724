"""A table of features becomes a snapshot: the work of `scarcegan snapshots publish`.

It is streamed and sharded as telemetry is: memory holds one shard of players, and the same table gives the same
fingerprint, whatever its format, its parts and the order of its rows.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from scarcegan.backends import publish_snapshot
from scarcegan.data import validation
from scarcegan.data.columns import Column
from scarcegan.data.left_out import IN_PATH, note
from scarcegan.data.populations import place_at
from scarcegan.data.rounding import Rounding
from scarcegan.data.tables import in_path, is_nameless
from scarcegan.data.values import OddValues, Refusals
from scarcegan.features.partition import SHARD, shard_of, write_shards
from scarcegan.problems import DataProblem
from scarcegan.settings import Data, Populations, Settings
from scarcegan.snapshots import Manifest, SnapshotStore, open_snapshots
from scarcegan.snapshots.manifest import Frame, Part, describe_snapshot
from scarcegan.snapshots.store import ID
from scarcegan.storage import draft_beside

# Values of all shards together that are collected before they are written: the memory that this takes.
COLLECTED_VALUES = 20_000_000
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def publish_table(location: str, name: str, settings: Settings) -> Manifest:
    """Publish a table, one row per player, as a snapshot; the same table under the same name finds it there.

    Its columns have the names that the settings give to those of the unlabelled players. Features are the columns that
    hold numbers but for `data.ignore_columns`, labels and the known truth; what is left out is in the notes. The
    cut-off is the date that the name ends with, or else that of the published snapshot, the last date in the location,
    or today; without a name, it follows the prefix.

    Raises:
        DataProblem: the table cannot be used, told at once; the name holds something else.
    """
    store, chosen = open_snapshots(settings.own_snapshots.folder), settings.own_snapshots
    name, cutoff = _named(location, name, chosen.prefix, store)
    with draft_beside(store.folder) as draft:
        table, shards = _Table(location, settings.data, settings.populations), settings.telemetry.shards
        width = max(1, len(table.features))
        write_shards(table.rows(shards), shards, draft, max(1, COLLECTED_VALUES // width))
        files = sorted(draft.glob("*/*.parquet"))
        table.check(files)
        frame = Frame(
            cutoff=cutoff,
            window_days=settings.features.window_days,
            columns=table.kept,
            notes=table.notes(),
            source=location,
        )
        parts = [_written(store, name, number, file, table) for number, file in enumerate(files)]
    return publish_snapshot(describe_snapshot(name, frame, parts), chosen)


def _named(location: str, name: str, prefix: str, store: SnapshotStore) -> tuple[str, str]:
    if name and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise DataProblem(f"expected a snapshot's name of letters, digits, '.', '-' and '_', got '{name}': rename it")
    said = [name[-10:]] if _DATE.fullmatch(name[-10:]) else []
    if name and not said and name in store.names():
        said = [store.describe(name).frame.cutoff]
    said = said or _DATE.findall(location) or [datetime.now(UTC).date().isoformat()]
    try:
        cutoff = date.fromisoformat(said[-1]).isoformat()
    except ValueError:
        where = name or location
        raise DataProblem(f"expected a date in '{where}', got '{said[-1]}': add --name, or mend it") from None
    return name or prefix + cutoff, cutoff


@dataclass
class _Table:
    """A table of features, read piece by piece; what cannot be used is collected on the way."""

    location: str
    data: Data
    populations: Populations
    refusals: Refusals = field(default_factory=Refusals)
    features: tuple[str, ...] = ()
    left_out: dict[str, list[str]] = field(default_factory=dict)
    in_path: dict[str, None] = field(default_factory=dict)
    known: Sequence[str] = ()
    odd: dict[str, OddValues] = field(default_factory=dict)
    rounding: Rounding = field(default_factory=Rounding)
    ids: validation.IdReader = field(init=False)
    ids_are_numbers: bool = True
    players: int = 0
    infinite: dict[str, int] = field(default_factory=dict)
    with_numbers: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.ids = validation.IdReader(self.location, self.data.id_column)
        first = next(self._read())
        self.features = tuple(name for name in first.column_names if name != self.data.id_column)

    @property
    def kept(self) -> tuple[str, ...]:
        """The features: what holds some numbers."""
        return tuple(name for name in self.features if name not in self.odd)

    def rows(self, shards: int) -> Iterator[pa.Table]:
        """Yield ids as text, features and the shard of each player, which a hash of the id tells."""
        for rows in self._read():
            ids = self._ids(rows)
            block = validation.float32_block(self.location, rows, self.features, self.odd)
            self.rounding.add(rows, self.features)
            for name, values in zip(self.features, block.T, strict=True):
                if not np.isnan(values).all():
                    self.with_numbers.add(name)
                if count := int(np.count_nonzero(np.isinf(values))):
                    self.infinite[name] = self.infinite.get(name, 0) + count
            self.players += len(rows)
            # By their places: a feature may have any name.
            columns = {str(at): np.ascontiguousarray(values) for at, values in enumerate(block.T)}
            yield pa.table({ID: ids, **columns, SHARD: shard_of(ids, shards)})

    def check(self, files: list[Path]) -> None:
        """Refuse what all rows together are found to be; `files` are the shards."""
        if not self.players:
            self.refusals.add(f"expected players in {self.location}, got an empty table: add players to it")
        with self.refusals.collecting():
            self.ids.check()
        if again := [name for file in files for name in _repeated(file) if name]:
            self.refusals.add(
                f"expected each player once in {self.location}, got {len(again)} more often: keep one row of each"
            )
        for name, count in self.infinite.items():
            self.refusals.add(
                f"expected finite numbers in feature '{name}' of {self.location}, got {count} infinite: leave the "
                "fields empty or name the column in data.ignore_columns"
            )
        # Nothing but text is left out: no model has it. Numbers among text are a damaged feature.
        broken = {name: one for name, one in self.odd.items() if one.are_mixed or name in self.with_numbers}
        validation.refuse_odd_columns(broken, self.refusals)
        validation.refuse_to_ignore(broken, self.data, self.refusals)
        if not self.kept and not broken:
            self.refusals.add(f"expected columns of numbers in {self.location}, got none: add features")
        self.refusals.refuse()

    def notes(self) -> tuple[str, ...]:
        """Say which columns are no features."""
        in_path = [name for name in self.in_path if name not in self.known]
        reasons = {
            IN_PATH: in_path,
            **self.left_out,
            "holding no numbers": [name for name in self.features if name in self.odd],
        }
        return (*(note(names, why) for why, names in reasons.items() if names), *self.rounding.notes())

    def _read(self) -> Iterator[pa.Table]:
        place = place_at(self.location, self.populations.unlabeled, self.data)
        for _, part, rows in place.read(self.populations, self._look):
            self.in_path |= dict.fromkeys(in_path(self.location, part))
            yield rows

    def _look(self, names: Sequence[str]) -> list[str]:
        """Pick id and features from the columns of a part."""
        identity = self.data.id_column
        if identity not in names:
            raise DataProblem(
                f"expected id column '{identity}' in {self.location}, got {list(names)}: set data.id_column in the "
                "configuration"
            )
        self.known = names
        others = validation.columns_but_reserved(names, self.data)
        self.left_out = {
            "being ignored or a label": [name for name in names if name not in (*others, identity)],
            "having no name": [name for name in others if is_nameless(name)],
        }
        features = [name for name in others if not is_nameless(name)]
        validation.refuse_ids_as_feature(self.location, features, self.data)
        return [identity, *features]

    def _ids(self, rows: pa.Table) -> pa.Array:
        ids = pa.chunked_array([pa.nulls(len(rows), pa.large_string())])
        with self.refusals.collecting():
            ids = self.ids.read(rows[self.data.id_column])
        self.ids_are_numbers &= ids.type == pa.int64()
        return pc.fill_null(ids.cast(pa.large_string()), "").combine_chunks()


def _repeated(file: Path) -> list[str]:
    ids = pd.Series(parquet.read_table(file, columns=[ID])[ID].to_pandas())
    return ids[ids.duplicated()].unique().tolist()


def _written(store: SnapshotStore, name: str, number: int, file: Path, table: _Table) -> tuple[Part, list[Column]]:
    """Write one shard as a part of the snapshot, ascending by id."""
    places = [str(table.features.index(feature)) for feature in table.kept]
    rows = parquet.read_table(file, columns=[ID, *places])
    ids = rows[ID].cast(pa.int64()).to_numpy() if table.ids_are_numbers else rows[ID].to_numpy().astype(str)
    order = np.argsort(ids, kind="stable")
    features = np.stack([rows[place].to_numpy()[order] for place in places], axis=1)
    return store.write_part(name, number, ids[order], features, table.kept)
