"""Batch jobs as processes: moto keeps the books of AWS Batch, this runs each job's command.

Such a job is a process group in an empty folder with no environment but its own, so what it does not bring along is
not there. It shares the host's file system and its libraries, and nothing limits its memory.

Or jobs are real containers, which moto itself runs through podman's socket. Batch's own attempts, its reasons and a
limit of jobs at once, which moto does not know, are there for processes alone.
"""

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, ClassVar

from moto.batch import models
from moto.batch.models import BatchBackend, Job
from moto.batch.responses import BatchResponse
from moto.core.utils import unix_time_millis

GRACE_SECONDS = 5.0  # between asking a job to stop and killing it; AWS gives 30
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Machine:
    """What jobs run on.

    Attributes:
        folder: each attempt of a job gets a new folder in here, removed when it has ended.
        environment: what every job finds, as the role, the agent and the image would give it.
        images: a file `<name>.json` in here holds the environment of the image of that name, on top of the above.
        slots: that many jobs run at once; further ones wait as RUNNABLE.
    """

    folder: Path
    environment: dict[str, str]
    images: Path
    slots: threading.BoundedSemaphore


class DescribedJob(Job):
    """A job of moto's Batch whose description is whole."""

    def describe(self) -> dict[str, Any]:
        """Describe the job, with exit code and requested resources."""
        described = super().describe()
        if "container" in described:
            described["container"] |= {"resourceRequirements": self.container_overrides.get("resourceRequirements", [])}
            if self.exit_code is not None:
                described["container"]["exitCode"] = self.exit_code
        return described


