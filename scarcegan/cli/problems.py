"""Errors on the terminal: the message in red, no traceback."""

from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from scarcegan.problems import Problem


class ProblemsInWords(TyperGroup):
    """A group of commands whose `Problem`s end with their message on stderr and exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; anything that is no `Problem` is a defect of ours and keeps its traceback."""
        try:
            return super().invoke(ctx)
        except Problem as problem:
            console = Console(stderr=True, soft_wrap=True, highlight=False)
            console.print(str(problem), style="red", markup=False)
            raise typer.Exit(1) from problem
