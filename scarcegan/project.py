"""Where the project and its flows are, and where the paths in its settings lead."""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Collection, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

from scarcegan.machine import DEFAULT_CONFIG
from scarcegan.problems import SettingsProblem

# What the package lies in: the repository, or where pip has put it.
_CODE = Path(__file__).resolve().parent.parent
STDERR = 2  # file descriptor


def project_root() -> Path:
    """Return the project's folder: the nearest one with a `config/retrain.toml`, from the working directory upwards.

    Where there is none it is the repository, if the package lies in one (installed in editable mode), and otherwise
    the working directory, as in a container.

    Raises:
        SettingsProblem: the working directory is gone, as when another terminal has removed or replaced it.
    """
    try:
        here, beside_package = Path.cwd(), _CODE / "pyproject.toml"
    except FileNotFoundError as error:
        raise SettingsProblem(
            f"expected a working directory, the one of this terminal is gone ({os.environ.get('PWD', 'no name')}): "
            "`cd` to it again if there is a new one, or to another"
        ) from error
    named = (folder for folder in (here, *here.parents) if (folder / DEFAULT_CONFIG).is_file())
    return next(named, beside_package.parent if beside_package.is_file() else here)


def flow_file(name: str) -> Path:
    """Return the script of a flow, such as `retrain`: it lies beside the package, installed or not."""
    return _CODE / "flows" / f"{name}_flow.py"


def flow_command(name: str) -> str:
    """Return what starts a flow in the project's folder: its own script, as `scarcegan new` writes it, or the flow."""
    places = (f"{name}_flow.py", f"flows/{name}_flow.py")
    here = (place for place in places if (project_root() / place).is_file())
    return f"python {next(here, flow_file(name))}"


def card_command(pathspec: str) -> str:
    """Return what opens the card of a task of RetrainFlow; empty where its pathspec is."""
    return f"{flow_command('retrain')} card view {pathspec.split('/', 1)[1]}" if pathspec else ""


def command(name: str, config: str = "") -> str:
    """Return the command of the package, such as `scarcegan score`, with a settings file unless it is the default."""
    return f"scarcegan {name}" + (f" --config {shlex.quote(config)}" if config not in ("", DEFAULT_CONFIG) else "")


def start_flow(name: str, arguments: Sequence[str]) -> NoReturn:
    """Become the process of a flow, which gets these arguments: Ctrl-C and the exit code are its own."""
    os.execv(sys.executable, _started(name, arguments))  # noqa: S606


def run_flow(name: str, arguments: Sequence[str]) -> int:
    """Run a flow as `start_flow` does, what it prints on stderr, and return its exit code.

    How a run ends that is ended from outside is for the flow to say. Ctrl-C reaches it by itself; other signals are
    passed on.
    """
    running: list[subprocess.Popen[bytes]] = []

    def pass_on(number: int, _: Any) -> None:
        for process in running if number != signal.SIGINT else []:
            process.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        running.append(subprocess.Popen(_started(name, arguments), stdout=STDERR))  # noqa: S603
        return running[0].wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _started(name: str, arguments: Sequence[str]) -> list[str]:
    return [sys.executable, str(flow_file(name)), *arguments]


def located(path: str, base: Path | None = None) -> str:
    """Return the location that a path means: an `s3://` address or an absolute local path.

    `~` and `$VARIABLES` are expanded. In the settings a relative path counts from the project root, so that it means
    the same to a flow started in `flows/` and to a command typed at the root; typed at a prompt, it counts from the
    working directory, the `base` then.

    Raises:
        SettingsProblem: the path names an environment variable that is not set or a home that nobody knows, has a
            character that no path has, or is an address of another kind.
    """
    if "\0" in path:
        raise SettingsProblem(f"expected a path without NUL characters, got {path!r}: remove them")
    expanded = os.path.expanduser(os.path.expandvars(path))
    if not expanded.isprintable() and any("\ud800" <= one <= "\udfff" for one in expanded):
        raise SettingsProblem(f"expected a path in UTF-8, got {expanded!r}: rename it, or name another")
    if expanded.startswith("~"):  # as a path it would be a folder of that name, too
        home = expanded.split("/")[0]
        raise SettingsProblem(
            f"expected a home folder for '{home}', which '{path}' names, the system knows none: write the whole path, "
            f"or ./{home} for a folder of that name"
        )
    if unset := re.search(r"\$\{?(\w+)", expanded):
        raise SettingsProblem(
            f"expected a value of ${unset[1]}, which the path '{path}' names: set the variable, or, if the $ is part "
            "of a name, link to it under a name without"
        )
    if (scheme := re.match(r"([A-Za-z][\w.+-]*):/+", expanded)) and scheme[0] != "s3://":
        # As a path it would be a folder of that name, wherever the process stands.
        mend = "write both slashes, and no more" if scheme[1] == "s3" else "copy it to one of them"
        raise SettingsProblem(f"expected a local path or s3://bucket/prefix, got '{path}': {mend}")
    return expanded if scheme else os.path.abspath((base or project_root()) / expanded)


def empty_value(arguments: Sequence[str], taken: Collection[str] = ()) -> str:
    """Refuse, in words, an option with an empty value, which would count as no wish: nobody may mean the default.

    Empty where each has a value, or is one of those that are `taken` without.
    """
    spelt = [*(f"{name}={value}" for name, value in pairwise(arguments)), *arguments]
    options = (word.removesuffix("=") for word in spelt if re.fullmatch(r"--[a-z-]+=", word))
    return next(
        (
            f"expected a value after {option}, got an empty text, as a variable that is not set gives: name the value, "
            f"or leave {option} out"
            for option in options
            if option not in taken
        ),
        "",
    )


def typed_data(typed: str, base: Path) -> dict[str, Any]:
    """Return what `--data` lays over `[data]`: `LOCATION` over its path, `NAME=LOCATION` over the path of one table.

    Several are separated by commas; relative paths count from the `base`.
    """
    path, tables = None, {}
    for one in re.split(r",(?=\w+=)", typed):
        is_named = re.match(r"\w+=", one)
        name, place = one.split("=", 1) if is_named else ("", one)
        if not place:
            raise SettingsProblem(
                f"expected --data LOCATION or --data NAME=LOCATION,..., got '{typed}': name the place"
            )
        if name in tables:
            raise SettingsProblem(
                f"expected one place for each table, got '{name}' twice in --data '{typed}': keep one"
            )
        if name:
            tables[name] = {"path": located(place, base)}
        else:
            path = located(place, base)
    return {"path": path, "tables": tables or None}
