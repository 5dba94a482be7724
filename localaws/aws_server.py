"""The process in which moto stands in for AWS; `python -m localaws.aws_server '<JSON>'` as the twin starts it."""

import json
import logging
import os
import re
import signal
import sys
import threading
import uuid
from pathlib import Path
from typing import Any

import boto3
from moto.batch.models import batch_backends
from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.stepfunctions.parser.asl.component.common.string import string_expression
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_batch import (
    StateTaskServiceBatch,
)
from moto.stepfunctions.parser.asl.utils.json_path import extract_json
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from werkzeug.serving import make_server

from localaws.jobs import Machine, install, install_containers, stop_all
from localaws.s3_faults import FaultyS3

SOME_KEYS = re.compile(r"\$\.\[('[^']+'(, *'[^']+')+)\]")  # $.['JobId', 'Parameters']


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
    run_state_machines()
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


def run_state_machines() -> None:
    """Make moto's Step Functions run what is started, name executions and take objects apart as AWS does."""
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    start = StepFunctionsParserBackend.start_execution

    def start_named(self: Any, arn: str, name: str | None = None, *rest: Any) -> Any:
        return start(self, arn, name or str(uuid.uuid4()), *rest)

    StepFunctionsParserBackend.start_execution = start_named  # type: ignore[method-assign]
    StateTaskServiceBatch._normalise_parameters = _in_words_of_batch  # type: ignore[method-assign]
    StateTaskServiceBatch._normalise_response = _in_words_of_step_functions  # type: ignore[method-assign]
    string_expression.extract_json = _extract


def _extract(path: str, data: Any) -> Any:
    """Follow a path; several keys take an object's part, and not a list of values as everywhere else."""
    keys = SOME_KEYS.fullmatch(path)
    if keys is None:
        return extract_json(path, data)
    return {key: data[key] for key in re.findall("'([^']+)'", keys[1]) if key in data}


def _in_words_of_batch(self: Any, parameters: dict[str, Any], *_: Any, service_action_name: str = "SubmitJob") -> None:
    """Spell parameters as Batch does: Step Functions writes JobName for jobName."""
    self._to_boto_request(parameters, _operation(service_action_name).input_shape)


def _in_words_of_step_functions(
    self: Any, response: dict[str, Any], *_: Any, service_action_name: str = "submit_job"
) -> None:
    name = "".join(word.capitalize() for word in service_action_name.split("_"))
    self._from_boto_response(response, _operation(name).output_shape)


def _operation(name: str) -> Any:
    return boto3.client("batch", region_name="us-east-1").meta.service_model.operation_model(name)


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
