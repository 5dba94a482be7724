"""State machines that run: moto reads the language of Step Functions, and its tasks call moto's Batch and DynamoDB."""

import re
import uuid
from typing import Any

import boto3
from moto.core.config import default_user_config
from moto.stepfunctions.parser.asl.component.common.string import string_expression
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_batch import (
    StateTaskServiceBatch,
)
from moto.stepfunctions.parser.asl.utils.json_path import extract_json
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

SOME_KEYS = re.compile(r"\$\.\[('[^']+'(, *'[^']+')+)\]")  # $.['JobId', 'Parameters']


def install() -> None:
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
