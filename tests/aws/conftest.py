"""Runs of the flow on the local AWS twin, one twin for all tests."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FAULTS = ROOT / "tests" / "flows" / "faults"
UNFINISHED = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")


@dataclass
class Launch:
    """A `run` or `resume` in a process group of its own, as in a terminal."""

    process: subprocess.Popen
    log: Path
    id_file: Path

    @property
    def run_id(self) -> str:
        return self.id_file.read_text()

    @property
    def printed(self) -> str:
        return self.log.read_text()

    def finish(self, expect: int = 0) -> str:
        """Wait for its end and return what it printed."""
        self.process.wait(400)
        assert (self.process.returncode == 0) == (expect == 0), self.printed
        return self.printed

    def press_ctrl_c(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)

    def wait_for(self, happened) -> None:
        """Wait until something has happened that a function without arguments tells."""
        limit = time.monotonic() + 300
        while not happened():
            assert self.process.poll() is None, self.printed
            assert time.monotonic() < limit, self.printed
            time.sleep(0.3)


@dataclass
class Account:
    """The twin's AWS account, and the flow launched in it."""

    twin: object
    folder: Path
    tiny: Callable
    launches: list[Launch] = field(default_factory=list)
    clients: dict = field(default_factory=dict)

    def client(self, service: str):
        import boto3

        if service not in self.clients:
            told = self.twin.environment
            key = (told["AWS_ACCESS_KEY_ID"], told["AWS_SECRET_ACCESS_KEY"])
            session = boto3.Session(*key, region_name=told["AWS_DEFAULT_REGION"])
            self.clients[service] = session.client(service, endpoint_url=told["AWS_ENDPOINT_URL"])
        return self.clients[service]

    def launch(
        self, user: str, *arguments: str, fault: str = "", folds: int = 2, iterations: int = 40, on: str = "batch"
    ) -> Launch:
        """Start the flow `--with batch`, or as `on` says; `fault` is built into the image of its jobs."""
        number = len(self.launches)
        id_file, log = self.folder / f"run-id-{number}", self.folder / f"log-{number}"
        config = self.folder / f"{user}.toml"
        registry = {"kind": "sagemaker", "group": f"players-of-{user}", "image": "scarcegan-serving"}
        sections = {
            "folds": {"k": folds},
            "train": {"iterations": iterations},
            "evaluate": {"rivals": ["logistic_regression"]},
            "registry": registry | {"archives": self.twin.outputs["RegistryArchives"]},
            "resources.train": {"cpu": 1},
        }
        config.write_text(self.tiny(sections))
        configured = ["--config", "config", str(config)] if arguments[0] == "run" else []
        image = self.image(number, fault)
        with log.open("w") as file:
            process = subprocess.Popen(
                [sys.executable, str(ROOT / "flows" / "retrain_flow.py"), *configured, *arguments,
                 "--with", on, "--run-id-file", str(id_file)],
                cwd=self.folder,
                env=self.environment(user) | {"METAFLOW_BATCH_CONTAINER_IMAGE": image},
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # Ctrl-C means something there, even if these tests run in the background, where it is ignored.
                preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
            )  # fmt: skip
        self.launches.append(Launch(process, log, id_file))
        return self.launches[-1]

    def image(self, number: int, fault: str) -> str:
        described = self.twin.folder / "images" / f"image-{number}.json"
        described.parent.mkdir(exist_ok=True)
        described.write_text(json.dumps({"SCARCEGAN_FAULT": fault, "PYTHONPATH": str(FAULTS)}))
        return described.stem

    def environment(self, user: str) -> dict[str, str]:
        return os.environ | self.twin.environment | {"METAFLOW_USER": user, "METAFLOW_HOME": str(self.folder)}

    def ask(self, user: str, question: str, *arguments: str):
        """Let another process of `user` ask the Client API; see client_questions.py."""
        command = [sys.executable, str(Path(__file__).with_name("client_questions.py")), question, *arguments]
        answer = subprocess.run(command, env=self.environment(user), cwd=self.folder, capture_output=True, text=True)
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout)

    def jobs(self, run_id: str, *states: str) -> list[str]:
        """Return the names of a run's Batch jobs in these states."""
        batch = self.client("batch")
        queues = [queue["jobQueueName"] for queue in batch.describe_job_queues()["jobQueues"]]
        listed = [
            batch.list_jobs(jobQueue=queue, jobStatus=state)["jobSummaryList"] for queue in queues for state in states
        ]
        return [job["jobName"] for jobs in listed for job in jobs if f"-{run_id}-" in job["jobName"]]

    def left_running(self, run_id: str) -> list[str]:
        """Return the jobs of a run that go on although they have had the time to stop."""
        limit = time.monotonic() + 20
        while (left := self.jobs(run_id, *UNFINISHED)) and time.monotonic() < limit:
            time.sleep(0.3)
        return left

    def checkpoints(self, run_id: str) -> list[str]:
        """Return the names of a run's checkpoints."""
        bucket = self.twin.outputs["BucketName"]
        prefix = f"metaflow/RetrainFlow/checkpoints/{run_id}/"
        found = self.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        return [entry["Key"].removeprefix(prefix) for entry in found]

    def begun(self, run_id: str, step: str) -> int:
        """Count a step's tasks of a resumed run that know what they were resumed from, as all do once they run."""
        tasks = f"{self.twin.environment['METAFLOW_SERVICE_URL']}/flows/RetrainFlow/runs/{run_id}/steps/{step}/tasks"
        told = [asked(f"{tasks}/{task['task_id']}/metadata") for task in asked(tasks)]
        return sum(any(one["field_name"] == "origin-run-id" for one in metadata) for metadata in told)


def asked(url: str) -> list[dict]:
    """Return what the metadata service answers, nothing where it does not know the address yet."""
    try:
        with urllib.request.urlopen(url) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as unknown:
        unknown.close()
        return []


class ContainerAccount(Account):
    """An account whose jobs are containers: its image is built, and no fault is in it."""

    def image(self, number: int, fault: str) -> str:
        assert not fault
        return self.twin.environment["METAFLOW_BATCH_CONTAINER_IMAGE"]


@contextmanager
def opened(account: Account):
    """Give an account to tests; in the end close its clients and end what still runs."""
    yield account
    for client in account.clients.values():
        client.close()
    for launch in account.launches:
        if launch.process.poll() is None:
            os.killpg(launch.process.pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def resources():
    """The resources of the stack, as its template has them."""
    return yaml.safe_load((ROOT / "config" / "aws" / "stack.yaml").read_text())["Resources"]


@pytest.fixture(scope="session")
def account(tmp_path_factory, tiny):
    from localaws.twin import local_aws

    with local_aws(jobs=3) as twin, opened(Account(twin, tmp_path_factory.mktemp("aws"), tiny)) as account:
        yield account


@pytest.fixture(scope="module")
def container_account(tmp_path_factory, tiny):
    from localaws.twin import TwinProblem, local_aws, podman_command

    folder = tmp_path_factory.mktemp("containers")
    try:
        podman_command(folder)
    except TwinProblem as missing:
        pytest.skip(str(missing))
    with local_aws(containers=True) as twin, opened(ContainerAccount(twin, folder, tiny)) as account:
        yield account
