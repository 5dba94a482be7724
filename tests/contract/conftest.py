import urllib.request

import boto3
import pytest
from moto.server import ThreadedMotoServer

from scarcegan.registry.bucket import Bucket
from scarcegan.registry.local import LocalRegistry
from scarcegan.registry.sagemaker import SageMakerRegistry

GROUP = "risky-players"
IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/tensorflow-inference:2.20-cpu"


@pytest.fixture(scope="session")
def aws_endpoint():
    """A stand-in for AWS on this machine."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def clients(aws_endpoint):
    session = boto3.Session("testing", "testing", region_name="eu-west-1")
    made = {name: session.client(name, endpoint_url=aws_endpoint) for name in ("s3", "sagemaker")}
    yield made
    for client in made.values():
        client.close()


@pytest.fixture
def aws(clients, aws_endpoint):
    """Clients of an empty account; `aws("s3")` returns one."""
    reset = urllib.request.Request(f"{aws_endpoint}/moto-api/reset", method="POST")  # noqa: S310
    urllib.request.urlopen(reset).close()  # noqa: S310
    region = {"LocationConstraint": "eu-west-1"}
    clients["s3"].create_bucket(Bucket="models", CreateBucketConfiguration=region)
    return clients.__getitem__


@pytest.fixture
def open_sagemaker(aws, tmp_path):
    """Open the SageMaker registry as another process would; a client can be swapped for one that misbehaves."""

    def open_it(sagemaker=None):
        bucket = Bucket("s3://models/risky", aws("s3"), tmp_path / "cache")
        return SageMakerRegistry(GROUP, bucket, sagemaker or aws("sagemaker"), image=IMAGE)

    return open_it


@pytest.fixture(params=["local", "sagemaker"])
def registry(request, tmp_path):
    """Each backend in turn, empty; the contract tests know nothing else of it."""
    if request.param == "local":
        return LocalRegistry(tmp_path / "registry", GROUP)
    return request.getfixturevalue("open_sagemaker")()


@pytest.fixture
def reviewer():
    return {"who": "rita", "why": "finds more at the same budget"}
