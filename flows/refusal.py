"""How a step shows a problem that the user can mend: its message, no traceback, and no second try."""

import itertools
import sys
from contextlib import contextmanager

from metaflow import user_step_decorator
from metaflow.exception import METAFLOW_EXIT_DISALLOW_RETRY, MetaflowException
from metaflow.plugins.aws.aws_client import get_aws_client
from metaflow.util import get_username

from scarcegan.machine import values_of
from scarcegan.problems import Problem, StorageOutage
from scarcegan.settings import parse


class ConfigurationRefused(MetaflowException):
    """Shown by Metaflow as headline and message."""

    headline = "The configuration is refused, nothing was started"


@user_step_decorator
def refuses_plainly(step_name, flow, inputs=None, attributes=None):
    """Print a problem's message alone and end the task; a retry would meet the same problem, unless S3 was down."""
    try:
        yield
    except StorageOutage:
        raise
    except Problem as problem:
        print(f"{type(problem).__name__} in step {step_name}:\n{problem}", file=sys.stderr)
        sys.exit(METAFLOW_EXIT_DISALLOW_RETRY)


def checked_settings(text):
    """Parse the configuration (Metaflow's `Config` parser); a mistake in it ends the command before any run exists."""
    try:
        return parse(text)
    except Problem as problem:
        raise ConfigurationRefused(str(problem)) from None


@contextmanager
def refusal_passed_on(flow_name, arguments):
    """Around a flow: what waits for a Batch job whose step refused ends as that step did, so that nobody retries it.

    Metaflow's `batch step` ends with 1 however its job has ended, and `@retry` would start the job again.
    """
    try:
        yield
    except SystemExit as ended:
        waits_for_job = ("batch", "step") in itertools.pairwise(arguments)
        if ended.code == 1 and waits_for_job and _exit_code(flow_name, arguments) == METAFLOW_EXIT_DISALLOW_RETRY:
            sys.exit(METAFLOW_EXIT_DISALLOW_RETRY)
        raise


def _exit_code(flow_name, arguments):
    """Return the exit code of the job that `batch step <step>` with these arguments has waited for, if it has one."""
    step_name = arguments[arguments.index("step") + 1]
    run, task, attempt = (values_of(option, arguments)[-1] for option in ("--run-id", "--task-id", "--retry-count"))
    name = f"{get_username()}-{flow_name}-{run}-{step_name}-{task}-{attempt}"
    listed = get_aws_client("batch").list_jobs(
        jobQueue=values_of("--queue", arguments)[-1], filters=[{"name": "JOB_NAME", "values": [name]}]
    )
    return next((job.get("container", {}).get("exitCode") for job in listed["jobSummaryList"]), None)
