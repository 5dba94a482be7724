"""The project's own stack, deployed to the twin."""

from pathlib import Path
from typing import Any

import boto3

from localaws.processes import TwinProblem

TEMPLATE = Path(__file__).parents[1] / "config" / "aws" / "stack.yaml"
STACK = "scarcegan"


def provision(account: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Deploy config/aws/stack.yaml to the AWS of these variables and make its buckets in the S3 server as well.

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
    _make_buckets(cloudformation, session.client("s3", endpoint_url=account["AWS_ENDPOINT_URL_S3"]))
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    described = {output.get("Description", ""): output["OutputValue"] for output in stack["Outputs"]}
    return {name: value for name, value in described.items() if name.startswith("METAFLOW_")}, outputs


def _make_buckets(cloudformation: Any, s3: Any) -> None:
    """Make the stack's buckets where objects are kept: moto made them in its own S3."""
    there = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    for resource in cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]:
        if resource.get("ResourceType") == "AWS::S3::Bucket" and resource["PhysicalResourceId"] not in there:
            s3.create_bucket(
                Bucket=resource["PhysicalResourceId"],
                CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name},
            )
