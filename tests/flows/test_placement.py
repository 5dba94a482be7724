"""What each step asks AWS Batch for, as the decorators say once the configuration has been applied."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Runs the flow's own command line up to its decorators, in a process of its own: Metaflow keeps global state.
SHOW = """
import json, sys
from metaflow import decorators
from retrain_flow import RetrainFlow

def show(flow, *_, **__):
    asked = {step.__name__: {deco.name: deco.attributes for deco in step.decorators} for step in flow}
    print("ASKED" + json.dumps(asked, default=str))
    sys.exit()

started = decorators._init_step_decorators
def init(flow, *rest, **named):
    started(flow, *rest, **named)
    show(flow)
decorators._init_step_decorators = init
RetrainFlow()
"""


def asked(folder, *options, config=""):
    (folder / "own.toml").write_text(config)
    environment = dict(
        os.environ,
        PYTHONPATH=str(ROOT / "flows"),
        METAFLOW_DATASTORE_SYSROOT_S3="s3://models/metaflow",
        METAFLOW_BATCH_JOB_QUEUE="everybodys",
        METAFLOW_BATCH_CONTAINER_IMAGE="plain",
        METAFLOW_DEFAULT_DATASTORE="s3" if options else "local",
        AWS_ACCESS_KEY_ID="testing",
        AWS_SECRET_ACCESS_KEY="testing",
        AWS_DEFAULT_REGION="eu-west-1",
        AWS_ENDPOINT_URL="http://127.0.0.1:9",
        USERNAME="tester",
    )
    command = [sys.executable, "-c", SHOW, "--config", "config", "own.toml", "run", *options]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    [line] = [line for line in done.stdout.splitlines() if line.startswith("ASKED")] or [pytest.fail(done.stderr)]
    return json.loads(line.removeprefix("ASKED"))


CONFIG = """
[resources.train]
cpu = 8
queue = "fast-gpus"
image = "gpu-image:1"
[resources.small]
memory_mb = 2_048
"""


@pytest.fixture(scope="module")
def on_batch(tmp_path_factory):
    return asked(tmp_path_factory.mktemp("batch"), "--with", "batch", config=CONFIG)


def test_every_step_asks_for_something(on_batch):
    assert all({"resources", "batch"} <= set(decorators) for decorators in on_batch.values())


def test_training_gets_its_gpu_its_queue_and_its_image(on_batch):
    batch = on_batch["train"]["batch"]
    chosen = {key: batch[key] for key in ("cpu", "memory", "gpu", "queue", "image")}
    assert chosen == {"cpu": "8", "memory": "15000", "gpu": "1", "queue": "fast-gpus", "image": "gpu-image:1"}


def test_what_the_configuration_leaves_open_is_metaflows_own(on_batch):
    for step in ("start", "select", "register", "end"):
        batch = on_batch[step]["batch"]
        assert (batch["queue"], batch["image"], batch["memory"]) == ("everybodys", "plain", "2048")


def test_a_laptop_run_has_no_batch(tmp_path):
    assert not any("batch" in decorators for decorators in asked(tmp_path).values())


def test_the_command_line_outweighs_the_configuration(tmp_path):
    given = asked(tmp_path, "--with", "batch:queue=mine,memory=60000", config=CONFIG)
    batch = given["train"]["batch"]
    # Metaflow takes the larger request of two.
    assert (batch["queue"], batch["memory"], batch["image"]) == ("mine", "60000.0", "gpu-image:1")


def test_memory_raised_on_the_command_line_is_what_the_bill_counts(tmp_path):
    raised = asked(tmp_path, "--with", "batch:memory=10000", config=CONFIG)
    memory = {step: int(raised[step]["resources"]["memory"]) for step in ("select", "preprocess", "train")}
    # What a step asks for already is not lowered.
    assert memory == {"select": 10_000, "preprocess": 16_000, "train": 15_000}
