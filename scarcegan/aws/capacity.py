"""Whether a queue can ever run a job: one that fits no instance stays RUNNABLE for ever, and nobody says why."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scarcegan import words
from scarcegan.aws.findings import Doubt, Refused, asking_aws
from scarcegan.records import Record
from scarcegan.settings.steps import Request

# The operating system and the ECS agent keep some of an instance's memory to themselves.
USABLE_MEMORY = 0.94
RUNNABLE = "its jobs would stay RUNNABLE for ever"
# EC2's quotas of the vCPUs that run at once, by how machines are bought and the first letter of their family.
QUOTAS = {
    ("EC2", "g"): "L-DB2E81BA",
    ("SPOT", "g"): "L-3819A6DF",
    ("EC2", "p"): "L-417A185B",
    ("SPOT", "p"): "L-7212CCBC",
}
# Batch takes `optimal` from the newest of these families.
OPTIMAL = ("c5", "m5", "r5")


class Instance(Record):
    """What an instance type leaves to a job."""

    name: str
    cpu: int
    memory_mb: float
    gpu: int = 0

    def fits(self, request: Request) -> bool:
        """Tell whether a job with this request can run on it."""
        return self.cpu >= request.cpu and self.memory_mb >= request.memory_mb and self.gpu >= request.gpu


# The most that Fargate gives to one job.
FARGATE = Instance("Fargate", 16, 122_880)


def check_queue(name: str, request: Request, batch: Any, ec2: Any) -> Doubt | str:
    """Check that a queue is open and that one of its compute environments can fit the largest request.

    The name is empty where neither the configuration nor Metaflow names a queue. Raises Refused where the queue is not
    there, closed, broken or too small.
    """
    if not name:
        raise Refused("no queue is named", f"export METAFLOW_BATCH_JOB_QUEUE or set resources.{request.section}.queue")
    with asking_aws("allow batch:Describe* and ec2:DescribeInstanceTypes (the stack's policy LaunchesRuns does)"):
        environments = _environments(name, request, batch)
        misfits = {one["computeEnvironmentName"]: _misfit(one, request, ec2) for one in environments}
    reasons = [f"{environment}: {misfit}" for environment, misfit in misfits.items() if misfit]
    if len(reasons) == len(environments):
        advice = (
            f"{RUNNABLE}: lower resources.{request.section}, or mend the compute environment "
            "(GpuInstanceTypes, CpuInstanceTypes, MaxGpuVcpus and MaxCpuVcpus of config/aws/stack.yaml)"
        )
        raise Refused(f"no room for {request}: {'; '.join(reasons) or 'it has no compute environment'}", advice)
    if reasons:
        return Doubt("; ".join(reasons), f"{request} fits elsewhere in the queue; jobs may wait longer")
    return f"open, {request} fits"


def check_gpu_quota(name: str, request: Request, jobs: int, clients: Mapping[str, Any]) -> Doubt | str:
    """Check that EC2's quotas let the machines of so many jobs run side by side; a new account's are 0.

    `clients` has batch, ec2 and service-quotas. A warning where jobs would wait for each other, or where nobody may
    ask. Raises Refused where there is room for none.
    """
    with asking_aws("mend the queue"):
        environments = _environments(name, request, clients["batch"])
        asked = [_quota_of(one["computeResources"], request, clients["ec2"]) for one in environments]
    vcpus = dict(quota for quota in asked if quota)
    try:
        with asking_aws("allow servicequotas:GetServiceQuota (the stack's policy LaunchesRuns does)"):
            asked_for = clients["service-quotas"].get_service_quota
            allowed = {code: float(asked_for(ServiceCode="ec2", QuotaCode=code)["Quota"]["Value"]) for code in vcpus}
    except Refused as refused:
        return refused.told
    if not allowed:
        return "its machines have none that is known here"
    least, total = min(vcpus.values()), sum(allowed.values())
    found = " and ".join(f"{code} allows {words.count(value)}" for code, value in allowed.items())
    found = f"{jobs} folds side by side take {jobs * least} vCPUs; EC2's quota {found}"
    if total >= jobs * least:
        return found
    advice = (
        f"aws service-quotas request-service-quota-increase --service-code ec2 --quota-code {next(iter(vcpus))} "
        f"--desired-value {jobs * least}; AWS takes hours to days"
    )
    if total < least:
        raise Refused(f"{found}: {RUNNABLE}", advice)
    return Doubt(f"{found}: they wait for each other", advice)


def _quota_of(resources: Any, request: Request, ec2: Any) -> tuple[str, int] | None:
    """Return the code of the quota that counts an environment's machines, and the vCPUs of the smallest that fits."""
    if "FARGATE" in resources["type"]:
        return None
    fitting = [one for one in _instances(resources["instanceTypes"], ec2) if one.fits(request)]
    smallest = min(fitting, key=lambda one: one.cpu, default=None)
    code = QUOTAS.get((resources["type"], smallest.name[0])) if smallest else None
    return (code, smallest.cpu) if smallest and code else None


