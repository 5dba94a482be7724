"""The twin itself: what a Batch job finds, what the books say of it, and that nothing is left behind."""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.aws, pytest.mark.slow]
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def batch(account):
    client = account.client("batch")
    client.register_job_definition(
        jobDefinitionName="try",
        type="container",
        containerProperties={
            "image": "try",
            "command": ["true"],
            "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}],
            "environment": [{"name": "FROM_DEFINITION", "value": "yes"}],
        },
    )
    return client


@pytest.fixture
def submit(batch):
    """Submit a shell command as a job and return its id."""

    def submit(command, **options):
        overrides = {"command": ["sh", "-c", command], "environment": [{"name": "FROM_SUBMISSION", "value": "yes"}]}
        job = batch.submit_job(
            jobName="try", jobQueue="scarcegan-cpu", jobDefinition="try", containerOverrides=overrides, **options
        )
        return job["jobId"]

    return submit


@pytest.fixture
def wait(batch):
    """Wait until a job is in one of some states and return its description."""

    def wait(job_id, *states):
        limit = time.monotonic() + 60
        while time.monotonic() < limit:
            [job] = batch.describe_jobs(jobs=[job_id])["jobs"]
            if job["status"] in (states or ("SUCCEEDED", "FAILED")):
                return job
            time.sleep(0.1)
        raise AssertionError(job["status"])

    return wait


@pytest.fixture
def logged(account):
    def logged(job):
        stream = job["container"]["logStreamName"]
        events = account.client("logs").get_log_events(logGroupName="/aws/batch/job", logStreamName=stream)["events"]
        return [event["message"] for event in events]

    return logged


def is_alive(pid):
    """Tell whether a process still does something; where nobody collects orphans, a dead one stays listed."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_job_has_only_its_own_environment_and_an_empty_folder(submit, wait, logged):
    job = wait(submit("env; ls | wc -l"))
    lines = logged(job)
    found = dict(line.split("=", 1) for line in lines if "=" in line)
    assert found["FROM_DEFINITION"] == found["FROM_SUBMISSION"] == "yes"
    assert found["AWS_BATCH_JOB_ID"] == job["jobId"]
    assert found["AWS_BATCH_JQ_NAME"] == "scarcegan-cpu"
    assert found["PWD"] == found["HOME"] != str(Path.home())
    assert "PYTEST_CURRENT_TEST" not in found
    assert lines[-1].strip() == "0"


def test_a_job_has_the_libraries_but_not_this_repository(submit, wait, logged):
    job = wait(submit("python -c 'import boto3, pandas; print(1)' && python -c 'import scarcegan'"))
    assert logged(job)[0] == "1"
    assert logged(job)[-1] == "ModuleNotFoundError: No module named 'scarcegan'"
    assert job["container"]["exitCode"] == 1


def test_the_books_keep_every_attempt(submit, wait):
    job = wait(submit("exit $((AWS_BATCH_JOB_ATTEMPT + 2))", retryStrategy={"attempts": 2}))
    assert job["status"] == "FAILED"
    assert [attempt["container"]["exitCode"] for attempt in job["attempts"]] == [3, 4]
    assert job["statusReason"] == "Essential container in task exited"


def test_an_exit_code_that_ends_the_job_has_no_other_attempt(submit, wait):
    ends = {"attempts": 3, "evaluateOnExit": [{"onExitCode": "20*", "action": "EXIT"}]}
    job = wait(submit("exit 202", retryStrategy=ends))
    assert [attempt["container"]["exitCode"] for attempt in job["attempts"]] == [202]


def test_a_terminated_job_takes_along_all_it_started(batch, submit, wait, tmp_path):
    mark = tmp_path / "pid"
    job_id = submit(f"sleep 600 & echo $! > {shlex.quote(str(mark))}; wait")
    wait(job_id, "RUNNING")
    while not (mark.exists() and mark.read_text()):
        time.sleep(0.1)
    batch.terminate_job(jobId=job_id, reason="not needed")
    job = wait(job_id)
    assert (job["status"], job["statusReason"]) == ("FAILED", "not needed")
    assert not is_alive(int(mark.read_text()))


def test_a_job_waits_for_a_free_slot(batch, submit, wait):
    sleepers = [submit("sleep 600") for _ in range(3)]
    for job_id in sleepers:
        wait(job_id, "RUNNING")
    late = submit("sleep 600")
    wait(late, "RUNNABLE")
    time.sleep(1)
    assert wait(late, "RUNNABLE", "RUNNING")["status"] == "RUNNABLE"
    batch.terminate_job(jobId=sleepers[0], reason="not needed")
    wait(late, "RUNNING")
    for job_id in (*sleepers[1:], late):
        batch.terminate_job(jobId=job_id, reason="not needed")
    assert {wait(job_id)["status"] for job_id in (*sleepers, late)} == {"FAILED"}


def test_the_command_stops_on_sigterm_and_leaves_nothing_behind(tmp_path):
    env, config = tmp_path / "env", tmp_path / "config.toml"
    command = [sys.executable, "-m", "localaws", "--env", str(env), "--config", str(config)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ | {"TMPDIR": str(tmp_path)}
    ) as twin:
        told = "".join(iter(twin.stdout.readline, "# Ctrl-C stops the twin.\n"))
        [folder] = tmp_path.glob("scarcegan-aws-*")
        assert env.read_text() == told
        assert "s3://" in config.read_text()
        twin.send_signal(signal.SIGTERM)
    assert twin.returncode == 0
    assert list(tmp_path.iterdir()) == []
    assert subprocess.run(["pgrep", "--full", str(folder)], check=False, capture_output=True).stdout == b""
