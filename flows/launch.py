"""How a flow is started on the command line: what Metaflow is told before, and what is cleaned up after."""

import atexit
import gc
import itertools
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from checkout import ROOT as CODE
from checkout import is_installed
from metaflow.exception import METAFLOW_EXIT_DISALLOW_RETRY
from metaflow.metaflow_config import DATASTORE_SYSROOT_S3, DEFAULT_DATASTORE
from metaflow.parameters import flow_context
from metaflow.plugins.aws.batch.batch import Batch, BatchException
from metaflow.plugins.aws.batch.batch_client import BatchJob
from metaflow.plugins.datastores.local_storage import LocalStorage

import scarcegan
from endings import failed_run, plain_endings
from scarcegan.machine import BATCH_JOB, COMMIT, DEFAULT_CONFIG, WORKERS, cores, os_user, print_anywhere, require_user
from scarcegan.problems import Problem
from scarcegan.project import empty_value, project_root
from scarcegan.settings import parse, resolve, text_of
from scarcegan.storage import join, require_writable
from terminal import moving_lines

ROOT = project_root()  # the repository, or a project of its own
UNKNOWN_COMMIT = "unknown"


def launch(flow):
    """Start a flow with the arguments of the command line."""
    arguments = sys.argv[1:]
    print_anywhere()
    atexit.register(gc.freeze)  # else Python looks for garbage among all that TensorFlow has loaded, a second per task
    try:
        require_own_package(CODE)
        prepare(arguments, os.environ, ROOT)
        if starts_run(arguments):
            require_datastore(flow.__name__, arguments)
    except Problem as problem:
        sys.exit(str(problem))
    pass_on_refusals()
    keep_cards_private(arguments)
    if "spin" in arguments:
        keep_latest_run(flow)
    if not starts_run(arguments):
        flow()
        return
    with flow_context(flow):  # the command line takes the options of a flow when it is first imported
        from metaflow import cli
    with plain_endings(cli, arguments), moving_lines(cli), no_stray_jobs(flow.__name__, arguments):
        flow()


def prepare(arguments, environment, root):
    """Set what Metaflow needs in `environment` before it reads its arguments; what the user has set stays."""
    if COMMIT not in environment:  # the tasks of a local run inherit it: git is asked once
        environment[COMMIT] = running_code(root)
    # Each task and card reads the settings: pydantic would look through all installed packages for plugins first.
    environment.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    require_arguments(arguments, environment)
    # Metaflow takes no run from root or from a nameless user (a container, a fresh cloud machine).
    user = require_user(environment, on_batch=runs_on_batch(arguments))
    if not environment.get("METAFLOW_USER"):
        environment.setdefault("USERNAME", user)
    make_datastore(arguments, root)
    # Jobs run elsewhere: this machine's cores do not limit them.
    if runs_on_batch(arguments):
        return
    # A local run starts as many tasks at once as there are cores; Metaflow's own default is 16.
    for command in ("RUN", "RESUME"):
        environment.setdefault(f"METAFLOW_{command}_MAX_WORKERS", str(cores()))
    environment.setdefault(WORKERS, workers_of(arguments, environment)[0])


def require_arguments(arguments, environment):
    """Refuse arguments with which Metaflow would end in a traceback, go by what nobody has meant, or wait for ever."""
    config = config_of(arguments)
    if config and os.path.isfile(config):  # else Metaflow says so
        text_of(Path(config))
    # In Metaflow an empty namespace is that of everybody.
    if makes_runs(arguments) and (told := empty_value(arguments, taken=["--namespace"])):
        raise Problem(told)
    for asked in workers_of(arguments, environment):
        if re.fullmatch(r"[+-]?0+|-\d+", asked):
            raise Problem(f"expected --max-workers of at least 1, got {asked}: with none, no task starts")
    for spec in values_of("--with", arguments):
        for key, given in re.findall(r"\b(cpu|gpu|memory|seconds|minutes|hours|times)=([^,]*)", spec):
            if not re.fullmatch(r"\d+(\.\d+)?", given):
                raise Problem(f"expected a number for {key} in --with {spec}, got '{given}': mend it")


