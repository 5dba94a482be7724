"""`scarcegan forget`: find a player in all that the project has written, and take the player out of it."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from scarcegan import words
from scarcegan.cli.commands import Answer, answers
from scarcegan.cli.prune import warn_of_holds
from scarcegan.cli.tables import figure, narrow
from scarcegan.registry import Registry
from scarcegan.settings import Settings

if TYPE_CHECKING:
    from scarcegan.history.artifacts import Holder
    from scarcegan.outcomes.forgetting import Found, Left

app = typer.Typer()
PRUNE = "`scarcegan prune --older-than 0 --remove` then removes it with its artifacts and cards (tag `pinned`: kept)"


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
        first = f"a release comes from it: train anew, approve that, `scarcegan models reject {kept}`; " if kept else ""
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
