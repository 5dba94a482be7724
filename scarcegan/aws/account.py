"""What the AWS account must have for a run: bucket, image, role, model group, metadata service; and what it deploys."""

import json
import os
import re
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scarcegan.aws.findings import Doubt, Refused, asking_aws, expecting_aws, patient_client
from scarcegan.problems import HistoryProblem, SettingsProblem
from scarcegan.settings import Registry
from scarcegan.storage import is_s3

EXPORT = "deploy config/aws/stack.yaml and export its outputs (docs/aws.md)"
ECR = re.compile(
    r"\d+\.dkr\.ecr\.[\w-]+\.amazonaws\.com(?:\.cn)?/(?P<name>[^:@]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>.+))?"
)


def metaflow_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return Metaflow's settings as it sees them: its configuration file, and the environment over it."""
    # os.path: pathlib refuses `~` where the machine knows no home of the user.
    folder = Path(os.path.expanduser(environment.get("METAFLOW_HOME", "~/.metaflowconfig")))
    profile = environment.get("METAFLOW_PROFILE")
    file = folder / (f"config_{profile}.json" if profile else "config.json")
    try:
        stored = dict(json.loads(file.read_text())) if file.is_file() else {}
    except (OSError, ValueError, TypeError) as error:
        raise SettingsProblem(f"expected Metaflow's settings as JSON in {file}, got: {error}; mend the file") from error
    return stored | {name: value for name, value in environment.items() if name.startswith("METAFLOW_")}


def check_credentials(sts: Any) -> str:
    """Check that there are credentials and that they are good."""
    with asking_aws("sign in (`aws sso login`, AWS_PROFILE) and set AWS_DEFAULT_REGION"):
        return str(sts.get_caller_identity()["Arn"])


