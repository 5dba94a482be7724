"""Outcomes in a folder, local or `s3://`: one immutable file for each time that some are added.

A file appears whole, once, under a name that is the digest of its outcomes. The outcomes are all that any file holds;
one that two files hold is one outcome. So writers never wait for each other, none can lose what another has added, and
the same file twice adds nothing. Corrections are outcomes of a later time.

Forgetting a player is the one change: files with the player's outcomes are written anew without them. A note under
`forgotten/` is written first, by which readers leave the player out from then on, whatever another writer adds at the
same moment.
"""

import hashlib
import io
import json
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pandas as pd

from scarcegan.outcomes.records import Added, Forgotten, Outcome
from scarcegan.problems import DataProblem
from scarcegan.project import located
from scarcegan.settings import Outcomes
from scarcegan.snapshots.store import ID
from scarcegan.storage import find_bytes, join, list_names, remove, write_bytes

# What makes two outcomes the same; `recorded_at` says only when one of them was added.
FIELDS = (ID, "snapshot", "decision", "reviewer", "when", "reason")
COLUMNS = (*FIELDS, "recorded_at")
READERS = 8


class OutcomeStore:
    """The outcomes of one registry group."""

    def __init__(self, folder: str, group: str) -> None:
        self.group, self.root = group, folder
        self.folder = join(folder, group)
        self._forgotten = join(self.folder, "forgotten")

    def table(self) -> pd.DataFrame:
        """Return all outcomes, each once, by time: text columns, and `when` and `recorded_at` as moments in UTC.

        A file that cannot be read is a DataProblem.
        """
        found = [frame for _, frame in self._frames()]
        table = pd.concat([_empty(), *found], ignore_index=True) if found else _empty()
        table = table[~self.are_forgotten(table[ID])]
        # Of two that added the same, the first counts.
        return table.sort_values(["when", "recorded_at", *FIELDS]).drop_duplicates(list(FIELDS)).reset_index(drop=True)

    def add(self, outcomes: pd.DataFrame) -> Added:
        """Add checked outcomes, with the columns of `table`, all or none; those that are there already add nothing."""
        known = pd.MultiIndex.from_frame(self.table()[list(FIELDS)])
        new = outcomes[~pd.MultiIndex.from_frame(outcomes[list(FIELDS)]).isin(known)]
        is_added = len(new) > 0 and self._write(new)
        return Added(len(new), len(outcomes) - len(new)) if is_added else Added(0, len(outcomes))

    def are_forgotten(self, ids: pd.Series) -> pd.Series:
        """Tell which players, by their ids as text, were forgotten."""
        forgotten = {name.removesuffix(".json") for name in list_names(self._forgotten)}
        if not forgotten:
            return pd.Series(False, index=ids.index)
        return ids.map(self.digest_of).isin(forgotten)

    def rows_of(self, player_id: str) -> int:
        """Count a player's rows in all files, by the id as text; those that an ended `forget` has left, too."""
        return sum(int((frame[ID] == player_id).sum()) for _, frame in self._frames())

    def forget(self, player_id: str, at: str) -> Forgotten:
        """Remove a player's outcomes, and refuse later ones; done again, it removes what is left. Give the receipt."""
        digest = self.digest_of(player_id)
        write_bytes(join(self._forgotten, f"{digest}.json"), b"{}\n", once=True)
        removed, kept, count = [], [], 0
        for file, frame in self._frames():
            is_theirs = frame[ID] == player_id
            if is_theirs.any():
                count += int(is_theirs.sum())
                kept += self._replace(file, frame[~is_theirs])
                removed.append(file.removesuffix(".parquet"))
        return Forgotten(digest, at, count, removed, kept)

    def expired(
        self, table: pd.DataFrame, before: pd.Timestamp, players_held: Collection[str], snapshots_held: Collection[str]
    ) -> pd.Series:
        """Tell which outcomes were decided before a moment; not those of held players, by digest, and snapshots."""
        is_held = table[ID].map(self.digest_of).isin(players_held) | table["snapshot"].isin(snapshots_held)
        return (table["when"] < before) & ~is_held

    def drop(self, before: pd.Timestamp, players_held: Collection[str], snapshots_held: Collection[str]) -> None:
        """Remove the outcomes that `expired` tells; done again, it removes what is left."""
        for file, frame in self._frames():
            if (old := self.expired(frame, before, players_held, snapshots_held)).any():
                self._replace(file, frame[~old])

    def _replace(self, file: str, rest: pd.DataFrame) -> list[str]:
        """Keep the rest of a file's outcomes, if there are any, in another file, and return its digest."""
        if len(rest):
            self._write(rest)
        remove(join(self.folder, file))
        return [_digest(rest)] if len(rest) else []

    def _frames(self) -> Iterator[tuple[str, pd.DataFrame]]:
        """Yield each file with its outcomes."""
        files = [name for name in list_names(self.folder) if name.endswith(".parquet")]
        with ThreadPoolExecutor(READERS) as readers:
            for file, frame in zip(files, readers.map(self._read, files), strict=True):
                if frame is not None:
                    yield file, frame

    def _read(self, file: str) -> pd.DataFrame | None:
        location = join(self.folder, file)
        content = find_bytes(location)
        if content is None:  # another process has just forgotten somebody in it
            return None
        try:
            found = pd.read_parquet(io.BytesIO(content), columns=list(COLUMNS))
            if file != f"{_digest(found)}.parquet":
                raise ValueError("others than those by which it is named")
            return found
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise DataProblem(
                f"{location} holds no outcomes that can be read ({error}): restore the file; removing it loses them"
            ) from error

    def _write(self, outcomes: pd.DataFrame) -> bool:
        buffer = io.BytesIO()
        outcomes[list(COLUMNS)].to_parquet(buffer, index=False)
        location = join(self.folder, f"{_digest(outcomes)}.parquet")
        return write_bytes(location, buffer.getvalue(), once=True)

    def digest_of(self, player_id: str) -> str:
        """Return the digest by which a forgotten player's id, as text, is known again in this group."""
        return hashlib.sha256(json.dumps([self.group, player_id]).encode()).hexdigest()[:32]


def open_outcomes(chosen: Outcomes, group: str) -> OutcomeStore:
    """Open the outcomes of a registry group below `outcomes.folder`; empty: `.scarcegan/outcomes` in the project."""
    return OutcomeStore(located(chosen.folder or ".scarcegan/outcomes"), group)


def written(table: pd.DataFrame) -> pd.DataFrame:
    """Return outcomes with their moments as ISO text."""
    moments = {name: [_iso(one) for one in table[name]] for name in table.columns if name in ("when", "recorded_at")}
    return table.assign(**moments)


def as_records(table: pd.DataFrame) -> list[Outcome]:
    """Return outcomes as records."""
    return [Outcome(**row) for row in written(table).to_dict("records")]  # type: ignore[arg-type]


def _iso(moment: pd.Timestamp) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _digest(outcomes: pd.DataFrame) -> str:
    """Return the digest that names a file: of its outcomes, whatever their order and when they were added."""
    rows: Iterable[tuple[str, ...]] = written(outcomes)[list(FIELDS)].itertuples(index=False, name=None)
    return hashlib.sha256(json.dumps(sorted(rows)).encode()).hexdigest()[:32]


def _empty() -> pd.DataFrame:
    text = {name: pd.Series(dtype="str") for name in COLUMNS}
    moment = pd.Series(dtype="datetime64[us, UTC]")
    return pd.DataFrame(text | {"when": moment, "recorded_at": moment})
