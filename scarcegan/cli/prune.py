"""`scarcegan prune`: show, and remove if asked to, what nobody needs any more."""

import time
from typing import Annotated

import typer
from rich.console import Group
from rich.text import Text

from scarcegan import words
from scarcegan.cli.commands import Answer, answers, say
from scarcegan.cli.tables import narrow
from scarcegan.project import located
from scarcegan.registry import Registry
from scarcegan.settings import Settings
from scarcegan.storage import contents, list_names

app = typer.Typer()


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
