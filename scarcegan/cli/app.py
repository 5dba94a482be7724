"""The `scarcegan` command with its groups."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from scarcegan import __version__
from scarcegan.cli import compliance, decisions, estimators, flows, models, new, outcomes, removal, runs, snapshots
from scarcegan.cli.commands import say
from scarcegan.machine import print_anywhere
from scarcegan.problems import Problem
from scarcegan.project import empty_value, project_root


class ProblemsInWords(TyperGroup):
    """A group of commands whose `Problem`s end with their message on stderr and exit code 1."""

    def main(self, *args: Any, **named: Any) -> Any:
        """Run the command line in a terminal of any encoding."""
        print_anywhere()
        return super().main(*args, **named)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse an empty value, which would count as none: the default could be what nobody meant."""
        command = next((self.commands[word] for word in args if word in self.commands), None)
        # What goes on to Metaflow is the launch's to refuse: Metaflow takes `--namespace ""`.
        is_passed_on = command is not None and command.context_settings.get("ignore_unknown_options")
        if command and not is_passed_on and (told := empty_value(args)):
            raise typer.BadParameter(told)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; anything that is no `Problem` is a defect of ours and keeps its traceback."""
        try:
            project_root()  # refuses, for all commands, a terminal whose folder is gone
            return super().invoke(ctx)
        except Problem as problem:
            say(str(problem), style="red")
            raise typer.Exit(1) from problem


app = typer.Typer(
    cls=ProblemsInWords,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    epilog="Begin with `scarcegan new`, or in a project with `scarcegan run`. Then `scarcegan runs list` says what was "
    "trained, `scarcegan report RUN` what to know before approving, and `scarcegan models approve` makes a model the "
    "champion, the one that scoring takes.",
)
for group in (new, flows, decisions, compliance, removal, runs, models, snapshots, outcomes, estimators):
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
