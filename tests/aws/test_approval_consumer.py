import importlib.util
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from moto.events.models import EventPattern

from scarcegan.aws.bucket import Bucket
from scarcegan.aws.sagemaker import SageMakerRegistry

FOLDER = Path(__file__).parents[2] / "config" / "aws"
GROUP = "risky-players"
STATUS, METADATA = "ModelApprovalStatus", "CustomerMetadataProperties"
REVIEW = {"who": "rita", "why": "finds more"}


@pytest.fixture(scope="module")
def consumer():
    spec = importlib.util.spec_from_file_location("approval_consumer", FOLDER / "approval_consumer.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def state_machine(aws):
    definition = json.dumps({"StartAt": "score", "States": {"score": {"Type": "Pass", "End": True}}})
    role = "arn:aws:iam::123456789012:role/scoring"
    made = aws("stepfunctions").create_state_machine(name="ScoreFlow", definition=definition, roleArn=role)
    return made["stateMachineArn"]


@pytest.fixture
def registry(aws_account, tmp_path, make_release):
    bucket = Bucket("s3://models/risky", tmp_path / "cache")
    registry = SageMakerRegistry(GROUP, bucket, aws_account("sagemaker"), image="some/image")
    registry.register_release(make_release(definitions=("balanced",)))
    return registry


@pytest.fixture
def consume(consumer, aws, state_machine):
    return lambda event: consumer.consume(event, aws("sagemaker"), aws("stepfunctions"), state_machine)


def event_of(version, status="Approved", group=GROUP, **told):
    """An event with the fields that the developer guide shows, and what else it tells."""
    return {
        "version": "0",
        "id": "844e2571-85d4-695f-b930-0153b71dcb42",
        "detail-type": "SageMaker Model Package State Change",
        "source": "aws.sagemaker",
        "account": "123456789012",
        "time": datetime.now(UTC).isoformat(),
        "region": "eu-west-1",
        "resources": [version.arn],
        "detail": {
            "ModelPackageGroupName": group,
            "ModelPackageVersion": version.version,
            "ModelPackageArn": version.arn,
            "ModelPackageStatus": "Completed",
            "ModelApprovalStatus": status,
            **told,
        },
    }


def executions(aws, state_machine):
    return aws("stepfunctions").list_executions(stateMachineArn=state_machine)["executions"]


def test_an_approval_starts_scoring_with_its_version(registry, consume, aws, state_machine):
    event = event_of(registry.approve(1, **REVIEW)[0])
    assert consume(event)["outcome"] == "started"
    (started,) = executions(aws, state_machine)
    told = aws("stepfunctions").describe_execution(executionArn=started["executionArn"])["input"]
    assert json.loads(json.loads(told)["Parameters"]) == {"version": 1}


def test_several_events_of_one_approval_start_it_once(registry, consume, aws, state_machine):
    version = registry.approve(1, **REVIEW)[0]
    outcomes = [consume(event_of(version))["name"] for _ in range(5)]
    assert len(set(outcomes)) == 1
    assert len(executions(aws, state_machine)) == 1


def test_an_execution_that_has_ended_is_not_started_again(registry, consume, aws, state_machine):
    version = registry.approve(1, **REVIEW)[0]
    consume(event_of(version))
    aws("stepfunctions").stop_execution(executionArn=executions(aws, state_machine)[0]["executionArn"])
    assert consume(event_of(version))["outcome"] == "started before"
    assert len(executions(aws, state_machine)) == 1


def test_a_second_approval_of_a_package_is_another_one(registry, consume, aws, state_machine):
    consume(event_of(registry.approve(1, **REVIEW)[0]))
    registry.reject(1, **REVIEW)
    consume(event_of(registry.approve(1, **REVIEW)[0]))
    assert len(executions(aws, state_machine)) == 2


def test_an_approval_in_the_console_counts_once_too(registry, consume, aws, state_machine):
    version = registry.show(1)
    aws("sagemaker").update_model_package(
        ModelPackageArn=version.arn, ModelApprovalStatus="Approved", ApprovalDescription="seen in Studio"
    )
    outcomes = [consume(event_of(version))["outcome"] for _ in range(2)]
    assert outcomes[0] == "started"
    assert len(executions(aws, state_machine)) == 1


def decide_in_the_console(aws, version, status="Approved", words="seen in Studio"):
    told = {"ModelApprovalStatus": status, "ApprovalDescription": words}
    aws("sagemaker").update_model_package(ModelPackageArn=version.arn, **told)


def touch(aws, version):
    """Change a package's metadata, as somebody may in the console: its time of the last change moves on."""
    before = aws("sagemaker").describe_model_package(ModelPackageName=version.arn)
    decide_in_the_console(aws, version)  # the stand-in forgets what an update leaves out
    after = aws("sagemaker").describe_model_package(ModelPackageName=version.arn)
    assert after["LastModifiedTime"] > before["LastModifiedTime"]


@pytest.mark.parametrize("tells", [True, False])
def test_a_package_that_is_touched_after_its_approval_in_the_console_is_not_scored_again(
    registry, consume, aws, state_machine, tells
):
    version = registry.show(1)
    decide_in_the_console(aws, version)
    approved, touched = ({"UpdatedModelPackageFields": [field]} if tells else {} for field in (STATUS, METADATA))
    event = event_of(version, **approved)
    assert consume(event)["outcome"] == "started"
    touch(aws, version)
    assert (consume(event_of(version, **touched))["outcome"] == "no approval") is tells
    consume(event)  # the first one comes again, after the touch
    assert len(executions(aws, state_machine)) == 1


def test_a_second_approval_in_the_console_is_another_one(registry, consume, aws, state_machine):
    version = registry.show(1)
    for moment, status in (("05:00", "Approved"), ("06:00", "Rejected"), ("07:00", "Approved")):
        decide_in_the_console(aws, version, status)
        told = event_of(version, status, UpdatedModelPackageFields=[STATUS, "ApprovalDescription"])
        consume(told | {"time": f"2026-11-01T{moment}:00Z"})
    assert len(executions(aws, state_machine)) == 2


def test_a_late_event_of_a_model_that_was_rejected_since_starts_nothing(registry, consume, aws, state_machine):
    event = event_of(registry.approve(1, **REVIEW)[0])
    registry.reject(1, **REVIEW)
    assert consume(event)["outcome"] == "meanwhile Rejected"
    assert executions(aws, state_machine) == []


def test_other_events_start_nothing(registry, consume, aws, state_machine):
    version = registry.show(1)
    other = event_of(version) | {"detail-type": "SageMaker Training Job State Change"}
    for event in (event_of(version, "PendingManualApproval"), event_of(version, "Rejected"), other, {}):
        assert consume(event) == {"outcome": "no approval"}
    assert executions(aws, state_machine) == []


def test_a_refusal_of_step_functions_is_raised_so_that_lambda_tries_again(registry, consumer, aws):
    class Busy:
        def start_execution(self, **_):
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "StartExecution")

    event = event_of(registry.approve(1, **REVIEW)[0])
    with pytest.raises(ClientError, match="slow down"):
        consumer.consume(event, aws("sagemaker"), Busy(), "arn")


