"""`scarcegan runs`: list, show and compare the runs of RetrainFlow, and tell the best ones."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from scarcegan.cli.chosen import print_json
from scarcegan.cli.models import console
from scarcegan.cli.pages import write_page

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(
    no_args_is_help=True,
    help="List, show and compare training runs, and tell the best ones.",
    epilog="`make run` makes a run; its number stands in the first column of `scarcegan runs list`. A run offers "
    "models; which of them are approved is told by `scarcegan models`.",
)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Run = Annotated[str, typer.Argument(metavar="RUN", help="Number of a run, as in `scarcegan runs list`.")]
Namespace = Annotated[
    str, typer.Option(help="Metaflow namespace, such as user:ada.", show_default="the runs of everybody")
]
Definition = Annotated[str, typer.Option(help="Business definition whose metrics are shown.")]


@app.command("list")
def list_runs(
    tag: Annotated[list[str] | None, typer.Option(help="Only runs with this tag; give several for all.")] = None,
    since: Annotated[str, typer.Option(help="First day, as in 2026-11-22.")] = "",
    until: Annotated[str, typer.Option(help="Last day.")] = "",
    user: Annotated[str, typer.Option(help="Only runs of this user.")] = "",
    status: Annotated[
        Literal["finished", "failed", "unfinished"] | None,
        typer.Option(help="Only runs that ended so; unfinished ones go on, or were ended from outside."),
    ] = None,
    namespace: Namespace = "",
    definition: Definition = "review_budget",
    as_json: AsJson = False,
) -> None:
    """List runs, newest first: where each stopped, how well it does, which settings tell them apart."""
    from scarcegan import history
    from scarcegan.cli.run_tables import NO_RUNS, runs_overview

    with _patience("Reading runs"):
        found = history.runs(
            tags=tag or (), since=since, until=until, user=user, status=status or "", namespace=namespace or None
        )
    rows = _records(found)
    if as_json:
        print_json(rows)
    else:
        console().print(runs_overview(rows, definition) if rows else NO_RUNS)


@app.command()
def show(reference: Run, as_json: AsJson = False) -> None:
    """Show one run: facts, metrics, settings, and what it said at last if it failed."""
    from scarcegan import history
    from scarcegan.cli.run_tables import run_facts

    [row] = _records(history.show(reference).to_frame().T)
    if as_json:
        print_json([row])
    else:
        console().print(run_facts(row))


@app.command()
def compare(
    references: Annotated[list[str], typer.Argument(metavar="RUN...", help="Two runs or more; the first is the base.")],
    html: Annotated[Path | None, typer.Option(help="Write the comparison with its charts as one page.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare runs with the first one: settings that differ, metrics, learning curves, training data, the best."""
    from scarcegan import history
    from scarcegan.cli.run_tables import runs_compared

    with _patience("Reading runs"):
        plain = history.compare(*references).to_plain()
    if html:
        from cards.compare_card import compare_card
        from cards.page import html_page

        write_page(html_page(compare_card(plain), "Runs compared"), html)
    if as_json:
        print_json([plain])
    elif html:
        console().print(f"Wrote {html}")
    else:
        console().print(runs_compared(plain))


@app.command()
def best(
    references: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN...", help="Runs to choose from; without any: all, by registry group."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell the best run for each business definition, and by how much."""
    from scarcegan import history
    from scarcegan.cli.run_tables import NOT_EVALUATED, best_of_groups, best_of_runs

    with _patience("Reading runs"):
        rows = _records(history.best(*references or ()))
    if as_json:
        print_json(rows)
    else:
        shown = best_of_runs(rows) if references else best_of_groups(rows)
        console().print(shown if rows else NOT_EVALUATED)


def _records(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    """Return rows as JSON can hold them: times as ISO text, missing values as null."""
    plain = frame.astype(object).where(frame.notna(), None)
    if "created" in plain:
        plain["created"] = plain["created"].map(lambda moment: moment.isoformat())
    return [{str(name): value for name, value in row.items()} for row in plain.to_dict("records")]


def _patience(what: str) -> Any:
    """Show on a terminal that something goes on."""
    from rich.console import Console

    return Console(stderr=True).status(f"{what} ...")
