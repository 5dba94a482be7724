"""Whether a queue can ever run a job, on stand-ins for the answers of Batch and EC2."""

from types import SimpleNamespace

import pytest

from scarcegan.aws.capacity import check_queue
from scarcegan.aws.findings import Refused
from scarcegan.settings.steps import Request

TRAIN = Request("train", cpu=4, memory_mb=15_000, gpu=1)
SMALL = Request("small", cpu=1, memory_mb=4_096, gpu=0)
KINDS = {
    "g4dn.xlarge": (4, 16_384, 1),
    "g4dn.metal": (96, 393_216, 8),
    "m6i.large": (2, 8_192, 0),
    "m6i.4xlarge": (16, 65_536, 0),
    "m5.large": (2, 8_192, 0),
    "c5.large": (2, 4_096, 0),
    "r5.large": (2, 16_384, 0),
}


def kind(name):
    cpus, memory, gpus = KINDS[name]
    known = {"InstanceType": name, "VCpuInfo": {"DefaultVCpus": cpus}, "MemoryInfo": {"SizeInMiB": memory}}
    return known | ({"GpuInfo": {"Gpus": [{"Count": gpus}]}} if gpus else {})


class Pages:
    def paginate(self, **request):
        [names] = [one["Values"] for one in request["Filters"] if one["Name"] == "instance-type"]
        yield {"InstanceTypes": [kind(name) for name in KINDS if name in names or f"{name.split('.')[0]}.*" in names]}


def environment(name="gpus", types=("g4dn.xlarge",), most=32, state="ENABLED", status="VALID", family="EC2"):
    resources = {"type": family, "maxvCpus": most, "instanceTypes": list(types)}
    return {"computeEnvironmentName": name, "state": state, "status": status, "computeResources": resources}


def asked(request, *environments, name="q", **queue):
    queue = {"state": "ENABLED", "status": "VALID"} | queue
    order = [{"order": n, "computeEnvironment": one["computeEnvironmentName"]} for n, one in enumerate(environments)]
    batch = SimpleNamespace(
        describe_job_queues=lambda jobQueues: {"jobQueues": [queue | {"computeEnvironmentOrder": order}]},
        describe_compute_environments=lambda computeEnvironments: {"computeEnvironments": list(environments)},
    )
    return check_queue(name, request, batch, SimpleNamespace(get_paginator=lambda _: Pages()))


def refused(*arguments, **named):
    with pytest.raises(Refused) as caught:
        asked(*arguments, **named)
    return caught.value.told


def is_fine(answer):
    return isinstance(answer, str) and answer.startswith("open, ")


def test_a_job_that_fits_an_instance_is_fine():
    assert asked(TRAIN, environment()) == "open, 4 vCPU, 15,000 MB, 1 GPU fits"


def test_the_memory_that_the_instance_keeps_to_itself_is_not_the_jobs():
    found, advice = refused(Request("train", 4, 16_000, 1), environment())
    assert "g4dn.xlarge leaves a job 4 vCPU and 15,401 MB" in found
    assert "RUNNABLE for ever: lower resources.train" in advice


def test_a_gpu_job_never_runs_where_there_are_none():
    found, _ = refused(TRAIN, environment("cpus", ["m6i"]))
    assert found == "no room for 4 vCPU, 15,000 MB, 1 GPU: cpus: none of m6i fits: none has 1 GPU"


def test_an_environment_must_be_allowed_a_whole_instance():
    assert is_fine(asked(Request("train", 8, 15_000, 8), environment(types=["g4dn"], most=96)))
    found, _ = refused(Request("train", 8, 15_000, 8), environment(types=["g4dn"], most=32))
    assert "none of g4dn fits" in found
    assert "2 vCPUs at the most" in refused(TRAIN, environment(most=2))[0]


def test_a_family_stands_for_its_sizes_and_optimal_for_families():
    assert is_fine(asked(SMALL, environment(types=["m6i"])))
    assert is_fine(asked(SMALL, environment(types=["optimal"])))
    assert "none has 1 GPU" in refused(TRAIN, environment(types=["optimal"]))[0]


def test_fargate_has_no_gpu():
    assert is_fine(asked(SMALL, environment(family="FARGATE")))
    assert "none has 1 GPU" in refused(TRAIN, environment(family="FARGATE_SPOT"))[0]


@pytest.mark.parametrize(("state", "status"), [("DISABLED", "VALID"), ("ENABLED", "INVALID")])
def test_a_closed_or_broken_queue_runs_nothing(state, status):
    found, advice = refused(SMALL, environment(), state=state, status=status, statusReason="moved")
    assert found == f"it is {state} and {status}: moved"
    assert "Batch console" in advice


def test_a_broken_environment_is_the_queues_only_if_there_is_no_other():
    broken = environment("spot", status="INVALID")
    assert "spot: ENABLED and INVALID" in refused(TRAIN, broken)[0]
    told = "4 vCPU, 15,000 MB, 1 GPU fits elsewhere in the queue; jobs may wait longer"
    assert asked(TRAIN, broken, environment("on-demand")) == ("spot: ENABLED and INVALID, ", told)


def test_a_queue_without_environments_runs_nothing():
    assert "it has no compute environment" in refused(SMALL)[0]


def test_a_queue_must_be_named():
    assert "resources.train.queue" in refused(TRAIN, environment(), name="")[1]
