"""The twin as a whole: its servers, what is provisioned on them, and the environment that leads to them."""

import json
import os
import shutil
import signal
import site
import socket
import subprocess
import sys
import sysconfig
import tempfile
import urllib.error
import urllib.request
import venv
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3

from localaws.s3_faults import S3Faults

ROOT = Path(__file__).parents[1]
IMAGE = "localhost/scarcegan"
BUILD = f"podman build --network host --file config/aws/Dockerfile --build-arg TENSORFLOW=tensorflow --tag {IMAGE} ."
KEY = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "eu-west-1"}
TEMPLATE = ROOT / "config" / "aws" / "stack.yaml"
STACK = "scarcegan"


class TwinProblem(Exception):
    """The twin, or a part of it, does not start."""


class Server:
    """A server in a process group of its own, its output in a file; it inherits the sockets that it listens on."""

    def __init__(self, name: str, command: Sequence[str], folder: Path, *sockets: socket.socket) -> None:
        self.name, self._log = name, folder / f"{name}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603
                command,
                cwd=folder,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                pass_fds=[one.fileno() for one in sockets],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        for one in sockets:
            one.close()  # who asks a server that has died is turned away at once

    def wait_until_up(self, url: str, seconds: float = 60) -> None:
        """Return as soon as the server answers, whatever it says; a TwinProblem if it ends or says nothing in time."""
        try:
            urllib.request.urlopen(url, timeout=seconds).close()  # noqa: S310
        except urllib.error.HTTPError:
            return
        except OSError as error:
            said = self._log.read_text()[-2000:]
            raise TwinProblem(f"{self.name} did not answer at {url}: {error}; it says\n{said}") from error

    def stop(self, patience: float = 10) -> None:
        """Ask the server to stop, and so many seconds later make it."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(patience)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()


@dataclass(frozen=True)
class Twin:
    """A running twin; a process with its environment takes it for AWS.

    Its S3 can be told to fail; the files in its folder are removed when it stops.
    """

    environment: dict[str, str]
    outputs: dict[str, str]
    s3: S3Faults
    folder: Path


@contextmanager
def local_aws(jobs: int = os.cpu_count() or 1, *, containers: bool = False) -> Iterator[Twin]:
    """Start the twin, provision it, and stop it in the end; a TwinProblem says what does not start.

    So many Batch jobs run at once; in podman's `containers` of the image `localhost/scarcegan` all do.
    """
    with ExitStack() as stack:
        # Bound before the servers start: nobody else takes their ports meanwhile. Jobs open many connections at once.
        aws, metadata = (stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=128)) for _ in range(2))
        endpoint, service = (f"http://127.0.0.1:{one.getsockname()[1]}" for one in (aws, metadata))
        account = KEY | {"AWS_ENDPOINT_URL": endpoint}
        folder = Path(tempfile.mkdtemp(prefix="scarcegan-aws-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        podman = folder / "podman.sock"
        if containers:
            _start(stack, "podman", podman_command(podman), folder)
        found_by_jobs = account if containers else _build_image(folder / "image") | account
        told = {
            "listening": aws.fileno(),
            "folder": str(folder),
            "environment": found_by_jobs,
            "slots": jobs,
            "podman": str(podman) if containers else "",
        }
        aws_command = [sys.executable, "-m", "localaws.aws_server", json.dumps(told)]
        metadata_command = [sys.executable, "-m", "localaws.metadata_server", str(metadata.fileno()), str(folder)]
        servers = {
            f"{endpoint}/moto-api/": _start(stack, "aws", aws_command, folder, aws),
            f"{service}/ping": _start(stack, "metadata", metadata_command, folder, metadata),
        }
        for url, server in servers.items():
            server.wait_until_up(url)
        exported, outputs = _provision(account)
        metaflow = {
            "METAFLOW_DEFAULT_METADATA": "service",
            "METAFLOW_SERVICE_URL": service,
            "METAFLOW_SERVICE_INTERNAL_URL": service,
            "METAFLOW_BATCH_CONTAINER_IMAGE": IMAGE,
        }
        yield Twin(account | exported | metaflow, outputs, S3Faults(endpoint), folder)


def podman_command(socket: Path) -> list[str]:
    """Return the command that serves podman's socket, or raise a TwinProblem if podman or the image is not there."""
    podman = shutil.which("podman")
    if podman is None:
        raise TwinProblem("expected podman, got none: `apt-get install podman runc netavark`, or run jobs as processes")
    if subprocess.run([podman, "image", "exists", IMAGE], check=False).returncode:  # noqa: S603
        raise TwinProblem(f"expected podman to have the image {IMAGE}, got none: run `{BUILD}`")
    return [podman, "system", "service", "--time=0", f"unix://{socket}"]


def _start(stack: ExitStack, name: str, command: list[str], folder: Path, *sockets: socket.socket) -> Server:
    server = Server(name, command, folder, *sockets)
    stack.callback(server.stop)
    return server


def _build_image(folder: Path) -> dict[str, str]:
    """Make the Python environment that jobs run in and return what the image's `ENV` lines would set.

    The libraries are those of the Python that runs this. Their folder is named in a `.pth` file; `.pth` files
    within it do not count then, and so the editable install of this repository is out of sight: a job imports
    what its code package brings, or fails as it would on AWS.
    """
    venv.EnvBuilder(symlinks=True, with_pip=False).create(folder)
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = [sysconfig.get_path("purelib"), *site.getsitepackages()]
    named = folder / "lib" / python / "site-packages" / "host.pth"
    named.write_text("\n".join(dict.fromkeys(packages)) + "\n")
    return {
        "PATH": f"{folder}/bin:/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "METAFLOW_SKIP_INSTALL_DEPENDENCIES": "1",  # otherwise each job calls pip
    }


def _provision(account: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Deploy config/aws/stack.yaml to the AWS of these variables.

    Returns Metaflow's environment variables, which the template names in the descriptions of its outputs; and all
    outputs. Raises a TwinProblem where the stack cannot be created.
    """
    key = (account["AWS_ACCESS_KEY_ID"], account["AWS_SECRET_ACCESS_KEY"])
    session = boto3.Session(*key, region_name=account["AWS_DEFAULT_REGION"])
    cloudformation = session.client("cloudformation", endpoint_url=account["AWS_ENDPOINT_URL"])
    subnets = session.client("ec2", endpoint_url=account["AWS_ENDPOINT_URL"]).describe_subnets()["Subnets"]
    network = {"Vpc": subnets[0]["VpcId"], "Subnets": ",".join(subnet["SubnetId"] for subnet in subnets)}
    cloudformation.create_stack(
        StackName=STACK,
        TemplateBody=TEMPLATE.read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in network.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    [stack] = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    if stack["StackStatus"] != "CREATE_COMPLETE":
        raise TwinProblem(f"{TEMPLATE} was not deployed: {stack['StackStatus']} {stack.get('StackStatusReason', '')}")
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    described = {output.get("Description", ""): output["OutputValue"] for output in stack["Outputs"]}
    return {name: value for name, value in described.items() if name.startswith("METAFLOW_")}, outputs
