"""A player is forgotten: found in all that the project has written, and taken out of it, with a receipt.

Outcomes go first: from then on new ones of the player are refused. Then snapshots, scores and the other tables follow,
each file whole or not at all. Whenever this is ended in between, another call finds what is left and completes it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from scarcegan.data.one_player import Rewritten, rows_of, take_out
from scarcegan.machine import is_alive, this_process
from scarcegan.outcomes.records import Forgotten
from scarcegan.outcomes.store import open_outcomes
from scarcegan.problems import DataProblem
from scarcegan.project import located
from scarcegan.records import Record
from scarcegan.settings import Settings, tables_read
from scarcegan.settings.data_sections import SORTED_TELEMETRY
from scarcegan.snapshots import SnapshotStore, forgetting, open_snapshots
from scarcegan.storage import SCRATCH, contents, find_bytes, is_abandoned, join, list_names, remove, write_bytes
from scarcegan.storage.leftover import Leftover, drafts

LOCK = "_forgetting"


class Found(Record):
    """Rows of a player: `what` is a snapshot (by its name), outcomes (their folder), or a table."""

    what: str
    place: str
    rows: int


class Left(Record):
    """What is not touched, and what to do about it."""

    what: str
    place: str
    advice: str


class Receipt(Record):
    """What was found, removed and left of a player; `player` is a digest of group and id, `who` an identity.

    It is written before anything is removed, and again with each thing that is: `finished` tells when all is.
    """

    player: str
    at: str
    who: str
    found: Sequence[Found]
    left: Sequence[Left]
    removed: Sequence[Rewritten] = ()
    outcomes: Forgotten | None = None
    finished: bool = False


def find(settings: Settings, player: str) -> list[Found]:
    """Find a player, by the id as text, in outcomes, snapshots and all tables that the project has written."""
    outcomes, store = open_outcomes(settings.outcomes, settings.registry.group), _snapshots(settings)
    found = [Found("outcomes", outcomes.folder, outcomes.rows_of(player))]
    for name in list_names(store.folder):
        if forgetting.is_published(store, name):
            rows = sum(forgetting.parts_holding(store, name, player).values())
            found.append(Found("snapshot", name, rows))
    found += [Found(what, place, rows_of(place, player)) for what, place in _tables(settings)]
    return [one for one in found if one.rows]


def left(settings: Settings, player: str) -> list[Left]:
    """Name what is not the project's to rewrite: tables of the user, a feature group, parts of runs that may go on."""
    found = yours([*tables_read(settings.model_dump()).values()])
    if group := settings.snapshots.feature_group:
        told = "not touched: delete the player's records in SageMaker, online and in the offline store"
        found.append(Left("feature group", group, told))
    store = _snapshots(settings)
    for name in list_names(store.folder):
        if not forgetting.parts_holding(store, name, player):
            continue
        if forgetting.is_published(store, name):
            found += yours([store.describe(name).frame.source])
        else:
            place, told = join(store.folder, name), "`scarcegan prune --older-than 1 --remove` removes them"
            found.append(Left("unpublished parts", place, told))
    told = "may have the player: call again when its process has ended, or `scarcegan prune --older-than 1 --remove`"
    return found + [Left("draft", one.folder, told) for one in _drafts(settings) if not _is_abandoned(one)]


def yours(places: Sequence[str]) -> list[Left]:
    """Name those of the tables that are not the project's own."""
    advice = "yours, not touched: take the player's rows out there, or the next snapshot or run has them again"
    found, own = [located(place) for place in places if place], located(".scarcegan/simulated")
    return [Left("source", place, advice) for place in found if not place.startswith(own)]


def refuse_held(settings: Settings, player: str, found: Sequence[Found]) -> None:
    """Raise a DataProblem if a legal hold names the player, or a snapshot or scores that would be rewritten."""
    digest = open_outcomes(settings.outcomes, settings.registry.group).digest_of(player)
    held = [f"the player is {hold.told}" for hold in settings.retention.holds if hold.player == digest]
    held += [
        f"{one.what} {one.place} is {hold.told}" for one in found for hold in settings.retention.holds_on(one.place)
    ]
    if held:
        raise DataProblem(
            f"expected nothing under a legal hold, got:\n{chr(10).join(dict.fromkeys(held))}\nNothing was removed. "
            "Take the hold out of [[retention.holds]] once it has ended"
        )


