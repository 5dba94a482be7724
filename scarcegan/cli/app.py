"""The `scarcegan` command with its groups."""

from typing import Annotated

import typer

from scarcegan import __version__
from scarcegan.cli import models, report, runs, snapshots
from scarcegan.cli.parity import parity
from scarcegan.cli.preflight import preflight
from scarcegan.cli.problems import ProblemsInWords

app = typer.Typer(
    cls=ProblemsInWords,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    help="Find the few players at risk: look after the models that `make run` trains and registers.",
    epilog="Begin with `make run`. Then `scarcegan runs list` says what was trained, `scarcegan report RUN` what to "
    "know before approving, and `scarcegan models approve` makes a model the champion, the one that scoring takes.",
)
app.add_typer(runs.app, name="runs")
app.add_typer(models.app, name="models")
app.add_typer(snapshots.app, name="snapshots")
app.command()(preflight)
app.command()(parity)
app.command()(report.report)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def scarcegan(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Find the few players at risk: look after the models that `make run` trains and registers."""
