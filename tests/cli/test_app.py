import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from scarcegan.cli import app

# These become the process of a flow, which prints what it prints.
STARTS = {"run", "resume", "score", "features"}


def commands(group):
    """Every command of a group and of the groups in it."""
    for one in group.commands.values():
        yield from commands(one) if hasattr(one, "commands") else [one]


@pytest.mark.parametrize("command", list(commands(typer.main.get_command(app))), ids=lambda command: command.name)
def test_every_command_and_everything_that_it_takes_is_explained(command):
    assert command.help
    assert [one.name for one in command.params if not one.help] == []


@pytest.mark.parametrize("command", list(commands(typer.main.get_command(app))), ids=lambda command: command.name)
def test_every_command_answers_scripts_in_json(command):
    if command.name in STARTS:
        return
    assert "--json" in [option for one in command.params for option in one.opts]


def test_the_command_starts_without_the_heavy_libraries():
    heavy = {"tensorflow", "sklearn", "pandas", "boto3"}
    code = f"import sys, scarcegan.cli; print(sorted({heavy!r} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("given", [["--release", ""], ["--release="]])
def test_an_empty_value_is_no_wish_for_the_default(given):
    """Of a shell variable that is not set: the release approved last would be withdrawn."""
    refused = CliRunner().invoke(app, ["models", "rollback", "--reason", "faulty", *given, "--who", "rita"])
    assert refused.exit_code == 2
    assert "expected a value after --release, got an empty text" in " ".join(refused.output.replace("│", "").split())
