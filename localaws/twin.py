"""The twin as a whole: its servers, what is provisioned on them, and the environment that leads to them."""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from localaws.image import build_image
from localaws.processes import IMAGE, Server, free_ports, podman_command
from localaws.provision import provision
from localaws.s3_faults import S3Faults

KEY = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "eu-west-1"}
ROOT = Path(__file__).parents[1]


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
    aws, metadata = free_ports(2)
    endpoint = f"http://127.0.0.1:{aws}"
    account = KEY | {"AWS_ENDPOINT_URL": endpoint}
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="scarcegan-aws-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        podman = folder / "podman.sock"
        if containers:
            _start(stack, "podman", podman_command(podman), folder)
        found_by_jobs = account if containers else build_image(folder / "image") | account
        socket = str(podman) if containers else ""
        told = {"port": aws, "folder": str(folder), "environment": found_by_jobs, "slots": jobs, "podman": socket}
        aws_command = [sys.executable, "-m", "localaws.aws_server", json.dumps(told)]
        metadata_command = [sys.executable, "-m", "localaws.metadata_server", str(metadata), str(folder)]
        servers = {
            f"{endpoint}/moto-api/": _start(stack, "aws", aws_command, folder),
            f"http://127.0.0.1:{metadata}/ping": _start(stack, "metadata", metadata_command, folder),
        }
        for url, server in servers.items():
            server.wait_until_up(url)
        exported, outputs = provision(account)
        yield Twin(account | exported | _metaflow(metadata), outputs, S3Faults(endpoint), folder)


def _start(stack: ExitStack, name: str, command: list[str], folder: Path) -> Server:
    server = Server(name, command, folder, {"PYTHONPATH": str(ROOT)})
    stack.callback(server.stop)
    return server


def _metaflow(metadata: int) -> dict[str, str]:
    url = f"http://127.0.0.1:{metadata}"
    return {
        "METAFLOW_DEFAULT_METADATA": "service",
        "METAFLOW_SERVICE_URL": url,
        "METAFLOW_SERVICE_INTERNAL_URL": url,
        "METAFLOW_BATCH_CONTAINER_IMAGE": IMAGE,
    }
