"""The `scarcegan` command with its groups."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from scarcegan import __version__
from scarcegan.cli import (
    commands,
    compliance,
    decisions,
    estimators,
    flows,
    forget,
    models,
    new,
    outcomes,
    runs,
    snapshots,
)
from scarcegan.problems import Problem


class ProblemsInWords(TyperGroup):
    """A group of commands whose `Problem`s end with their message on stderr and exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; anything that is no `Problem` is a defect of ours and keeps its traceback."""
        try:
            return super().invoke(ctx)
        except Problem as problem:
            commands.say(str(problem), style="red")
            raise typer.Exit(1) from problem


app = typer.Typer(
    cls=ProblemsInWords,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    epilog="Begin with `scarcegan new`, or in a project with `scarcegan run`. Then `scarcegan runs list` says what was "
    "trained, `scarcegan report RUN` what to know before approving, and `scarcegan models approve` makes a model the "
    "champion, the one that scoring takes.",
)
for group in (new, flows, decisions, compliance, forget, runs, models, snapshots, outcomes, estimators):
    app.add_typer(group.app)


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
    """Find the few players at risk: train models, decide on them, score, and watch for drift."""
