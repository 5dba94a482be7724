"""Starts batch scoring with a model that was approved, at most once per approval: an example, to be run as a Lambda.

EventBridge may deliver an event more than once, SageMaker may send several for one change, and a package that is
touched again sends another. So the registry is asked what holds now, and the approval itself names the execution:
Step Functions keeps names for 90 days and starts none a second time. Nothing has to be stored here.

The rule that calls it is in `stack.yaml`. Environment: SCORING_STATE_MACHINE, the ARN of ScoreFlow as
`python flows/score_flow.py step-functions create` deployed it (a standard workflow; express ones have no names).
"""

import hashlib
import json
import os
from typing import Any

import boto3
from botocore.exceptions import ClientError

DETAIL_TYPE = "SageMaker Model Package State Change"


def handler(event: dict[str, Any], _context: Any) -> dict[str, str]:
    """Consume one event; an exception makes Lambda deliver it again, which is safe."""
    clients = (boto3.client(name) for name in ("sagemaker", "stepfunctions"))
    return consume(event, *clients, os.environ["SCORING_STATE_MACHINE"])


def consume(event: dict[str, Any], sagemaker: Any, stepfunctions: Any, state_machine: str) -> dict[str, str]:
    """Start scoring if the event tells of an approval that still holds.

    Args:
        event: EventBridge's event.
        sagemaker: boto3 client.
        stepfunctions: boto3 client.
        state_machine: ARN of the scoring workflow; it gets the parameter `version`.

    Returns:
        `outcome`: 'started', 'started before', or why nothing was to do; with it the execution's `name`.
    """
    detail = event.get("detail", {})
    if event.get("detail-type") != DETAIL_TYPE or detail.get("ModelApprovalStatus") != "Approved":
        return {"outcome": "no approval"}
    package = sagemaker.describe_model_package(ModelPackageName=detail["ModelPackageArn"])
    if package["ModelApprovalStatus"] != "Approved":
        return {"outcome": f"meanwhile {package['ModelApprovalStatus']}"}
    name = approval_name(event, package)
    if not name:
        return {"outcome": "no approval"}
    # Metaflow's form: its parameters are JSON within JSON.
    parameters = json.dumps({"version": package["ModelPackageVersion"]})
    try:
        stepfunctions.start_execution(
            stateMachineArn=state_machine, name=name, input=json.dumps({"Parameters": parameters})
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
            raise
        return {"outcome": "started before", "name": name}
    return {"outcome": "started", "name": name}


def approval_name(event: dict[str, Any], package: dict[str, Any]) -> str:
    """Name an approval: the same for each event about it, another one if the package is approved anew.

    Empty where the event tells of another change to a package that was approved in the console before.
    """
    said, changed = package.get("ApprovalDescription", ""), event["detail"].get("UpdatedModelPackageFields")
    try:
        moment = json.loads(said)["at"]
    except (ValueError, TypeError, KeyError):
        # Approved in the console, in a reviewer's own words. When, the event alone tells: the package's own time is
        # that of its last change, whatever it was. Where events do not tell what changed, the words stand for it.
        if changed is not None and "ModelApprovalStatus" not in changed:
            return ""
        moment = said if changed is None else event["time"]
    digest = hashlib.sha256(f"{package['ModelPackageArn']} {moment}".encode()).hexdigest()
    return f"approval-v{package['ModelPackageVersion']}-{digest[:24]}"