def workers_of(arguments, environment):
    """Return how many tasks are to run side by side, as the arguments say, and else the environment, if it does."""
    command = "RESUME" if "resume" in arguments else "RUN"
    return [*values_of("--max-workers", arguments), environment.get(f"METAFLOW_{command}_MAX_WORKERS", "")]


def make_datastore(arguments, root):
    """Make the folder of the local datastore: at the project's root for all commands typed inside it.

    Elsewhere a launch makes it where there is none: of two launches at once, Metaflow lets one fail on it.
    """
    here = Path.cwd()
    if here.is_relative_to(root):
        _make(root / LocalStorage.DATASTORE_DIR)
    elif starts_run(arguments) and LocalStorage.get_datastore_root_from_config(print, create_on_absent=False) is None:
        _make(here / LocalStorage.DATASTORE_DIR)


def _make(folder):
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise Problem(
            f"cannot make {folder}, where Metaflow keeps runs: {error.strerror}; start the flow in a folder that you "
            "may write to"
        ) from error


def require_datastore(flow_name, arguments):
    """Refuse a run whose datastore on S3 cannot be written: Metaflow would try for an hour, without a word."""
    kind = [DEFAULT_DATASTORE, *values_of("--datastore", arguments)][-1]
    root = [DATASTORE_SYSROOT_S3, *values_of("--datastore-root", arguments)][-1]
    if kind == "s3" and root:  # without it, Metaflow says so
        require_writable(join(root, flow_name))


def launch_notes(_):
    """Note what only the launching machine knows: `commit` of the code, `config`, the settings file, `launched_by`.

    Metaflow calls it once for each launch (default of a `Config`); the tasks get what it has returned.
    """
    path = Path(config_of(sys.argv) or ROOT / DEFAULT_CONFIG).resolve()
    config = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    # A name that is no UTF-8 stands in no message and no registry: its strange bytes become question marks.
    told = str(config).encode(errors="replace").decode()
    commit = os.environ.get(COMMIT) or running_code(ROOT)
    by = launched_by(path, sys.argv) if makes_runs(sys.argv) else ""
    return {"commit": commit, "config": told, "launched_by": by}


def launched_by(config, arguments):
    """Return who launches, as the registry's approvals name people; empty where settings or AWS do not say."""
    try:
        chosen = resolve(parse(text_of(config)), *values_of("--set", arguments)[-1:]).registry
        if chosen.kind == "local":
            return os_user()
        from scarcegan.aws.sagemaker import caller

        return caller()
    except (Problem, OSError):
        return ""


def config_of(arguments):
    """Return the settings file that the arguments name; None without one."""
    words = zip(arguments, arguments[1:], arguments[2:], strict=False)
    return next(reversed([file for word, name, file in words if (word, name) == ("--config", "config")]), None)


def require_own_package(root):
    """Refuse to run another checkout's package beside the flows of this one: its commit would name other code."""
    own, runs = root / "scarcegan", Path(scarcegan.__file__).resolve().parent
    if own.is_dir() and runs != own:
        raise Problem(
            f"expected the package {own} beside the flow that runs, got {runs}: start the flow with its own file, as "
            f"in `python {root}/flows/retrain_flow.py`, in a process that has imported no other"
        )


def running_code(project):
    """Return what names the code that runs, after the commit of a project of its own, if that has one."""
    own = git_commit(project) if project != CODE else UNKNOWN_COMMIT
    return "+".join([own] * (own != UNKNOWN_COMMIT) + [code_version(CODE)])


