"""What is deployed of a flow is asked of AWS Step Functions."""

import json

import pytest

from scarcegan.aws.account import definitions_of
from scarcegan.problems import HistoryProblem

STATE = {"StartAt": "start", "States": {"start": {"Type": "Succeed"}}}


@pytest.fixture
def machines(aws_account):
    client = aws_account("stepfunctions")
    role = "arn:aws:iam::123456789012:role/steps"
    for name in ("risky.prod.RetrainFlow", "RetrainFlow", "risky.prod.ScoreFlow", "our-RetrainFlow"):
        definition = json.dumps(STATE | {"Comment": name})
        client.create_state_machine(name=name, definition=definition, roleArn=role)


@pytest.mark.usefixtures("machines")
def test_the_definitions_of_all_branches_of_a_flow_are_told():
    told = [json.loads(one)["Comment"] for one in definitions_of("RetrainFlow")]
    assert sorted(told) == ["RetrainFlow", "risky.prod.RetrainFlow"]


def test_a_refusal_says_what_was_asked_for(monkeypatch):
    def refused(service):
        from botocore.exceptions import ClientError

        raise ClientError(
            {"Error": {"Code": "AccessDeniedException"}, "ResponseMetadata": {"HTTPStatusCode": 400}}, "List"
        )

    monkeypatch.setattr("scarcegan.aws.account.patient_client", refused)
    with pytest.raises(
        HistoryProblem, match=r"expected AWS to tell what is deployed of RetrainFlow.*check credentials"
    ):
        list(definitions_of("RetrainFlow"))
