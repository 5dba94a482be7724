"""The process in which moto stands in for AWS; `python -m localaws.aws_server '<JSON>'` as the twin starts it."""

import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from moto.batch.models import batch_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from localaws import state_machines
from localaws.jobs import Machine, install, install_containers, stop_all
from localaws.s3_faults import FaultyS3


def main(listening: int, folder: str, environment: dict[str, str], slots: int, podman: str) -> None:
    """Serve AWS on an inherited socket, a file descriptor, until SIGTERM, then stop every job.

    Jobs are containers where `podman` names podman's socket, and processes where it is empty.
    """
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    place = Path(folder)
    if podman:
        install_containers(podman, environment)
    else:
        install(Machine(place / "jobs", environment, place / "images", threading.BoundedSemaphore(slots)))
    state_machines.install()
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    moto = DomainDispatcherApplication(_service)
    server = make_server("127.0.0.1", 0, moto, threaded=True, request_handler=MotoRequestHandler, fd=listening)
    os.environ["MOTO_PORT"] = str(server.port)  # where moto's Step Functions find moto's Batch
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stopped.wait()
    stop_all([backend for account in batch_backends.values() for backend in account.values()])
    server.shutdown()


def _service(name: Any) -> Any:
    service = create_backend_app(name)
    if name == "s3":
        service.wsgi_app = FaultyS3(service.wsgi_app)  # type: ignore[method-assign]
    return service


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
