"""Podman, as the twin asks it to run containers."""

import shutil
import subprocess
from pathlib import Path

from localaws.processes import TwinProblem

IMAGE = "localhost/scarcegan"
BUILD = f"podman build --network host --file config/aws/Dockerfile --build-arg TENSORFLOW=tensorflow --tag {IMAGE} ."


def podman_command(socket: Path) -> list[str]:
    """Return the command that serves podman's socket, or raise a TwinProblem if podman or the image is not there."""
    podman = shutil.which("podman")
    if podman is None:
        raise TwinProblem("expected podman, got none: `apt-get install podman runc netavark`, or run jobs as processes")
    if subprocess.run([podman, "image", "exists", IMAGE], check=False).returncode:  # noqa: S603
        raise TwinProblem(f"expected podman to have the image {IMAGE}, got none: run `{BUILD}`")
    return [podman, "system", "service", "--time=0", f"unix://{socket}"]
