"""What a deployed flow's first job is told fits into the 8,192 bytes that ECS gives to a job's overrides."""

import json
import os
import re
import subprocess
from pathlib import Path

import deploy as deploying
import pytest
from deploy_preview import stand_in

FLOWS = Path(deploying.__file__).parent
MOST = 8_192
# As long as AWS lets names be: a bucket, a role, an image by its digest, a load balancer of a far region.
BUCKET, ROLE = "b" * 63, f"arn:aws:iam::123456789012:role/{'r' * 64}"
LONG = {
    "METAFLOW_DATASTORE_SYSROOT_S3": f"s3://{BUCKET}/metaflow",
    "METAFLOW_BATCH_JOB_QUEUE": f"{'q' * 21}-cpu",
    "METAFLOW_BATCH_CONTAINER_IMAGE": f"123456789012.dkr.ecr.ap-southeast-1.amazonaws.com/{'p' * 21}@sha256:{'0' * 64}",
    "METAFLOW_ECS_S3_ACCESS_IAM_ROLE": ROLE,
    "METAFLOW_SFN_IAM_ROLE": ROLE,
    "METAFLOW_SFN_DYNAMO_DB_TABLE": "t" * 60,
    "METAFLOW_SFN_STATE_MACHINE_PREFIX": "p" * 21,
    "METAFLOW_EVENTS_SFN_ACCESS_IAM_ROLE": ROLE,
    "METAFLOW_SERVICE_URL": f"http://internal-{'l' * 32}-1234567890.ap-southeast-1.elb.amazonaws.com/",
    "METAFLOW_BATCH_EMIT_TAGS": "1",
    "METAFLOW_BATCH_DEFAULT_TAGS": '{"project":"ppppppppppppppppppppp"}',
    "METAFLOW_OWNER": "somebody.with-a-long-name",
}
TABLES = ("casual", "regular", "heavy", "risky", "unlabeled", "test")
SET = (
    "train.iterations=2000,train.members=16,model.alpha=0.6,model.trunk=[200, 100, 50],review_budget=0.005,"
    'train.families=["small_extra_trees", "small_boosting"],registry.group="risky-players-of-the-north",'
    'snapshots.prefix="players-of-the-north-"'
)
# Each option that the flow has, as docs/ shows it, with addresses and names of a large account.
OPTIONS = {
    "retrain": {
        "set": SET,
        "seed": 11,
        "data": ",".join(f"{name}=s3://{BUCKET}/exports/2026-11-01/{name}/" for name in TABLES),
        "snapshot": "players-of-the-north-2026-11-01",
    },
    "score": {
        "set": SET,
        "definition": "d" * 40,
        "version": 1_000,
        "snapshot": "players-of-the-north-2026-11-01",
    },
    "features": {"set": SET, "telemetry": f"s3://{BUCKET}/telemetry/2026/", "cutoff": "2026-11-01"},
}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """Compile a flow to its state machine, in a large account."""
    folder = tmp_path_factory.mktemp("compiled")
    config = folder / "own.toml"
    config.write_text(f'[registry]\nkind = "sagemaker"\narchives = "s3://{BUCKET}/registry"\nimage = "{"i" * 100}"\n')
    with stand_in(LONG, str(folder)) as (environment, _):

        def compile_it(flow):
            command = deploying.create(flow, config, "prod", "--only-json")
            done = subprocess.run(
                command, env=os.environ | environment, cwd=folder, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
            return json.loads(done.stdout)

        yield compile_it


def filled(overrides, parameters):
    """Put in what Step Functions puts in when the job starts."""
    known = {"$.Parameters": json.dumps(parameters), "$$.Execution.Name": "n" * 80}
    environment = [
        {"Name": one["Name"], "Value": one["Value"] if "Value" in one else known[one["Value.$"]]}
        for one in overrides["Environment"]
    ]
    return overrides | {"Environment": environment}


@pytest.mark.slow
@pytest.mark.parametrize("flow", OPTIONS)
def test_the_first_job_of_a_deployed_flow_takes_all_options_at_once(compiled, flow):
    overrides = compiled(flow)["States"]["start"]["Parameters"]["ContainerOverrides"]
    assert len(json.dumps(filled(overrides, OPTIONS[flow])).encode()) <= MOST


@pytest.mark.parametrize("flow", OPTIONS)
def test_all_options_are_all_that_the_flow_has(flow):
    own = re.findall(r'Parameter\(\s*"(\w+)"', (FLOWS / f"{flow}_flow.py").read_text())
    assert set(OPTIONS[flow]) == {"set", *own}