def _environments(name: str, request: Request, batch: Any) -> Any:
    queue = _open_queue(name, request, batch)
    order = [one["computeEnvironment"] for one in queue["computeEnvironmentOrder"]]
    return batch.describe_compute_environments(computeEnvironments=order)["computeEnvironments"]


def _open_queue(name: str, request: Request, batch: Any) -> Any:
    found = batch.describe_job_queues(jobQueues=[name])["jobQueues"]
    if not found:
        raise Refused(
            "there is no such queue in this account and region",
            f"deploy config/aws/stack.yaml, or name another one in resources.{request.section}.queue",
        )
    [queue] = found
    if (queue["state"], queue["status"]) != ("ENABLED", "VALID"):
        raise Refused(
            f"it is {queue['state']} and {queue['status']}: {queue.get('statusReason') or 'no reason given'}",
            f"enable or mend it in the Batch console; {RUNNABLE}",
        )
    return queue


def _misfit(environment: Any, request: Request, ec2: Any) -> str:
    """Say why a compute environment never fits a request; empty where it does."""
    if (environment["state"], environment["status"]) != ("ENABLED", "VALID"):
        return f"{environment['state']} and {environment['status']}, {environment.get('statusReason', '')}"
    resources = environment["computeResources"]
    most = int(resources["maxvCpus"])
    if most < request.cpu:
        return f"{most} vCPUs at the most"
    types, able = ["Fargate"], [FARGATE]
    if "FARGATE" not in resources["type"]:
        types = resources["instanceTypes"]
        # An instance with more vCPUs than the environment may have is never started.
        able = [one for one in _instances(types, ec2) if one.cpu <= most]
    if any(one.fits(request) for one in able):
        return ""
    with_gpus = [one for one in able if one.gpu >= request.gpu]
    if not with_gpus:
        return f"none of {', '.join(types)} fits: none has {request.gpu} GPU"
    best = max(with_gpus, key=lambda one: one.memory_mb)
    leaves = f"{best.name} leaves a job {best.cpu} vCPU and {words.count(best.memory_mb)} MB"
    return f"none of {', '.join(types)} fits: {leaves}"


def _instances(types: Sequence[str], ec2: Any) -> Iterator[Instance]:
    families = [one for name in types for one in (OPTIMAL if name in ("optimal", "default_x86_64") else [name])]
    names = [name if "." in name else f"{name}.*" for name in families]
    pages = ec2.get_paginator("describe_instance_types").paginate(Filters=[{"Name": "instance-type", "Values": names}])
    for kind in (kind for page in pages for kind in page["InstanceTypes"]):
        yield Instance(
            name=kind["InstanceType"],
            cpu=kind["VCpuInfo"]["DefaultVCpus"],
            memory_mb=USABLE_MEMORY * kind["MemoryInfo"]["SizeInMiB"],
            gpu=sum(gpu["Count"] for gpu in kind.get("GpuInfo", {}).get("Gpus", ())),
        )
