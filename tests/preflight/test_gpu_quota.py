"""Whether EC2 lets all folds train side by side, on stand-ins for the answers of Batch, EC2 and Service Quotas."""

from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from scarcegan.aws.capacity import check_gpu_quota
from scarcegan.aws.findings import Refused
from scarcegan.settings.steps import Request

TRAIN = Request("train", cpu=4, memory_mb=15_000, gpu=1)
G_ON_DEMAND, G_SPOT = "L-DB2E81BA", "L-3819A6DF"
KINDS = {"g4dn.xlarge": (4, 16_384, 1), "g4dn.2xlarge": (8, 32_768, 1), "p3.2xlarge": (8, 62_464, 1)}
KINDS |= {"trn1.2xlarge": (8, 32_768, 1), "m6i.4xlarge": (16, 65_536, 0)}


def paginate(Filters):
    names = Filters[0]["Values"]
    for name, (cpus, memory, gpus) in KINDS.items():
        if name in names:
            known = {"InstanceType": name, "VCpuInfo": {"DefaultVCpus": cpus}, "MemoryInfo": {"SizeInMiB": memory}}
            yield {"InstanceTypes": [known | {"GpuInfo": {"Gpus": [{"Count": gpus}]}}]}


def checked(quotas, *environments, folds=5):
    """Check for a queue of such environments, each how its machines are bought and of which types they are."""

    def quota(ServiceCode, QuotaCode):
        assert ServiceCode == "ec2"
        if QuotaCode not in quotas:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "GetServiceQuota")
        return {"Quota": {"Value": float(quotas[QuotaCode])}}

    made = [
        {"computeEnvironmentName": str(n), "computeResources": {"type": bought, "instanceTypes": types, "maxvCpus": 64}}
        for n, (bought, types) in enumerate(environments)
    ]
    order = [{"computeEnvironment": one["computeEnvironmentName"]} for one in made]
    queue = {"state": "ENABLED", "status": "VALID", "computeEnvironmentOrder": order}
    clients = {
        "batch": SimpleNamespace(
            describe_job_queues=lambda jobQueues: {"jobQueues": [queue]},
            describe_compute_environments=lambda computeEnvironments: {"computeEnvironments": made},
        ),
        "ec2": SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=paginate)),
        "service-quotas": SimpleNamespace(get_service_quota=quota),
    }
    return check_gpu_quota("gpus", TRAIN, folds, clients)


SPOT, ON_DEMAND = ("SPOT", ["g4dn.2xlarge", "g4dn.xlarge"]), ("EC2", ["g4dn.2xlarge", "g4dn.xlarge"])


def test_a_quota_for_all_folds_is_fine():
    assert checked({G_SPOT: 20}, SPOT) == "5 folds side by side take 20 vCPUs; EC2's quota L-3819A6DF allows 20"


def test_on_demand_machines_add_to_spot():
    assert "L-3819A6DF allows 8 and L-DB2E81BA allows 12" in checked({G_SPOT: 8, G_ON_DEMAND: 12}, SPOT, ON_DEMAND)


def test_folds_that_would_wait_are_a_warning_with_what_to_type():
    found, advice = checked({G_SPOT: 8, G_ON_DEMAND: 0}, SPOT, ON_DEMAND)
    assert found.endswith("L-3819A6DF allows 8 and L-DB2E81BA allows 0: they wait for each other")
    assert "--quota-code L-3819A6DF --desired-value 20;" in advice


def test_a_new_account_whose_quotas_are_0_is_told_that_nothing_would_start():
    with pytest.raises(Refused) as refused:
        checked({G_SPOT: 0, G_ON_DEMAND: 0}, SPOT, ON_DEMAND)
    found, advice = refused.value.told
    assert found.endswith("its jobs would stay RUNNABLE for ever")
    assert "request-service-quota-increase" in advice


def test_the_smallest_machine_that_fits_counts():
    assert "2 folds side by side take 16 vCPUs" in checked({G_SPOT: 16}, ("SPOT", ["g4dn.2xlarge"]), folds=2)


def test_other_families_have_quotas_of_their_own():
    assert "L-7212CCBC allows 64" in checked({"L-7212CCBC": 64}, ("SPOT", ["p3.2xlarge"]))
    assert "L-417A185B allows 64" in checked({"L-417A185B": 64}, ("EC2", ["p3.2xlarge"]))


@pytest.mark.parametrize("types", [["trn1.2xlarge"], ["m6i.4xlarge"]])
def test_machines_whose_quota_is_not_known_are_not_judged(types):
    assert checked({}, ("EC2", types)) == "its machines have none that is known here"
    assert checked({}, ("FARGATE", [])) == "its machines have none that is known here"


def test_who_may_not_ask_is_warned_and_not_stopped():
    found, advice = checked({}, SPOT)
    assert "AccessDenied" in found
    assert "servicequotas:GetServiceQuota" in advice
