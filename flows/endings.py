"""How a launch ends in words: what to type to go on, and refusals without Metaflow's internals."""

import os
import shlex
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path

from checkout import ROOT as CODE
from checkout import is_installed
from metaflow import current
from metaflow.datastore import TaskDataStoreSet
from metaflow.exception import MetaflowException, MetaflowInternalError

from scarcegan.project import project_root

SETTINGS = ("--config", "--config-value")  # each takes a name and a value, and `resume` neither
RESUME_KEEPS = ("--with", "--max-workers", "--max-num-splits", "--tag")  # options of `run` that `resume` has as well


class NothingStarted(MetaflowException):
    """Shown by Metaflow as headline and message."""

    headline = "Nothing was started"


@contextmanager
def plain_endings(cli, arguments):
    """End a run of Metaflow's command line, unless it succeeds, with the command that goes on from there."""
    cli.TaskDataStoreSet = KnownRun
    tell = cli.print_metaflow_exception

    def tell_once(error):
        if isinstance(error, NothingStarted):
            # Metaflow's own would take each * of the text, as of a pattern, for its mark of bold words.
            lines = [f"{error.headline}:", *str(error.message).splitlines()]
            print(*(f"    {line}" for line in lines), "", sep="\n", file=sys.stderr)
        # Not what only repeats, as an internal error, that a step has ended without success.
        elif not (isinstance(error, MetaflowInternalError) and error.message.startswith("The terminal step")):
            tell(error)

    cli.print_metaflow_exception = tell_once
    try:
        yield
    except BaseException as ended:
        if run_id := failed_run(ended):
            print(
                "To go on from here, with this run's settings, once data or code are mended:",
                f"  {resume_command(sys.argv[0], arguments, run_id)}",
                sep="\n",
                file=sys.stderr,
            )
        raise


def failed_run(ended):
    """Return the id of the run whose launch has ended so; none where it ended well, or before there was a run."""
    return None if isinstance(ended, SystemExit) and not ended.code else current.get("run_id")


def resume_command(script, arguments, run_id):
    """Return what a person types to go on from a run: the same launch, but for the settings, which the run keeps."""
    at = next(place for place, word in enumerate(arguments) if word in ("run", "resume"))
    before, after = list(arguments[:at]), list(arguments[at + 1 :])
    for option in SETTINGS:
        while option in before:
            place = before.index(option)
            del before[place : place + 3]
    kept = []
    for place, word in enumerate(after):
        name, has_value, _ = word.partition("=")
        if name in RESUME_KEEPS:
            kept += [word] if has_value else after[place : place + 2]
    return shlex.join([*starter(Path(script), before), *before, "resume", "--origin-run-id", str(run_id), *kept])


def starter(script, options):
    """Return what begins a command for a flow: a project's own script before the one that pip has installed."""
    own = project_root() / script.name
    if own.is_file():
        script = Path(os.path.relpath(own))
    elif is_installed(CODE) and script.name == "retrain_flow.py" and not options:
        return ["scarcegan"]
    python = shutil.which("python")
    is_this = python and Path(python).parent == Path(sys.executable).parent  # of which venvs have several names
    return ["python" if is_this else sys.executable, str(script)]


class KnownRun(TaskDataStoreSet):
    """The first task of a run to be resumed, whose settings Metaflow reads before all else; refuses an unknown run."""

    def __init__(self, flow_datastore, run_id, **named):
        super().__init__(flow_datastore, run_id, **named)
        name = f"{flow_datastore.flow_name}/{run_id}"
        if not self.task_datastores:
            raise NothingStarted(
                f"expected a run to resume, got {name}, which the {flow_datastore.TYPE} datastore at "
                f"{flow_datastore.datastore_root} does not have: see `scarcegan runs list`; a run that was started "
                "elsewhere is resumed with the METAFLOW_PROFILE or METAFLOW_DEFAULT_DATASTORE that it was started with"
            )
        if flow_datastore.get_task_datastores(run_id, steps=["end"]):
            print(
                f"{name} is finished: only a step that is named is computed again, and all after it, as in "
                f"`resume end --origin-run-id {run_id}`",
                file=sys.stderr,
            )
