"""`scarcegan runs`: list, show and compare the runs of RetrainFlow, and tell the best ones."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.status import Status
from rich.text import Text

from scarcegan import history
from scarcegan.cli import run_tables
from scarcegan.cli.answers import Answer, answers, write_page
from scarcegan.cli.options import Run

app = typer.Typer(
    no_args_is_help=True,
    help="List, show and compare training runs, and find the best ones.",
    epilog="`make run` makes a run; its number stands in the first column of `scarcegan runs list`. A run offers "
    "models; `scarcegan models` shows which of them are approved.",
)


@app.command("list")
@answers
def list_runs(
    tag: Annotated[list[str] | None, typer.Option(help="Only runs with this tag; give several for all.")] = None,
    since: Annotated[str, typer.Option(help="First day, as in 2026-11-22.")] = "",
    until: Annotated[str, typer.Option(help="Last day, as in 2026-11-23.")] = "",
    user: Annotated[str, typer.Option(help="Only runs of this user.")] = "",
    status: Annotated[
        Literal["finished", "failed", "unfinished"] | None,
        typer.Option(help="Only runs in this state; an unfinished one goes on, or was ended from outside."),
    ] = None,
    namespace: Annotated[str, typer.Option(help="Only runs in this Metaflow namespace, such as user:ada.")] = "",
    definition: Annotated[
        str, typer.Option(help="Business definition shown; by default the one that bounds the flagged share.")
    ] = "",
) -> Answer:
    """List runs, newest first: where each stopped, how well it does, which settings tell them apart."""
    with _patience():
        found = history.facts_of_runs(tag or (), since, until, user, status or "", namespace or None)
    return Answer(history.rows_of(found), run_tables.runs_overview(found, definition))


@app.command()
@answers
def show(reference: Run) -> Answer:
    """Show one run: facts, metrics, settings, and the last words of one that failed."""
    facts = history.facts_of_run(reference)
    return Answer(history.rows_of([facts]), run_tables.run_facts(facts))


@app.command()
@answers
def compare(
    references: Annotated[list[str], typer.Argument(metavar="RUN...", help="Two runs or more; the first is the base.")],
    html: Annotated[Path | None, typer.Option(help="Write the comparison with its charts as one page.")] = None,
) -> Answer:
    """Compare runs with the first one: settings that differ, metrics, learning curves, training data, the best."""
    with _patience():
        found = history.compare(*references)
    if html is None:
        return Answer([found.to_plain()], run_tables.runs_compared(found.record))
    from cards.compare_card import compare_card
    from cards.page import html_page

    write_page(html_page(compare_card(found.record), "Runs compared"), html)
    return Answer([found.to_plain()], Text(f"Wrote {html}"))


@app.command()
@answers
def best(
    references: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN...", help="Runs to choose from; without any: all, by registry group."),
    ] = None,
) -> Answer:
    """Show the best run for each business definition, and its lead."""
    with _patience():
        found, unread = history.best_runs(references or ())
    return Answer([row.to_plain() for row in found], run_tables.best_by_group(found, unread, bool(references)))


def _patience() -> Status:
    return Console(stderr=True).status("Reading runs ...")  # shown on a terminal alone
