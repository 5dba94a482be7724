"""`scarcegan prune` and `scarcegan forget`: show, and remove if asked to, what nobody needs any more, or one player."""

import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from scarcegan import words
from scarcegan.cli.commands import Answer, answers, say
from scarcegan.cli.tables import figure, narrow
from scarcegan.project import located
from scarcegan.registry import Registry
from scarcegan.settings import Settings
from scarcegan.storage import contents, list_names

if TYPE_CHECKING:
    from scarcegan.history.artifacts import Holder
    from scarcegan.outcomes.forgetting import Found, Left

app = typer.Typer()
PRUNE = "`scarcegan prune --older-than 0 --remove` then removes it with its artifacts and cards (tag `pinned`: kept)"


def warn_of_holds(settings: Settings) -> None:
    """Say on stderr which legal holds name nothing that is here: most likely a slip of the pen."""
    from scarcegan.history.client import reading, runs_of

    holds = [one for one in settings.retention.holds if not one.player]
    if not holds:
        return
    scored = {file.name.rpartition("/")[0] for file in contents(located(settings.own_scoring.folder))}
    with reading():
        flows = {one.run.split("/")[0] for one in holds if one.run}
        runs = [run.pathspec for flow in flows for run in runs_of(flow)]
    known = [*list_names(located(settings.own_snapshots.folder)), *scored, *runs]
    unknown = (
        f"[[retention.holds]] names '{one.snapshot or one.run}', which is not here: nothing is {one.told}"
        for one in holds
        if not any(map(one.names, known))
    )
    say(*unknown, style="yellow")


@answers(app)
def prune(
    settings: Settings,
    registry: Registry,
    older_than: Annotated[int, typer.Option(min=0, help="Only what was last written to so many days ago.")] = 30,
    remove: Annotated[bool, typer.Option("--remove", help="Remove it; otherwise it is only shown.")] = False,
) -> Answer:
    """Show what nobody needs any more: runs behind no release, drafts and copies that killed runs have left.

    With it what was kept for as long as [retention] in the settings says, however old --older-than asks it to be. Else
    kept are all archives, published snapshots and scores, the runs of every release that is not rejected, runs with
    the tag `pinned`, what may still go on, and always what is under a legal hold.
    """
    from scarcegan.aws.account import definitions_of
    from scarcegan.history.leftovers import leftovers
    from scarcegan.outcomes.forgetting import alone
    from scarcegan.outcomes.retention import ExpiredOutcomes, expired

    warn_of_holds(settings)
    now = time.time()
    left = leftovers(settings, registry, now, older_than, deployed=definitions_of, removing=remove)
    found = [*left, *expired(settings, now)]
    if remove and found:
        with alone(settings):
            for one in found:
                one.remove()
    named = [f"{words.count(one.rows)} {one.what}" if isinstance(one, ExpiredOutcomes) else one.what for one in found]
    rows = [(name, one.folder, words.number(one.size / 1e6)) for name, one in zip(named, found, strict=True)]
    total = f"{words.number(sum(one.size for one in found) / 1e6)} MB in {words.plural(len(found), 'place')}"
    told = f"Removed: {total}." if remove else f"Nothing is removed yet: {total}; --remove does it."
    told = told if found else "There is nothing to remove."
    table = [narrow("what", "where", "MB", rows=rows)] if found else []
    return Answer([one.to_plain() | {"removed": remove} for one in found], Group(*table, Text(told)))


@answers(app)
def forget(
    settings: Settings,
    registry: Registry,
    player: Annotated[str, typer.Argument(help="The player's id.", show_default=False)],
    yes: Annotated[bool, typer.Option("--yes", help="Remove it; otherwise it is only shown.")] = False,
) -> Answer:
    """Find a player in snapshots, scores, outcomes and other tables, and remove the rows; say what is left elsewhere.

    The answer is a receipt: it names files with their digests before and after, and the player by a digest alone.
    """
    from scarcegan.data.ids import keyed_id
    from scarcegan.history.artifacts import runs_holding
    from scarcegan.outcomes import forgetting
    from scarcegan.outcomes.store import open_outcomes

    known = keyed_id(player, settings.data.id_key)
    at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    warn_of_holds(settings)
    named = [*forgetting.left(settings, known), *_left_in_runs(runs_holding(known), registry)]
    named = list({(one.what, one.place): one for one in named}.values())
    if not yes:
        found, outcomes = forgetting.find(settings, known), open_outcomes(settings.outcomes, settings.registry.group)
        digest = outcomes.digest_of(known)
        forgetting.refuse_held(settings, known, found)
        told = f"Nothing is removed yet: {_rows(found)}; --yes does it. Digest of the player: {digest}"
        plain = {"player": digest, "found": found, "left": named, "finished": False}
        return Answer(plain, Group(_found(found), *_left(named), Text(told)))
    receipt, place = forgetting.erase(settings, known, registry.identity(), at, named)
    told = f"Removed {_rows(receipt.found)}, digest of the player {receipt.player}. Receipt: {place}"
    return Answer(receipt, Group(_found(receipt.found), *_left(named), Text(told)))


def _left_in_runs(holders: "Sequence[Holder]", registry: Registry) -> "list[Left]":
    """Say of each run with the player how it goes, and of each model trained on the player what it may still hold."""
    from scarcegan.outcomes.forgetting import Left, yours

    found, versions = [], registry.versions()
    for one in holders:
        flow, _, number = one.run.partition("/")
        own = [
            it for it in versions if it.run_pathspec == one.run or (flow, number) == ("RetrainFlow", it.origin_run_id)
        ]
        kept = " ".join(str(it.version) for it in own if it.status != "Rejected")
        reject = f"`scarcegan models reject {kept} --reason 'why'`"
        first = f"a release comes from it: train anew, approve that, {reject}; " if kept else ""
        advice = f"cannot be rewritten; {first}{PRUNE}" if not one.unread else f"cannot be read ({one.unread}); {PRUNE}"
        found += yours(one.tables)
        found.append(Left(f"run, artifact {one.artifact}", one.run, advice))
        if not one.unread:
            advice = (
                "was trained or tested with the player: it has neither the id nor the row, but weights, trees, "
                "thresholds and reference figures that the row has shaped; only a model that is trained anew has none"
            )
            found += [Left("model", f"version {it.version} ({it.definition})", advice) for it in own]
    return found


def _found(found: "Sequence[Found]") -> RenderableType:
    rows = [(one.what, one.place, words.count(one.rows)) for one in found]
    return narrow("what", "where", figure("rows"), rows=rows) if rows else Text("No rows of this player were found.")


def _left(left: "Sequence[Left]") -> list[RenderableType]:
    """Say what is left, and what to do, once for all with the same advice."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for one in left:
        places[one.advice].append(f"{one.what} {one.place}")
    return [Text(f"Left: {', '.join(named)}: {advice}") for advice, named in places.items()]


def _rows(found: "Sequence[Found]") -> str:
    return f"{words.plural(sum(one.rows for one in found), 'row')} in {words.plural(len(found), 'place')}"
