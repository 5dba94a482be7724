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
from localaws.object_store import PORT_OPTIONS, seaweed_command, weed
from localaws.processes import IMAGE, Server, free_ports, podman_command
from localaws.provision import provision
from localaws.s3_front import S3Front

KEY = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "eu-west-1"}
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Twin:
    """A running twin; a process with its environment takes it for AWS.

    Its S3 can be told to fail; the files in its folder are removed when it stops.
    """

    environment: dict[str, str]
    outputs: dict[str, str]
    s3: S3Front
    folder: Path

    def describe_image(self, name: str, **environment: str) -> str:
        """Make an image whose `ENV` lines set `environment`; return its name, for METAFLOW_BATCH_CONTAINER_IMAGE."""
        images = self.folder / "images"
        images.mkdir(exist_ok=True)
        (images / f"{name}.json").write_text(json.dumps(environment))
        return name


@contextmanager
def local_aws(jobs: int = os.cpu_count() or 1, object_store: str = "", *, containers: bool = False) -> Iterator[Twin]:
    """Start the twin, provision it, and stop it in the end; a TwinProblem says what does not start.

    So many Batch jobs run at once; in podman's `containers` of the image `localhost/scarcegan` all do. The object store
    is `seaweedfs` or `moto`; empty takes SeaweedFS where its program is installed.
    """
    kept_by_moto = object_store == "moto" or (not object_store and not weed().is_file())
    aws, metadata, door, *ports = free_ports(3 + len(PORT_OPTIONS))
    account = KEY | {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{aws}",
        "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{door}",
        "METAFLOW_S3_ENDPOINT_URL": f"http://127.0.0.1:{door}",
    }
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
            f"http://127.0.0.1:{aws}/moto-api/": _start(stack, "aws", aws_command, folder),
            f"http://127.0.0.1:{metadata}/ping": _start(stack, "metadata", metadata_command, folder),
        }
        if not kept_by_moto:
            command = seaweed_command(folder, ports, KEY["AWS_ACCESS_KEY_ID"], KEY["AWS_SECRET_ACCESS_KEY"])
            # Nobody needs its files afterwards: it is not given the 25 seconds that it takes to end by itself.
            servers[f"http://127.0.0.1:{ports[0]}/"] = _start(stack, "s3", command, folder, patience=0)
        for url, server in servers.items():
            server.wait_until_up(url)
        s3 = S3Front(door, aws if kept_by_moto else ports[0])
        stack.callback(s3.stop)
        exported, outputs = provision(account)
        yield Twin(account | exported | _metaflow(metadata), outputs, s3, folder)


def _start(stack: ExitStack, name: str, command: list[str], folder: Path, patience: float = 10) -> Server:
    server = Server(name, command, folder, {"PYTHONPATH": str(ROOT)})
    stack.callback(server.stop, patience)
    return server


def _metaflow(metadata: int) -> dict[str, str]:
    url = f"http://127.0.0.1:{metadata}"
    return {
        "METAFLOW_DEFAULT_METADATA": "service",
        "METAFLOW_SERVICE_URL": url,
        "METAFLOW_SERVICE_INTERNAL_URL": url,
        "METAFLOW_BATCH_CONTAINER_IMAGE": IMAGE,
    }
