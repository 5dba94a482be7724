"""The machine that a task runs on: its cores shared out, and what AWS and the launch say of it in the environment."""

import os
from collections.abc import Mapping

# Set by AWS Batch in each of its jobs: the job's id, and the queue it came from.
BATCH_JOB = "AWS_BATCH_JOB_ID"
BATCH_QUEUE = "AWS_BATCH_JQ_NAME"
# Set by Metaflow in the jobs of a flow that is deployed to Step Functions: the name of its state machine.
STATE_MACHINE = "SFN_STATE_MACHINE"
# Set by the launch of a flow, for its tasks on this machine: how many run side by side, and the commit of the code.
WORKERS = "SCARCEGAN_WORKERS"
COMMIT = "SCARCEGAN_COMMIT"

DEFAULT_CONFIG = "config/retrain.toml"


class MachineTakenAway(Exception):
    """Ends a training whose machine is about to be taken away, once its checkpoint is saved; a retry continues it."""


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
