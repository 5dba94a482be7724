"""The machine that a task runs on: its cores shared out, and what AWS and the launch say of it in the environment."""

import getpass
import os
import re
import socket
import sys
from collections.abc import Mapping
from io import TextIOWrapper
from pathlib import Path

from scarcegan.problems import Problem

# Set by AWS Batch in each of its jobs: the job's id, and the queue it came from.
BATCH_JOB = "AWS_BATCH_JOB_ID"
BATCH_QUEUE = "AWS_BATCH_JQ_NAME"
# Set by Metaflow in the jobs of a flow that is deployed to Step Functions: the name of its state machine.
STATE_MACHINE = "SFN_STATE_MACHINE"
# Set by the launch of a flow, for its tasks on this machine: how many run side by side, and the commit of the code.
WORKERS = "SCARCEGAN_WORKERS"
COMMIT = "SCARCEGAN_COMMIT"

DEFAULT_CONFIG = "config/retrain.toml"

# In this order Metaflow looks for who runs; it does not take root.
USER_VARIABLES = ("METAFLOW_USER", "SUDO_USER", "USERNAME", "USER")
# A job's name begins with the user; AWS Batch takes 128 such characters, and the rest needs room too.
BATCH_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class MachineTakenAway(Exception):
    """Ends a training whose machine is about to be taken away, once its checkpoint is saved; a retry continues it."""


def require_user(environment: Mapping[str, str], *, on_batch: bool) -> str:
    """Return the user that Metaflow will see; for root it is made of the machine's name.

    Raises:
        Problem: the machine knows no name for this user, or AWS Batch takes the name in no job's name.
    """
    given = next((name for key in USER_VARIABLES if (name := environment.get(key)) not in (None, "", "root")), "")
    try:
        user = given or getpass.getuser()
    except (KeyError, OSError) as error:  # a container that is started with a bare number, for instance
        raise Problem(
            "expected a user name, this machine knows none for the user that runs this: name one, as in "
            "`export METAFLOW_USER=ci`"
        ) from error
    if user == "root":
        user = re.sub(r"[^A-Za-z0-9_-]", "-", f"root-{socket.gethostname()}")[:64]
    if on_batch and not BATCH_USER.fullmatch(user):
        fit = re.sub(r"[^A-Za-z0-9_-]+", "-", user).strip("-_")[:64] or "me"
        raise Problem(
            f"expected a user name of at most 64 letters, digits, - and _, got {user!r}: AWS Batch takes no other in "
            f"the name of a job; `export METAFLOW_USER={fit}`"
        )
    return user


def os_user() -> str:
    """Return the operating system's name of this process's user, which no environment variable changes."""
    import pwd  # of Unix alone

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container that is started with a bare number
        return f"uid {os.getuid()}"


def print_anywhere() -> None:
    """Let stdout show a question mark for what the terminal's encoding lacks: a dash must end no run and no command."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def this_process() -> str:
    """Name this process so that `is_alive` tells it from all others: its machine, its number, when it began."""
    return f"{_machine()} {os.getpid()} {_began(os.getpid())}"


def is_alive(process: str) -> bool | None:
    """Tell whether a process that `this_process` has named still runs.

    None: it is, or was, on another machine, or the name is none of ours, as in a file that was damaged.
    """
    named = re.fullmatch(r"(\S+) (\d{1,9}) (\d*)", process)
    if not named or named[1] != _machine():
        return None
    number, began = named[2], named[3]
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        pass
    return _began(int(number)) == began


def _machine() -> str:
    """Name the machine, and where containers share its name, the container: each counts processes for itself."""
    try:
        return f"{socket.gethostname()}-{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        return socket.gethostname()


def _began(number: int) -> str:
    """Return when a process began, in the kernel's ticks; a number is given anew some day. Empty where none says."""
    try:
        state, *numbers = Path(f"/proc/{number}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state == "Z" else numbers[18]


def cores() -> int:
    """Return the CPU cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads_per_task(tasks: int, environment: Mapping[str, str], requested: int) -> int:
    """Return the threads for each of several tasks that may run side by side on this machine, at least 1.

    Args:
        tasks: how many there are.
        environment: usually `os.environ`.
        requested: the CPUs that the step asks for. A Batch job sees all cores of its instance, but these are its own.
    """
    if BATCH_JOB in environment:
        return min(requested, cores())
    side_by_side = min(tasks, int(environment.get(WORKERS, 1)))
    return max(1, cores() // side_by_side)
