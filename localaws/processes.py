"""Starting and stopping the twin's servers, podman among them."""

import os
import random
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

IMAGE = "localhost/scarcegan"
BUILD = f"podman build --network host --file config/aws/Dockerfile --build-arg TENSORFLOW=tensorflow --tag {IMAGE} ."


class TwinProblem(Exception):
    """The twin, or a part of it, does not start."""


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback interface that nobody listens on, all different.

    They lie below those that systems give to outgoing connections: such a one could be gone before the server starts.
    """
    free: list[int] = []
    with ExitStack() as held:
        # Random, as two twins may start at once; many, as some are taken.
        for port in random.sample(range(15_000, 32_000), 40 * count):
            with suppress(OSError):
                held.enter_context(socket.socket()).bind(("127.0.0.1", port))
                free.append(port)
            if len(free) == count:
                return free
    raise TwinProblem(f"expected {count} free ports between 15000 and 32000, got fewer: end some servers")


class Server:
    """A server in a process group of its own, its output in a file."""

    def __init__(self, name: str, command: Sequence[str], folder: Path, environment: dict[str, str] | None = None):
        self.name, self._log = name, folder / f"{name}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603
                command,
                cwd=folder,
                env=os.environ | (environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_up(self, url: str, seconds: float = 60) -> None:
        """Return as soon as the server answers, whatever it says; a TwinProblem if it ends or says nothing in time."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit and self._process.poll() is None:
            try:
                urllib.request.urlopen(url, timeout=2).close()  # noqa: S310
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.1)
        raise TwinProblem(f"{self.name} did not answer at {url}: it says\n{self._log.read_text()[-2000:]}")

    def stop(self, patience: float = 10) -> None:
        """Ask the server to stop, and so many seconds later make it."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(patience)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()


def podman_command(socket: Path) -> list[str]:
    """Return the command that serves podman's socket, or raise a TwinProblem if podman or the image is not there."""
    podman = shutil.which("podman")
    if podman is None:
        raise TwinProblem("expected podman, got none: `apt-get install podman runc netavark`, or run jobs as processes")
    if subprocess.run([podman, "image", "exists", IMAGE], check=False).returncode:  # noqa: S603
        raise TwinProblem(f"expected podman to have the image {IMAGE}, got none: run `{BUILD}`")
    return [podman, "system", "service", "--time=0", f"unix://{socket}"]
