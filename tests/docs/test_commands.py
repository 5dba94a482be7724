"""Every command in the README and the pages is one that there is: parsed by what would run it, and not run."""

import ast
import re
import shlex
import subprocess
import warnings
from pathlib import Path

import pytest
import typer

with warnings.catch_warnings():  # Metaflow's own copy of yaml asks for `_yaml`, which PyYAML calls deprecated
    warnings.filterwarnings("ignore", "The _yaml extension module", DeprecationWarning)
    from metaflow._vendor import click as metaflow_click
    from metaflow.cli import start as metaflow_start

from scarcegan.cli import app

USAGE_ERRORS = (typer.BadParameter.__base__, metaflow_click.UsageError)  # each has a click of its own
ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
# Programs that are not the project's: their paths are checked, their options are not.
OTHERS = {"apt-get", "aws", "cd", "docker", "export", "for", "head", "jupyter", "mmdebstrap", "podman", "source", "uv"}
OTHERS |= {"zip"}
FLOW_OPTIONS = {"--config": 2, "--production": 0, "--branch": 1}  # with so many values; Metaflow adds them to a flow


def blocks(page):
    """Return the console blocks of a page, each a script: `$ ` begins a command, and lines without it continue one."""
    for block in re.findall(r"^ *```console\n(.*?)```", page.read_text(), re.DOTALL | re.MULTILINE):
        script, goes_on = [], False
        for line in map(str.strip, block.splitlines()):
            if line.startswith("$ ") or goes_on:
                script.append(line.removeprefix("$ "))
                goes_on = bool(re.search(r"(\\|; do)( *#.*)?$", line))
        yield "\n".join(script)


def commands(page):
    """Return every command of a page: of its console blocks, and those of the project in the text."""
    joined = [block.replace("\\\n", " ") for block in blocks(page)]
    found = [line for block in joined for line in re.split(r"\n| && ", block)]
    prose = re.sub(r"^ *```.*?```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    found += re.findall(r"`((?:scarcegan|make|python) [^`]+)`", prose.replace("\n", " "))
    return [line for line in found if shlex.split(line, comments=True)]


DOCUMENTED = sorted({(page.name, command) for page in PAGES for command in commands(page)})


@pytest.mark.parametrize(("page", "command"), DOCUMENTED, ids=lambda word: word.split("  ")[0])
def test_a_documented_command_can_be_run(page, command):
    program, *arguments = shlex.split(command, comments=True)
    program = program.removeprefix(".venv/bin/")
    if program == "scarcegan":
        check_scarcegan(arguments)
    elif program == "make":
        check_make(arguments)
    elif program == "python":
        check_python(arguments)
    elif not re.match(r"\w+=", program):
        assert program in OTHERS, f"say in this test how `{program}` of {page} is checked"
        for argument in arguments:
            if argument.startswith(("config/", "docs/", "flows/", "notebooks/")):
                assert (ROOT / argument).exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_console_blocks_are_valid_shell(page):
    script = "\n".join(blocks(page))
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("scarcegan models aprove 1", "No such command"),
        ("scarcegan models approve 1", "Missing parameter: reason"),
        ("scarcegan runs list --sinse 2026-11-01", "No such option"),
        ("make tests", "no target"),
        ("python flows/retrain_flow.py --config config config/retrain.toml run --sed 1", "no such option"),
        ("python flows/retrain_flow.py --prod run", "unknown"),
        ("python flows/retrain_flow.py walk", "unknown"),
        ("python flows/train_flow.py run", "no file"),
        ("python benchmarks/quality.py --quik", "no option"),
        ("python -m scarcegan.datasets.labels", "no module"),
    ],
)
def test_a_command_that_is_not_there_is_noticed(command, words):
    with pytest.raises((AssertionError, *USAGE_ERRORS)) as noticed:
        test_a_documented_command_can_be_run("here", command)
    assert words in str(noticed.value)


def check_scarcegan(arguments):
    """Let the command line parse the arguments; it stops before the command itself."""
    command, context = typer.main.get_command(app), None
    while hasattr(command, "resolve_command") and arguments:
        context = command.context_class(command, parent=context)
        name, command, arguments = command.resolve_command(context, arguments)
    if arguments:
        command.make_context(name, list(arguments), parent=context)


def check_make(arguments):
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for argument in arguments:
        assert argument in targets or re.fullmatch(r"[A-Z_]+=\S+", argument), f"no target `{argument}`"


def check_python(arguments):
    first, *rest = arguments
    if first == "-m":
        module, *rest = rest
        if module == "pytest":
            assert all((ROOT / path).exists() for path in rest)
            return
        path = ROOT / module.replace(".", "/")
        script = path / "__main__.py" if path.is_dir() else path.with_suffix(".py")
        assert script.is_file(), f"no module {module}"
    else:
        script = ROOT / first if "/" in first else ROOT / "flows" / first
        assert script.is_file(), f"no file {first}"
    if script.name.endswith("_flow.py"):
        check_flow(script, rest)
    else:
        known = set(re.findall(r'add_argument\("(--[a-z-]+)"', script.read_text()))
        unknown = {word.split("=")[0] for word in rest if word.startswith("--")} - known
        assert not unknown, f"{script.name} has no option {unknown}"


def check_flow(script, arguments):
    """Check a flow's own options, then let Metaflow parse its command with the flow's parameters."""
    while arguments and arguments[0].startswith("--"):
        option, *arguments = arguments
        assert option in FLOW_OPTIONS, f"unknown option {option} of a flow"
        values, arguments = arguments[: FLOW_OPTIONS[option]], arguments[FLOW_OPTIONS[option] :]
        if option == "--config" and values[1].startswith("config/"):
            assert (ROOT / values[1]).is_file()
    group = metaflow_start
    while hasattr(group, "list_commands"):
        name, *arguments = arguments
        assert name in group.list_commands(None), f"unknown command {name} of a flow"
        group = group.get_command(None, name)
    takes_parameters = name in ("run", "trigger")
    own = [metaflow_click.Option([f"--{parameter}"]) for parameter in parameters(script)] * takes_parameters
    command = metaflow_click.Command(name, params=[*group.params, *own])
    left = command.make_parser(metaflow_click.Context(command)).parse_args(list(arguments))[1]
    assert not left, f"{name} does not take {left}"


def parameters(script):
    """Return the names of a flow's parameters, and of those that all flows have."""
    files = (script, ROOT / "flows" / "project_flow.py")
    calls = [node for file in files for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
    return [call.args[0].value for call in calls if getattr(call.func, "id", "") == "Parameter"]
