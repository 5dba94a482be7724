"""What is deployed on AWS Step Functions."""

from collections.abc import Iterator

from scarcegan.aws.findings import expecting_aws, patient_client
from scarcegan.problems import HistoryProblem


def definitions_of(flow: str) -> Iterator[str]:
    """Yield the definitions of the state machines that a flow was deployed as; a HistoryProblem if AWS refuses."""
    with expecting_aws(f"tell what is deployed of {flow}, whose code packages are kept", HistoryProblem):
        client = patient_client("stepfunctions")
        for page in client.get_paginator("list_state_machines").paginate():
            for machine in page["stateMachines"]:
                # Metaflow names them project.branch.flow, or as the flow alone.
                if machine["name"].split(".")[-1] == flow:
                    yield client.describe_state_machine(stateMachineArn=machine["stateMachineArn"])["definition"]
