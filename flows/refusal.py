"""How a step shows a problem that the user can mend: its message, no traceback, and no second try."""

import sys

from metaflow import user_step_decorator
from metaflow.exception import METAFLOW_EXIT_DISALLOW_RETRY, MetaflowException

from scarcegan.problems import Problem
from scarcegan.settings import parse


class ConfigurationRefused(MetaflowException):
    """Shown by Metaflow as headline and message."""

    headline = "The configuration is refused, nothing was started"


@user_step_decorator
def refuses_plainly(step_name, flow, inputs=None, attributes=None):
    """Print a problem's message alone and end the task; a retry would meet the same problem."""
    try:
        yield
    except Problem as problem:
        print(f"{type(problem).__name__} in step {step_name}:\n{problem}", file=sys.stderr)
        sys.exit(METAFLOW_EXIT_DISALLOW_RETRY)


def checked_settings(text):
    """Parse the configuration (Metaflow's `Config` parser); a mistake in it ends the command before any run exists."""
    try:
        return parse(text)
    except Problem as problem:
        raise ConfigurationRefused(str(problem)) from None