def check_bucket(variables: Mapping[str, str], s3: Any) -> str:
    """Check that artifacts can be written, by writing."""
    root = variables.get("METAFLOW_DATASTORE_SYSROOT_S3", "")
    if not root or variables.get("METAFLOW_DEFAULT_DATASTORE") != "s3":
        raise Refused("METAFLOW_DEFAULT_DATASTORE=s3 and METAFLOW_DATASTORE_SYSROOT_S3 are not set", EXPORT)
    bucket, _, prefix = root.removeprefix("s3://").partition("/")
    key = "/".join(filter(None, [prefix.strip("/"), "RetrainFlow", "preflight"]))
    with asking_aws("check METAFLOW_DATASTORE_SYSROOT_S3 and that you may write there (policy LaunchesRuns)"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
        s3.delete_object(Bucket=bucket, Key=key)
    return f"{root} can be written"


def check_image(image: str, ecr: Any) -> str:
    """Check that an image is named, and that it is there if it is one of ECR's."""
    if not image:
        raise Refused(
            "no image is named: Metaflow would take plain Python, without this project's packages",
            "build config/aws/Dockerfile, push it, and export METAFLOW_BATCH_CONTAINER_IMAGE or set resources.*.image",
        )
    found = ECR.fullmatch(image)
    if not found:
        return f"{image} (not in ECR: not looked up)"
    wanted = {"imageDigest": found["digest"]} if found["digest"] else {"imageTag": found["tag"] or "latest"}
    with asking_aws("push the image, or mend its name in resources.*.image or METAFLOW_BATCH_CONTAINER_IMAGE"):
        ecr.describe_images(repositoryName=found["name"], imageIds=[wanted])
    return f"{image} is there"


def check_role(variables: Mapping[str, str], iam: Any) -> str:
    """Check that the jobs' role is there and that jobs may take it."""
    arn = variables.get("METAFLOW_ECS_S3_ACCESS_IAM_ROLE", "")
    if not arn:
        raise Refused("METAFLOW_ECS_S3_ACCESS_IAM_ROLE is not set", EXPORT)
    with asking_aws("check METAFLOW_ECS_S3_ACCESS_IAM_ROLE; the stack's role is TrainingRole"):
        trust = iam.get_role(RoleName=arn.rsplit("/", 1)[-1])["Role"]["AssumeRolePolicyDocument"]
    if "ecs-tasks.amazonaws.com" not in json.dumps(trust):
        raise Refused(f"{arn} is no role that a job may take", "let ecs-tasks.amazonaws.com assume it")
    return f"{arn} is there"


def check_kept(registry: Registry) -> str:
    """Check that models have a place that outlives the job that registers them."""
    if registry.kind == "local":
        raise Refused(
            "registry.kind is 'local': a job's disk is gone with the job, and the models with it",
            "set registry.kind = 'sagemaker' and registry.archives = 's3://...' in the configuration",
        )
    return f"models are kept by {registry.kind}"


def check_shared(places: Mapping[str, str]) -> str:
    """Check that what these settings name lies where all jobs of a run see it."""
    unseen = {setting: place for setting, place in places.items() if not is_s3(place)}
    if unseen:
        told = " and ".join(f"{setting} is '{place}'" for setting, place in unseen.items())
        mended = ", ".join(f"{setting} = 's3://...'" for setting in unseen)
        raise Refused(
            f"{told}: no job sees another job's disk, nor that of the machine that launches it",
            f"put {'it' if len(unseen) == 1 else 'them'} on S3 and set {mended} in the configuration",
        )
    return f"{' and '.join(places)} are on S3"


def check_registry(registry: Registry, sagemaker: Any, s3: Any) -> Doubt | str:
    """Check that models can be registered from a job, in a SageMaker registry."""
    bucket = registry.archives.removeprefix("s3://").split("/")[0]
    if not bucket:
        raise Refused("registry.archives is not set", "set registry.archives = 's3://bucket/registry'")
    with asking_aws("check registry.archives"):
        s3.head_bucket(Bucket=bucket)
    listed = sagemaker.get_paginator("list_model_package_groups").paginate(NameContains=registry.group)
    with asking_aws("allow sagemaker:ListModelPackageGroups"):
        names = [group["ModelPackageGroupName"] for page in listed for group in page["ModelPackageGroupSummaryList"]]
    if registry.group not in names:
        return Doubt(f"no group '{registry.group}' yet", "the first registration makes it")
    return f"group {registry.group}, archives in {registry.archives}"


def check_metadata(variables: Mapping[str, str]) -> Doubt | str:
    """Check that runs are recorded in a service that jobs reach: a job cannot write to files on a laptop."""
    if variables.get("METAFLOW_DEFAULT_METADATA") != "service":
        return Doubt(
            "runs are recorded on this machine alone: jobs show no cards and no causes, and nobody else sees the runs",
            "deploy config/aws/metadata.yaml and export METAFLOW_DEFAULT_METADATA=service, METAFLOW_SERVICE_URL",
        )
    url = variables.get("METAFLOW_SERVICE_URL", "")
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/ping", timeout=4) as answer:  # noqa: S310
            return f"{url} answers {answer.read(40).decode()}"
    except (OSError, ValueError) as error:
        raise Refused(
            f"{url or 'no METAFLOW_SERVICE_URL'}: {error}", "check the address and the way there (VPN)"
        ) from error


def definitions_of(flow: str) -> Iterator[str]:
    """Yield the definitions of the state machines that a flow was deployed as; a HistoryProblem if AWS refuses."""
    with expecting_aws(f"tell what is deployed of {flow}, whose code packages are kept", HistoryProblem):
        client = patient_client("stepfunctions")
        for page in client.get_paginator("list_state_machines").paginate():
            for machine in page["stateMachines"]:
                # Metaflow names them project.branch.flow, or as the flow alone.
                if machine["name"].split(".")[-1] == flow:
                    yield client.describe_state_machine(stateMachineArn=machine["stateMachineArn"])["definition"]
