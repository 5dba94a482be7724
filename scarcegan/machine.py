"""The machine a run is started on: its cores shared out, its user named, its code's commit noted."""

import getpass
import itertools
import os
import socket
import subprocess
from collections.abc import MutableMapping, Sequence
from pathlib import Path

DATASTORE = ".metaflow"
DEFAULT_CONFIG = "config/retrain.toml"
COMMIT_VARIABLE = "SCARCEGAN_COMMIT"
UNKNOWN_COMMIT = "unknown"
BATCH_JOB_VARIABLE = "AWS_BATCH_JOB_ID"
WORKERS_VARIABLE = "SCARCEGAN_WORKERS"
_REMOTE = ("batch", "kubernetes")


class MachineTakenAway(Exception):
    """Ends a training whose machine is about to be taken away; what it has done so far is saved before it goes up."""


def prepare_launch(arguments: Sequence[str], environment: MutableMapping[str, str], root: Path) -> None:
    """Set what Metaflow needs before it reads its arguments; what the user has set stays.

    A local run starts at most as many tasks at once as there are cores (Metaflow's own default is 16), and
    tells its tasks how many there may be. Metaflow takes no run from a nameless user or from root (a container,
    a fresh cloud machine): root is named after the machine. The commit goes along for the tasks: a resume may bring
    mended code. Inside the repository all commands share the datastore at its root, wherever they are typed; elsewhere
    a launch makes the datastore's folder where there is none: of two launches at once, Metaflow lets one fail on it.

    Args:
        arguments: the command line after the program's name.
        environment: usually `os.environ`; changed in place.
        root: the repository.
    """
    if COMMIT_VARIABLE not in environment:  # the tasks of a local run inherit it: git is asked once
        environment[COMMIT_VARIABLE] = git_commit(root)
    here = Path.cwd()
    if here.is_relative_to(root):
        (root / DATASTORE).mkdir(exist_ok=True)
    elif {"run", "resume"} & {*arguments} and not any((up / DATASTORE).is_dir() for up in (here, *here.parents)):
        (here / DATASTORE).mkdir(exist_ok=True)
    user = getpass.getuser()
    environment.setdefault("USERNAME", user if user != "root" else f"root-{socket.gethostname()}")
    if runs_remotely(arguments):
        return
    for command in ("RUN", "RESUME"):
        environment.setdefault(f"METAFLOW_{command}_MAX_WORKERS", str(cores()))
    variable = "METAFLOW_RESUME_MAX_WORKERS" if "resume" in arguments else "METAFLOW_RUN_MAX_WORKERS"
    workers = [*values_of("--max-workers", arguments), environment[variable]]
    environment.setdefault(WORKERS_VARIABLE, workers[0])


def runs_remotely(arguments: Sequence[str]) -> bool:
    """Tell whether the tasks of this launch run on other machines: `run --with batch`."""
    return any(value.split(":")[0] in _REMOTE for value in values_of("--with", arguments))


def cores() -> int:
    """Return the CPU cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads_per_task(tasks: int, environment: MutableMapping[str, str], requested: int) -> int:
    """Return the threads for each of several tasks that may run side by side on this machine, at least 1.

    Args:
        tasks: how many there are.
        environment: usually `os.environ`.
        requested: the CPUs that the step asks for. A Batch job sees all cores of its instance, and these are its own.
    """
    if BATCH_JOB_VARIABLE in environment:
        return min(requested, cores())
    side_by_side = min(tasks, int(environment.get(WORKERS_VARIABLE, 1)))
    return max(1, cores() // side_by_side)


def launched_commit(environment: MutableMapping[str, str], noted: str) -> str:
    """Return the commit of the code that this launch runs; on another machine, where no git is, the `noted` one."""
    commit = environment.get(COMMIT_VARIABLE, UNKNOWN_COMMIT)
    return noted if commit == UNKNOWN_COMMIT else commit


def git_commit(folder: Path) -> str:
    """Return the commit of a working tree, `-dirty` appended if tracked files differ, or `unknown` outside git."""
    command = ["git", "-C", str(folder), "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return UNKNOWN_COMMIT
    return answer.stdout.strip()


def launch_notes(root: Path, arguments: Sequence[str]) -> dict[str, str]:
    """Note what only the launching machine knows: `commit` of the code, and `config`, the settings file."""
    chosen = [file for word, name, file in zip(arguments, arguments[1:], arguments[2:], strict=False)
              if (word, name) == ("--config", "config")]  # fmt: skip
    if not chosen:
        return {"commit": git_commit(root), "config": DEFAULT_CONFIG}
    path = Path(chosen[-1]).resolve()
    return {"commit": git_commit(root), "config": str(path.relative_to(root) if path.is_relative_to(root) else path)}


def values_of(option: str, arguments: Sequence[str]) -> list[str]:
    """Return what is given to an option, spelt `--option value` or `--option=value`."""
    apart = [value for word, value in itertools.pairwise(arguments) if word == option]
    return apart + [word.split("=", 1)[1] for word in arguments if word.startswith(f"{option}=")]
