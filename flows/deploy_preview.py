"""What a deployment would create, shown without an account: a stand-in for AWS answers what compiling asks."""

import json
import logging
import os
from contextlib import ExitStack, contextmanager
from functools import partial
from unittest.mock import patch

KEY = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}
# Variables that would lead past the stand-in, to an account.
ELSEWHERE = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "METAFLOW_S3_ENDPOINT_URL", "METAFLOW_PROFILE")
COLUMNS = ("step", "cpu", "memory MB", "gpu", "tries", "hours", "queue", "image")


@contextmanager
def stand_in(variables, folder):
    """Serve what even `--only-json` asks of AWS: a bucket, and the kind of machines that a Batch queue has.

    Yields the environment for compiling, in which `folder` takes what Metaflow would write into the home folder, and a
    function that returns the stand-in's client of a service.
    """
    import boto3
    from moto.batch.models import BatchBackend
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # it logs every request
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    # The server is a thread of this process: whatever the queue, its machines are of EC2.
    queue, machines = {"computeEnvironmentOrder": [{"computeEnvironment": ""}]}, {"computeResources": {"type": "EC2"}}
    answers = {"describe_job_queues": lambda *_: [queue], "describe_compute_environments": lambda *_: [machines]}
    with patch.multiple(BatchBackend, **answers), ExitStack() as stack:
        stack.callback(server.stop)
        endpoint = "http://{}:{}".format(*server.get_host_and_port())
        client = partial(boto3.Session("testing", "testing", region_name="us-east-1").client, endpoint_url=endpoint)
        client("s3").create_bucket(Bucket=variables["METAFLOW_DATASTORE_SYSROOT_S3"].split("/")[2])
        kept = {name: value for name, value in {**os.environ, **variables}.items() if name not in ELSEWHERE}
        local = {"METAFLOW_HOME": folder, "METAFLOW_DEFAULT_METADATA": "local", "METAFLOW_DEFAULT_DATASTORE": "s3"}
        yield {**kept, **KEY, **local, "AWS_ENDPOINT_URL": endpoint}, client


def described(state_machine, cron, batch):
    """Describe a compiled state machine (JSON) in lines: its name, what starts it, and what each step asks for."""
    states = list(_batch_states(json.loads(state_machine)["States"], ""))
    environment = {entry["Name"]: entry.get("Value") for entry in states[0][1]["ContainerOverrides"]["Environment"]}
    used = sorted({job["JobDefinition"] for _, job in states})
    definitions = batch.describe_job_definitions(jobDefinitions=used)["jobDefinitions"]
    containers = {found["jobDefinitionArn"]: found["containerProperties"] for found in definitions}
    started = f"EventBridge rule of the same name, cron({cron}) UTC" if cron else "by hand or by an event"
    rows = [COLUMNS, *(_row(name, job, containers[job["JobDefinition"]]["image"]) for name, job in states)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = ["  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    role = containers[used[0]]["jobRoleArn"]
    return [environment["SFN_STATE_MACHINE"], f"  started: {started}", f"  jobs' role: {role}", *table]


def _batch_states(states, place):
    for name, state in states.items():
        if state["Type"] == "Map":
            yield from _batch_states(state["Iterator"]["States"], " (each)")
        elif "batch:submitJob" in state["Resource"]:
            yield name + place, state["Parameters"]


def _row(name, job, image):
    asked = {entry["Type"]: entry["Value"] for entry in job["ContainerOverrides"]["ResourceRequirements"]}
    tries, hours = str(job["RetryStrategy"]["Attempts"]), f"{job['Timeout']['AttemptDurationSeconds'] / 3_600:g}"
    return (name, asked["VCPU"], asked["MEMORY"], asked.get("GPU", "-"), tries, hours, job["JobQueue"], image)