def code_version(root):
    """Return what names the code that runs: the commit of a checkout, else the version of the installed package.

    A job has neither git nor checkout, and is told the commit by its launch.
    """
    # A package that pip has installed may lie in somebody's repository, which says nothing of it.
    is_checkout = (root / "scarcegan").is_dir() and not is_installed(root)
    if is_checkout or BATCH_JOB in os.environ:
        return git_commit(root)
    return f"scarcegan-{scarcegan.__version__}"


def git_commit(folder):
    """Return the commit of a working tree, `-dirty` appended if tracked files differ, or `unknown` outside git."""
    command = ["git", "-C", str(folder), "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return UNKNOWN_COMMIT
    return answer.stdout.strip()


@contextmanager
def no_stray_jobs(flow_name, arguments):
    """Around a launch with `--with batch`: if it fails or is ended (Ctrl-C, SIGTERM, hang-up), stop its jobs.

    Metaflow kills the processes that wait for the jobs. One that has no time left to stop its job, as after a
    sibling's failure, would leave it running and costing money.
    """
    if not (runs_on_batch(arguments) and starts_run(arguments)):  # tasks get `--with` too
        yield
        return
    for number in (signal.SIGTERM, signal.SIGHUP):
        # Ends as Ctrl-C does, with an exception: what follows here still runs.
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    except BaseException as ended:
        if run_id := failed_run(ended):
            Batch(None, None).kill_jobs(flow_name, run_id, user=None, echo=partial(print, file=sys.stderr))
        raise


def pass_on_refusals():
    """Let `batch step`, which waits for a job, end as the job did where its step refused, so that it is not retried.

    Metaflow's `batch step` ends with 1 however its job has ended, and `@retry` would start the job again. On Step
    Functions AWS Batch itself retries, whatever the exit code, unless the job says which one ends it.
    """
    wait, attempts = Batch.wait, BatchJob.attempts

    def attempts_unless_refused(job, number):
        refused = {"onExitCode": str(METAFLOW_EXIT_DISALLOW_RETRY), "action": "EXIT"}
        job.payload["retryStrategy"]["evaluateOnExit"] = [refused]
        return attempts(job, number)

    def wait_and_pass_on(batch, *arguments, **named):
        try:
            wait(batch, *arguments, **named)
        except BatchException:
            if batch.job.status_code == METAFLOW_EXIT_DISALLOW_RETRY:
                sys.exit(METAFLOW_EXIT_DISALLOW_RETRY)
            raise

    Batch.wait, BatchJob.attempts = wait_and_pass_on, attempts_unless_refused


def keep_latest_run(flow):
    """Let `resume` go on from the latest run after a `spin` as well, which Metaflow notes as the latest run."""
    with flow_context(flow):  # as for the command line
        from metaflow.cli_components import run_cmds
    run_cmds.write_latest_run_id = lambda *_: None


def keep_cards_private(arguments):
    """Let `card server` answer this machine alone: Metaflow's own binds all addresses, and cards show players."""
    if "server" not in arguments:
        return
    from metaflow.plugins.cards import card_server

    server = card_server.ThreadingHTTPServer
    card_server.ThreadingHTTPServer = lambda address, routes: server(("127.0.0.1", address[1]), routes)


def starts_run(arguments):
    """Tell whether these arguments start a run: others ask, deploy, or run one task."""
    return not {"run", "resume"}.isdisjoint(arguments)


def makes_runs(arguments):
    """Tell whether a run comes of these arguments, now or, deployed, later; who asks nobody need know otherwise."""
    return not {"run", "resume", "spin", "create", "trigger"}.isdisjoint(arguments)


def runs_on_batch(arguments):
    """Tell whether the tasks of this launch run on AWS Batch, the one remote place that this project knows."""
    return any(value.split(":")[0] == "batch" for value in values_of("--with", arguments))


def values_of(option, arguments):
    """Return what is given to an option, spelt `--option value` or `--option=value`."""
    apart = [value for word, value in itertools.pairwise(arguments) if word == option]
    return apart + [word.split("=", 1)[1] for word in arguments if word.startswith(f"{option}=")]
