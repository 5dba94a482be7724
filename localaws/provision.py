"""The project's own stack, deployed to the twin."""

from pathlib import Path

import boto3

from localaws.processes import TwinProblem

TEMPLATE = Path(__file__).parents[1] / "config" / "aws" / "stack.yaml"
STACK = "scarcegan"


def provision(account: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Deploy config/aws/stack.yaml to the AWS of these variables.

    Returns Metaflow's environment variables, which the template names in the descriptions of its outputs; and all
    outputs. Raises a TwinProblem where the stack cannot be created.
    """
    key = (account["AWS_ACCESS_KEY_ID"], account["AWS_SECRET_ACCESS_KEY"])
    session = boto3.Session(*key, region_name=account["AWS_DEFAULT_REGION"])
    cloudformation = session.client("cloudformation", endpoint_url=account["AWS_ENDPOINT_URL"])
    subnets = session.client("ec2", endpoint_url=account["AWS_ENDPOINT_URL"]).describe_subnets()["Subnets"]
    network = {"Vpc": subnets[0]["VpcId"], "Subnets": ",".join(subnet["SubnetId"] for subnet in subnets)}
    body = TEMPLATE.read_text()
    # moto splits a list only where it is given, not where it is the default
    known = cloudformation.get_template_summary(TemplateBody=body)["Parameters"]
    given = {one["ParameterKey"]: one["DefaultValue"] for one in known if one.get("DefaultValue")} | network
    cloudformation.create_stack(
        StackName=STACK,
        TemplateBody=body,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    [stack] = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    if stack["StackStatus"] != "CREATE_COMPLETE":
        raise TwinProblem(f"{TEMPLATE} was not deployed: {stack['StackStatus']} {stack.get('StackStatusReason', '')}")
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    described = {output.get("Description", ""): output["OutputValue"] for output in stack["Outputs"]}
    return {name: value for name, value in described.items() if name.startswith("METAFLOW_")}, outputs
