"""What `make deploy` would create, and what it refuses to."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import deploy as deploying
import pytest

from scarcegan.settings import load

FLOWS = Path(__file__).resolve().parents[2] / "flows"
EXPORTED = {
    "METAFLOW_DATASTORE_SYSROOT_S3": "s3://players/metaflow",
    "METAFLOW_BATCH_JOB_QUEUE": "everybodys",
    "METAFLOW_BATCH_CONTAINER_IMAGE": "plain",
    "METAFLOW_ECS_S3_ACCESS_IAM_ROLE": "arn:aws:iam::123456789012:role/training",
    "METAFLOW_SFN_IAM_ROLE": "arn:aws:iam::123456789012:role/states",
    "METAFLOW_SFN_DYNAMO_DB_TABLE": "foreach",
    "METAFLOW_EVENTS_SFN_ACCESS_IAM_ROLE": "arn:aws:iam::123456789012:role/events",
    "METAFLOW_SERVICE_URL": "http://127.0.0.1:9",
}
CONFIG = """
[registry]
kind = "sagemaker"
archives = "s3://players/registry"
[snapshots]
folder = "s3://players/snapshots"
[scoring]
folder = "s3://players/scores"
[outcomes]
folder = "s3://players/outcomes"
[deployment]
project = "players"
scoring_role = "arn:aws:iam::123456789012:role/scoring"
features_cron = "0 2 * * ? *"
score_cron = ""
[resources.train]
queue = "fast-gpus"
image = "gpu-image:1"
"""


def deploy(folder, *options, exported=EXPORTED, config=CONFIG):
    (folder / "own.toml").write_text(config)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "METAFLOW_"))}
    command = [sys.executable, str(FLOWS / "deploy.py"), "--config", "own.toml", *options]
    environment = clean | exported | {"USERNAME": "tester", "METAFLOW_HOME": str(folder / "home")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_dry_run_tells_names_schedules_roles_and_what_each_step_asks_for(tmp_path):
    done = deploy(tmp_path, "--dry-run", "--to", "staging")
    assert done.returncode == 0, done.stderr
    features, score, retrain, last = done.stdout.split("\n\n")
    lines = [line.split() for line in retrain.splitlines()]
    assert lines[0] == ["players.test.staging.RetrainFlow"]
    assert lines[3] == ["step", "cpu", "memory", "MB", "gpu", "tries", "hours", "queue", "image"]
    assert [line[0] for line in lines[4:]] == [
        "start", "preprocess", "train", "select", "evaluate", "register", "end"
    ]  # fmt: skip
    assert lines[6] == ["train", "(each)", "4", "15000", "1", "3", "6", "fast-gpus", "gpu-image:1"]
    assert lines[7] == ["select", "1", "4096", "-", "3", "6", "everybodys", "plain"]
    assert "cron(0 2 * * ? *) UTC" in features
    assert "started: by hand or by an event" in score
    assert ("role/scoring" in score, "role/training" in retrain) == (True, True)
    assert last.split() == ["Nothing", "was", "created."]
    assert [found.name for found in tmp_path.iterdir()] == ["own.toml"]


def test_nothing_is_deployed_while_something_is_missing(tmp_path):
    exported = EXPORTED | {"METAFLOW_SFN_DYNAMO_DB_TABLE": ""}
    done = deploy(tmp_path, exported=exported, config='[snapshots]\nfolder = "s3://players/snapshots"\n')
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "Nothing was deployed:",
        "  export the outputs of config/aws/stack.yaml: METAFLOW_SFN_DYNAMO_DB_TABLE not set",
        "  set registry.kind = 'sagemaker': a local registry is gone with the job that writes it",
        "  set scoring.folder to an s3:// prefix: a job's disk is gone with the job",
        "  set outcomes.folder to an s3:// prefix: a job's disk is gone with the job",
    ]


def test_a_mistake_in_the_configuration_is_told_before_anything_is_compiled(tmp_path):
    done = deploy(tmp_path, "--dry-run", config="[deployment]\nprojct = 'players'\n")
    assert done.returncode == 1
    assert "did you mean 'deployment.project'?" in done.stderr


@pytest.mark.parametrize(
    ("to", "branch"), [("dev", []), ("staging", ["--branch", "staging"]), ("prod", ["--production"])]
)
def test_an_environment_is_a_branch_of_the_project(to, branch):
    command = deploying.create("score", Path("own.toml"), to)
    start, end = command.index(str(Path("own.toml").resolve())), command.index("step-functions")
    assert command[start + 1 : end] == branch


def test_scoring_alone_gets_its_own_role():
    settings = load(tomllib.loads(CONFIG))
    given = {flow: deploying.jobs_role(flow, settings) for flow in deploying.FLOWS}
    role = "arn:aws:iam::123456789012:role/scoring"
    assert given == {"features": {}, "score": {deploying.JOBS_ROLE: role}, "retrain": {}}
    assert deploying.jobs_role("score", load({})) == {}