def test_the_lambda_takes_clients_and_workflow_from_its_environment(
    registry, consumer, aws_account, state_machine, monkeypatch
):
    monkeypatch.setenv("SCORING_STATE_MACHINE", state_machine)
    assert consumer.handler(event_of(registry.approve(1, **REVIEW)[0]), None)["outcome"] == "started"


def test_the_rule_calls_the_consumer_and_may(resources):
    rule, permission = resources["ApprovalRule"], resources["ApprovalRuleMayCall"]
    assert (rule["Type"], permission["Type"]) == ("AWS::Events::Rule", "AWS::Lambda::Permission")
    assert rule["Properties"]["Targets"][0]["Arn"] == {"Fn::GetAtt": ["ApprovalConsumer", "Arn"]}
    assert permission["Properties"]["FunctionName"] == {"Ref": "ApprovalConsumer"}
    assert permission["Properties"]["SourceArn"] == {"Fn::GetAtt": ["ApprovalRule", "Arn"]}


@pytest.mark.parametrize(
    ("status", "group", "matches"),
    [("Approved", GROUP, True), ("Rejected", GROUP, False), ("Approved", "others", False)],
)
def test_the_rule_matches_approvals_of_the_group_alone(resources, registry, status, group, matches):
    pattern = json.dumps(resources["ApprovalRule"]["Properties"]["EventPattern"])
    pattern = pattern.replace('{"Ref": "ModelPackageGroup"}', json.dumps(GROUP))
    event = event_of(registry.show(1), status, group)
    assert EventPattern.load(pattern).matches_event(event) is matches
