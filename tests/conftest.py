import hashlib
import logging
import sys
import urllib.request
from dataclasses import replace

import pytest

from scarcegan.registry import ModelToRegister

DEFINITIONS = ("recall_first", "precision_first", "review_budget", "balanced")


def pytest_collection_finish():
    """Give TensorFlow one thread, where a collected test uses it: few cores, and one order of additions."""
    if "tensorflow" in sys.modules:
        from scarcegan.gan.devices import prepare_devices

        prepare_devices(1)


@pytest.fixture(scope="session")
def aws_endpoint():
    """A stand-in for AWS on this machine, the same one for all tests."""
    # Imported late: most tests do without AWS.
    from moto.server import ThreadedMotoServer

    # It notes every request; that costs time and drowns what a failed test has to say.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def clients(aws_endpoint):
    import boto3

    session = boto3.Session("testing", "testing", region_name="eu-west-1")
    made = {name: session.client(name, endpoint_url=aws_endpoint) for name in ("s3", "sagemaker", "stepfunctions")}
    yield made
    for client in made.values():
        client.close()


@pytest.fixture
def aws(clients, aws_endpoint):
    """Clients of an empty account with the bucket `models`; `aws("s3")` returns one."""
    reset = urllib.request.Request(f"{aws_endpoint}/moto-api/reset", method="POST")  # noqa: S310
    urllib.request.urlopen(reset).close()  # noqa: S310
    region = {"LocationConstraint": "eu-west-1"}
    clients["s3"].create_bucket(Bucket="models", CreateBucketConfiguration=region)
    return clients.__getitem__


@pytest.fixture
def aws_account(aws, aws_endpoint, monkeypatch):
    """An empty account that everything which takes its credentials from the environment works on."""
    import boto3

    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    for name, value in {
        "AWS_ENDPOINT_URL": aws_endpoint,
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }.items():
        monkeypatch.setenv(name, value)
    return aws


@pytest.fixture
def make_release(tmp_path):
    """A release of four models whose archives are small files; `run` makes them differ from another run's."""

    def make(run="11", definitions=DEFINITIONS, **changes):
        models = []
        for definition in definitions:
            archive = tmp_path / f"{run}-{definition}.tar.gz"
            archive.write_bytes(f"weights of {definition} in run {run}".encode())
            model = ModelToRegister(
                definition=definition,
                archive=archive,
                sha256=hashlib.sha256(archive.read_bytes()).hexdigest(),
                threshold=0.25,
                constraint_met=definition != "precision_first",
                release_id=f"release-{run}",
                origin_run_id=run,
                run_pathspec=f"RetrainFlow/{run}",
                metrics={"recall": 0.5, "pr_auc": 0.125 + int(run) / 1000},
                metadata={"git_commit": "0a1b2c3", "card": "evaluate/7"},
                description=f"Finds risky players, {definition}.",
            )
            models.append(replace(model, **changes))
        return models

    return make
