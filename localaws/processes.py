"""Starting and stopping the twin's servers, podman among them."""

import os
import shutil
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
IMAGE = "localhost/scarcegan"
BUILD = f"podman build --network host --file config/aws/Dockerfile --build-arg TENSORFLOW=tensorflow --tag {IMAGE} ."


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


def podman_command(socket: Path) -> list[str]:
    """Return the command that serves podman's socket, or raise a TwinProblem if podman or the image is not there."""
    podman = shutil.which("podman")
    if podman is None:
        raise TwinProblem("expected podman, got none: `apt-get install podman runc netavark`, or run jobs as processes")
    if subprocess.run([podman, "image", "exists", IMAGE], check=False).returncode:  # noqa: S603
        raise TwinProblem(f"expected podman to have the image {IMAGE}, got none: run `{BUILD}`")
    return [podman, "system", "service", "--time=0", f"unix://{socket}"]