def erase(settings: Settings, player: str, who: str, at: str, named: Sequence[Left]) -> tuple[Receipt, str]:
    """Take a player out of all that `find` finds; return the receipt and where it lies.

    Raises:
        DataProblem: a legal hold, another `erase` at work, or a file that cannot be read or written.
    """
    store, outcomes = _snapshots(settings), open_outcomes(settings.outcomes, settings.registry.group)
    with alone(settings):
        found = find(settings, player)
        refuse_held(settings, player, found)
        for draft in filter(_is_abandoned, _drafts(settings)):
            draft.remove()
        receipt = Receipt(outcomes.digest_of(player), at, who, found, named)
        place = join(outcomes.folder, f"receipts/{receipt.player}_{at.replace(':', '')}.json")
        write_bytes(place, receipt.to_json())
        receipt = _noted(receipt, place, outcomes=outcomes.forget(player, at))
        for one in found:
            if one.what != "outcomes":
                is_snapshot = one.what == "snapshot"
                gone = forgetting.forget(store, one.place, player) if is_snapshot else [take_out(one.place, player)]
                # At once: who completes this, if it is killed, finds no more than what is left.
                receipt = _noted(receipt, place, removed=[*receipt.removed, *gone])
        receipt = _noted(receipt, place, finished=True)
    return receipt, place


def _noted(receipt: Receipt, place: str, **changes: Any) -> Receipt:
    """Return a receipt with what was done since, once it is written."""
    receipt = replace(receipt, **changes)
    write_bytes(place, receipt.to_json())
    return receipt


def _snapshots(settings: Settings) -> SnapshotStore:
    return open_snapshots(settings.own_snapshots.folder)


def _folders(settings: Settings) -> dict[str, str]:
    return {
        "scores": located(settings.own_scoring.folder),
        "simulated players": located(".scarcegan/simulated"),
        "sorted telemetry": _snapshots(settings).folder,
    }


def _tables(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield the tables with players that the project has written beside snapshots and outcomes."""
    for what, folder in _folders(settings).items():
        for name in sorted(one.name for one in contents(folder)):
            is_ours = name.startswith(SORTED_TELEMETRY) or what != "sorted telemetry"
            if is_ours and name.endswith((".parquet", ".csv")) and f"/{SCRATCH}" not in f"/{name}":
                yield what, join(folder, name)


def _drafts(settings: Settings) -> Iterator[Leftover]:
    """Yield the files that a process is writing, or was when it was killed, beside all that has players."""
    outcomes = open_outcomes(settings.outcomes, settings.registry.group)
    for folder in (*_folders(settings).values(), outcomes.folder):
        yield from drafts(folder)


def _is_abandoned(draft: Leftover) -> bool:
    return is_abandoned(draft.folder.rpartition("/")[2])


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Hold the one right to rewrite or prune what players are in: of two, one would bring the other's player back.

    Another holder of it, who may be alive, is a DataProblem.
    """
    with _held(join(_snapshots(settings).folder, LOCK)):
        yield


@contextmanager
def _held(place: str) -> Iterator[None]:
    while not write_bytes(place, this_process().encode(), once=True):
        content = find_bytes(place)
        if content is None:  # it has just ended, and another one may have begun
            continue
        owner = content.decode(errors="replace")
        if is_alive(owner) is not False:
            raise DataProblem(
                f"expected no other `scarcegan forget` or `prune --remove` at work, got one (machine and process: "
                f"{owner}): call again when it has ended; if it was killed on another machine, remove {place} first"
            )
        # It was killed: its work is completed now. Of several who have read so, one removes what it has left.
        with _held(f"{place}_"):
            if find_bytes(place) == content:
                remove(place)
    try:
        yield
    finally:
        remove(place)
