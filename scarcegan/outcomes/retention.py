"""What has been kept for as long as `[retention]` says: snapshots, scores with their review lists, outcomes."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pandas as pd

from scarcegan.data.one_player import ids_in
from scarcegan.outcomes.store import OutcomeStore, open_outcomes
from scarcegan.project import located
from scarcegan.records import Record
from scarcegan.settings import Settings
from scarcegan.snapshots import open_snapshots
from scarcegan.snapshots.store import MANIFEST
from scarcegan.storage import contents, join
from scarcegan.storage.leftover import DAY_SECONDS, Leftover, by_folder, leftover


class ExpiredOutcomes(Record):
    """Outcomes of before a moment (ISO), `rows` of them, but for those that are held."""

    what: str
    folder: str
    group: str
    before: str
    rows: int
    players_held: tuple[str, ...]
    snapshots_held: tuple[str, ...]
    size: int = 0

    def remove(self) -> None:
        """Remove them."""
        store = OutcomeStore(self.folder, self.group)
        store.drop(pd.Timestamp(self.before), self.players_held, self.snapshots_held)


def expired(settings: Settings, now: float) -> list[Leftover | ExpiredOutcomes]:
    """Return what is beyond its days, in seconds since 1970, and under no legal hold."""
    return [*_snapshots(settings, now), *_scores(settings, now), *_outcomes(settings, now)]


def _snapshots(settings: Settings, now: float) -> Iterator[Leftover]:
    if (days := settings.retention.snapshots) is None:
        return
    store, today = open_snapshots(settings.own_snapshots.folder), datetime.fromtimestamp(now, UTC).date()
    for one in store.snapshots():
        folder = join(store.folder, one.name)
        is_old = date.fromisoformat(one.frame.cutoff) + timedelta(days=days) < today
        if is_old and not _is_held(settings, one.name, folder):
            # It is none from the first file on.
            yield leftover("snapshot", folder, contents(folder), [join(folder, MANIFEST)])


def _scores(settings: Settings, now: float) -> Iterator[Leftover]:
    if (days := settings.retention.scores) is None:
        return
    root = located(settings.own_scoring.folder)
    for name, files in sorted(by_folder(contents(root), depth=2).items()):
        # The oldest file tells: one that a forgotten player has left is younger than the scores in it.
        is_old = min(file.written for file in files) < now - days * DAY_SECONDS
        if is_old and not _is_held(settings, name, join(root, name)):
            yield leftover("scores", join(root, name), files)


def _outcomes(settings: Settings, now: float) -> Iterator[ExpiredOutcomes]:
    if (days := settings.retention.outcomes) is None:
        return
    store = open_outcomes(settings.outcomes, settings.registry.group)
    before = pd.Timestamp(now - days * DAY_SECONDS, unit="s", tz="UTC")
    players = _players_held(settings)
    snapshots = tuple(hold.snapshot for hold in settings.retention.holds if hold.snapshot)
    if rows := int(store.expired(store.table(), before, players, snapshots).sum()):
        yield ExpiredOutcomes("outcomes", store.root, store.group, before.isoformat(), rows, players, snapshots)


def _players_held(settings: Settings) -> tuple[str, ...]:
    return tuple(hold.player for hold in settings.retention.holds if hold.player)


def _is_held(settings: Settings, name: str, folder: str) -> bool:
    """Tell whether a legal hold names a snapshot or scores, or a player with rows in the folder of these."""
    if settings.retention.holds_on(name):
        return True
    players, digest_of = _players_held(settings), open_outcomes(settings.outcomes, settings.registry.group).digest_of
    tables = [join(folder, file.name) for file in contents(folder) if players and file.name.endswith(".parquet")]
    return any(digest_of(one) in players for table in tables for one in ids_in(table).to_pylist())
