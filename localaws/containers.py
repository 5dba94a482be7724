"""Batch jobs as real containers: moto's own Batch runs them through podman's socket.

Batch's own attempts, its reasons and a limit of jobs at once, which moto does not know, are there for processes alone.
"""

import os
from typing import Any, ClassVar

from moto.batch import models

from localaws.jobs import DescribedJob, told_by_batch


class ContainerJob(DescribedJob):
    """A job of moto's Batch that finds what the role and the agent would give it."""

    environment: ClassVar[dict[str, str]]

    def _get_container_property(self, p: str, default: Any) -> Any:
        found = super()._get_container_property(p, default)
        if p != "environment":
            return found
        given = self.environment | told_by_batch(self, attempt=1)
        return [{"name": name, "value": value} for name, value in given.items()] + found


def install(socket: str, environment: dict[str, str]) -> None:
    """Make moto's Batch run its jobs through podman's socket, on this machine's network, with `environment`."""
    os.environ |= {"DOCKER_HOST": f"unix://{socket}", "MOTO_DOCKER_NETWORK_MODE": "host"}
    ContainerJob.environment = environment
    models.Job = ContainerJob  # type: ignore[misc]