class ProcessJob(DescribedJob):
    """A job of moto's Batch that runs its command on this machine."""

    machine: ClassVar[Machine]
    allowed_attempts = 1
    final_codes: tuple[str, ...] = ()  # patterns of exit codes after which no other attempt is made
    # Where the job stands. It hides moto's property, which moves a job on by the clock.
    status: str = "SUBMITTED"

    def run(self) -> None:
        """Wait for what the job depends on and for a free slot, then run its attempts to the end."""
        self.status = "PENDING"
        if self.depends_on and not self._wait_for_dependencies():
            return
        self.status = "RUNNABLE"
        if not self._wait_for_slot():
            return self._mark_stopped(success=False)
        try:
            while not (self._attempt() or self.stop or self._is_last()):
                self.status = "RUNNABLE"
            self.job_stopped_reason = self.job_stopped_reason or self.attempts[-1]["statusReason"]
            self._mark_stopped(success=self.exit_code == 0 and not self.stop)
        finally:
            self.machine.slots.release()

    def terminate(self, reason: str) -> None:
        """Ask the job to stop; one that has ended keeps its books as they are."""
        if not self.job_stopped:
            super().terminate(reason)

    def _get_container_property(self, p: str, default: Any) -> Any:
        if p != "environment":
            return super()._get_container_property(p, default)
        places = (self.job_definition.container_properties or {}, self.container_overrides)
        merged = {entry["name"]: entry["value"] for place in places for entry in place.get("environment", [])}
        return [{"name": name, "value": value} for name, value in merged.items()]

    def _wait_for_slot(self) -> bool:
        while not self.stop:
            if self.machine.slots.acquire(timeout=POLL_SECONDS):
                return True
        return False

    def _is_last(self) -> bool:
        ends = any(fnmatch(str(self.exit_code), code) for code in self.final_codes)
        return ends or len(self.attempts) >= self.allowed_attempts

    def _attempt(self) -> bool:
        """Run the command once and return whether it succeeded."""
        self.status = "STARTING"
        self.log_stream_name = f"{self._stream_name}/{len(self.attempts)}"
        self.job_started_at = datetime.now()
        self._start_attempt()
        folder = self.machine.folder / f"{self.job_id.replace(':', '-')}-{len(self.attempts)}"
        folder.mkdir(parents=True)
        try:
            self.exit_code = self._run_command(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        reason = None if self.exit_code == 0 else "Essential container in task exited"
        self.job_stopped_at = datetime.now()
        self.attempts[-1] |= {"statusReason": self.job_stopped_reason or reason}
        self.attempts[-1]["container"] |= {"exitCode": self.exit_code}
        return self.exit_code == 0

    def _run_command(self, folder: Path) -> int:
        """Run the command in its folder, copy its output to CloudWatch, and return its exit code."""
        command = self._add_parameters_to_command(self._get_container_property("command", []))
        with (folder / ".output").open("wb") as output, (folder / ".output").open("rb") as copied:
            process = subprocess.Popen(  # noqa: S603
                command,
                cwd=folder,
                env=self._environment(folder),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self.status = "RUNNING"
            try:
                for _ in self._polls(process):
                    self._log(copied.readlines())
            finally:
                _signal_group(process.pid, signal.SIGKILL)  # a container takes along all that runs in it
            exit_code = process.wait()
            self._log(copied.readlines())
        # Killed by signal n: a container's exit code is 128 + n.
        return exit_code if exit_code >= 0 else 128 - exit_code

    def _polls(self, process: "subprocess.Popen[bytes]") -> Iterator[None]:
        """Yield now and then until the process has ended, stopping it when asked to or when its time is over."""
        limit = self._get_attempt_duration()
        started, asked = time.monotonic(), 0.0
        while process.poll() is None:
            now = time.monotonic()
            if limit and now - started > limit:
                self.terminate("Job attempt duration exceeded timeout")
            if self.stop and not asked:
                _signal_group(process.pid, signal.SIGTERM)
                asked = now
            if asked and now - asked > GRACE_SECONDS:
                return
            yield
            time.sleep(POLL_SECONDS)

    def _environment(self, folder: Path) -> dict[str, str]:
        properties = self.job_definition.container_properties or {}
        own = {entry["name"]: entry["value"] for entry in self._get_container_property("environment", [])}
        described = self.machine.images / f"{str(properties.get('image', '')).replace('/', '_')}.json"
        image: dict[str, str] = json.loads(described.read_text()) if described.is_file() else {}
        from_batch = told_by_batch(self, attempt=len(self.attempts)) | {"HOME": str(folder)}
        return self.machine.environment | image | own | from_batch

    def _log(self, lines: list[bytes]) -> None:
        if not lines:
            return
        now = unix_time_millis()
        events = [{"timestamp": now, "message": line.decode(errors="replace").rstrip("\n")} for line in lines]
        self._log_backend.ensure_log_group(self._log_group)
        self._log_backend.ensure_log_stream(self._log_group, self.log_stream_name)
        self._log_backend.put_log_events(self._log_group, self.log_stream_name, events)


def told_by_batch(job: Job, attempt: int) -> dict[str, str]:
    """Return the environment variables that Batch sets in a job."""
    return {
        "AWS_BATCH_JOB_ID": job.job_id,
        "AWS_BATCH_JOB_ATTEMPT": str(attempt),
        "AWS_BATCH_CE_NAME": job.job_queue.environments[0].name,
        "AWS_BATCH_JQ_NAME": job.job_queue.name,
        "AWS_EXECUTION_ENV": "AWS_ECS_EC2",
    }


def install(machine: Machine) -> None:
    """Make moto's Batch run its jobs on `machine`."""
    ProcessJob.machine = machine
    models.Job = ProcessJob  # type: ignore[misc]
    submit = BatchResponse.submitjob

    def submit_with_retries(self: BatchResponse) -> str:
        answer = submit(self)
        job = self.batch_backend.get_job_by_id(json.loads(answer)["jobId"])
        strategy = self._get_param("retryStrategy") or job.job_definition.retry_strategy or {}
        job.allowed_attempts = int(strategy.get("attempts", 1))
        job.final_codes = tuple(
            one["onExitCode"]
            for one in strategy.get("evaluateOnExit", ())
            if one["action"].upper() == "EXIT" and "onExitCode" in one
        )
        return answer

    BatchResponse.submitjob = submit_with_retries  # type: ignore[method-assign]


class ContainerJob(DescribedJob):
    """A job of moto's Batch that finds what the role and the agent would give it."""

    environment: ClassVar[dict[str, str]]

    def _get_container_property(self, p: str, default: Any) -> Any:
        found = super()._get_container_property(p, default)
        if p != "environment":
            return found
        given = self.environment | told_by_batch(self, attempt=1)
        return [{"name": name, "value": value} for name, value in given.items()] + found


def install_containers(podman: str, environment: dict[str, str]) -> None:
    """Make moto's Batch run its jobs through podman's socket, on this machine's network, with `environment`."""
    os.environ |= {"DOCKER_HOST": f"unix://{podman}", "MOTO_DOCKER_NETWORK_MODE": "host"}
    ContainerJob.environment = environment
    models.Job = ContainerJob  # type: ignore[misc]


def stop_all(backends: list[BatchBackend]) -> None:
    """Terminate every job that has not ended and wait until all are gone."""
    jobs = [job for backend in backends for job in list(backend._jobs.values()) if job.is_alive()]
    for job in jobs:
        job.terminate("The twin is stopping")
    for job in jobs:
        # Longer than the grace: a job that does not stop is killed only after that.
        job.join(GRACE_SECONDS + 2)


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)
