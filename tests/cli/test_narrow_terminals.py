import io
import re

import pytest
from history_samples import steps_of
from rich.console import Console, Group
from rich.text import Text
from typer.testing import CliRunner

from scarcegan.cli import app, commands
from scarcegan.cli.tables import fixed, narrow

RUNS = ("a1796041963895141", "a1796041652856457")


@pytest.fixture
def terminal(monkeypatch):
    """What a terminal of 80 columns shows."""
    shown = io.StringIO()
    monkeypatch.setattr(commands, "console", lambda: Console(file=shown, width=80, highlight=False))
    return shown


def test_a_command_to_copy_stays_on_one_line_wherever_it_is_told(terminal):
    command = f"`scarcegan prune --older-than 0 --remove --config {'folder/' * 9}retrain.toml`"
    table = narrow("what", rows=[("runs",)])
    commands._print(commands.Answer(None, Group(Group(table), Text(f"cannot be rewritten; {command}"))), as_json=False)
    assert command in terminal.getvalue()


def test_no_cell_of_a_table_is_cut(terminal):
    path, name = "/data/" + "folder/" * 12 + "part.parquet", "small_extra_trees_unlabeled"
    commands._print(commands.Answer(None, narrow(fixed("name"), "where", rows=[(name, path)])), as_json=False)
    told = terminal.getvalue()
    assert "…" not in told
    assert name in told
    assert path in "".join(told.replace(name, "").split())


@pytest.mark.parametrize(
    ("command", "whole"),
    [(("runs", "best", *RUNS), "Flagged share at its"), (("estimators", "list"), "logistic_regression_shrunk ")],
)
def test_answers_are_whole_in_80_columns(command, whole, recorder, terminal):
    for number in RUNS:
        recorder.run(number, steps_of(number))
    assert CliRunner().invoke(app, command).exit_code == 0
    assert "…" not in terminal.getvalue()
    assert whole in terminal.getvalue()


def test_help_breaks_its_lines_where_the_terminal_does_and_keeps_brackets():
    told = CliRunner().invoke(app, ("models", "approve", "--help"), env={"COLUMNS": "80"}).stdout
    assert re.search(r"suspect data, and a release that is incomplete, are approved with --force *\n", told)
    assert "as long as [retention] in the settings says" in CliRunner().invoke(app, ("prune", "--help")).stdout
