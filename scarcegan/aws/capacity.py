"""Whether a queue can ever run a job: one that fits no instance stays RUNNABLE for ever, and nobody says why."""

from collections.abc import Iterator, Sequence
from typing import Any

from scarcegan.aws.findings import Finding, Refused, asking_aws
from scarcegan.settings.steps import Request

# The operating system and the ECS agent keep some of an instance's memory to themselves.
USABLE_MEMORY = 0.94
FARGATE = {"VCpuInfo": {"DefaultVCpus": 16}, "MemoryInfo": {"SizeInMiB": 122_880}}
RUNNABLE = "its jobs would stay RUNNABLE for ever"


def check_queue(name: str, request: Request, batch: Any, ec2: Any) -> Finding:
    """Check that a queue is open and that one of its compute environments can fit the request.

    Args:
        name: the queue; empty where neither the configuration nor Metaflow names one.
        request: the largest request that goes there.
        batch: boto3 client.
        ec2: boto3 client.

    Raises:
        Refused: it is not there, closed, broken or too small.
    """
    if not name:
        raise Refused("no queue is named", f"export METAFLOW_BATCH_JOB_QUEUE or set resources.{request.section}.queue")
    with asking_aws("allow batch:Describe* and ec2:DescribeInstanceTypes (the stack's policy LaunchesRuns does)"):
        queue = _open_queue(name, request, batch)
        order = [one["computeEnvironment"] for one in queue["computeEnvironmentOrder"]]
        environments = batch.describe_compute_environments(computeEnvironments=order)["computeEnvironments"]
        misfits = [_misfit(environment, request, ec2) for environment in environments]
    reasons = [
        f"{environment['computeEnvironmentName']}: {misfit}"
        for environment, misfit in zip(environments, misfits, strict=True)
        if misfit
    ]
    if len(reasons) == len(environments):
        advice = (
            f"{RUNNABLE}: lower resources.{request.section}, or mend the compute environment "
            "(GpuInstanceTypes, CpuInstanceTypes, MaxGpuVcpus and MaxCpuVcpus of config/aws/stack.yaml)"
        )
        raise Refused(f"no room for {request}: {'; '.join(reasons) or 'it has no compute environment'}", advice)
    if reasons:
        advice = f"{request} fits elsewhere in the queue; jobs may wait longer"
        return Finding(f"queue {name}", "warning", "; ".join(reasons), advice)
    return Finding(f"queue {name}", "ok", f"open, {request} fits")


def _open_queue(name: str, request: Request, batch: Any) -> Any:
    found = batch.describe_job_queues(jobQueues=[name])["jobQueues"]
    if not found:
        raise Refused(
            "there is no such queue in this account and region",
            f"deploy config/aws/stack.yaml, or name another one in resources.{request.section}.queue",
        )
    if (found[0]["state"], found[0]["status"]) != ("ENABLED", "VALID"):
        raise Refused(
            f"it is {found[0]['state']} and {found[0]['status']}: {found[0].get('statusReason') or 'no reason given'}",
            f"enable or mend it in the Batch console; {RUNNABLE}",
        )
    return found[0]


def _misfit(environment: dict[str, Any], request: Request, ec2: Any) -> str:
    """Say why a compute environment never fits a request; empty where it does."""
    if (environment["state"], environment["status"]) != ("ENABLED", "VALID"):
        return f"{environment['state']} and {environment['status']}, {environment.get('statusReason', '')}"
    resources = environment["computeResources"]
    most = int(resources["maxvCpus"])
    if most < request.cpu:
        return f"{most} vCPUs at the most"
    kinds = list(_instances(resources, ec2))
    small_enough = [kind for kind in kinds if kind["VCpuInfo"]["DefaultVCpus"] <= most or _is_fargate(resources)]
    if any(_fits(kind, request) for kind in small_enough):
        return ""
    return f"none of {', '.join(resources.get('instanceTypes', ['Fargate']))} fits" + _nearest(small_enough, request)


def _instances(resources: dict[str, Any], ec2: Any) -> Iterator[dict[str, Any]]:
    if _is_fargate(resources):
        yield FARGATE
        return
    names: list[str] = []
    for name in resources["instanceTypes"]:
        # Batch takes `optimal` from the newest of these families.
        families = ["c5", "m5", "r5"] if name in ("optimal", "default_x86_64") else [name]
        names += [family if "." in family else f"{family}.*" for family in families]
    pages = ec2.get_paginator("describe_instance_types").paginate(Filters=[{"Name": "instance-type", "Values": names}])
    for page in pages:
        yield from page["InstanceTypes"]


def _fits(kind: dict[str, Any], request: Request) -> bool:
    room = (kind["VCpuInfo"]["DefaultVCpus"], _usable_mb(kind), _gpus(kind))
    return all(there >= asked for there, asked in zip(room, (request.cpu, request.memory_mb, request.gpu), strict=True))


def _nearest(kinds: Sequence[dict[str, Any]], request: Request) -> str:
    """Name the largest of the instances with enough GPUs, and what a job may use of it."""
    able = [kind for kind in kinds if _gpus(kind) >= request.gpu]
    if not able:
        return f": none has {request.gpu} GPU"
    best = max(able, key=_usable_mb)
    name = best.get("InstanceType", "Fargate")
    return f": {name} leaves a job {best['VCpuInfo']['DefaultVCpus']} vCPU and {_usable_mb(best):,.0f} MB"


def _usable_mb(kind: dict[str, Any]) -> float:
    return float(kind["MemoryInfo"]["SizeInMiB"]) * (1 if kind is FARGATE else USABLE_MEMORY)


def _gpus(kind: dict[str, Any]) -> int:
    return sum(gpu["Count"] for gpu in kind.get("GpuInfo", {}).get("Gpus", ()))


def _is_fargate(resources: dict[str, Any]) -> bool:
    return "FARGATE" in resources["type"]
