"""No AWS Batch job outlives the run that started it.

Metaflow kills what waits for the jobs of a failed or interrupted run; where that has no time left to stop its job, as
after a sibling's failure, the job would go on, unseen and paid for.
"""

import signal
import sys
from contextlib import contextmanager

from metaflow import current

from scarcegan.machine import runs_remotely


@contextmanager
def no_stray_jobs(flow_name, arguments):
    """Around a launch with `--with batch`: if it fails or is ended (Ctrl-C, SIGTERM, hang-up), stop its jobs."""
    if not (runs_remotely(arguments) and {"run", "resume"}.intersection(arguments)):  # tasks know of `--with` too
        yield
        return
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    except BaseException as ended:
        if not (isinstance(ended, SystemExit) and not ended.code):
            stop_jobs(flow_name, current.get("run_id"))
        raise


def stop_jobs(flow_name, run_id):
    """Terminate the jobs of a run that have not ended."""
    from metaflow.plugins.aws.batch.batch_client import BatchClient

    if run_id is None:  # it did not come that far
        return
    client = BatchClient()
    named = [job["jobId"] for job in client.unfinished_jobs() if f"-{flow_name}-{run_id}-" in job["jobName"]]
    for job in named:
        client.attach_job(job).kill()
    if named:
        print(f"Stopped {len(named)} AWS Batch jobs of run {run_id} that were still going on.", file=sys.stderr)
