import pytest

from scarcegan.aws.bucket import Bucket
from scarcegan.aws.sagemaker import SageMakerRegistry
from scarcegan.registry.local import LocalRegistry

GROUP = "risky-players"
IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/tensorflow-inference:2.20-cpu"


@pytest.fixture
def open_sagemaker(aws_account, tmp_path):
    """Open the SageMaker registry as another process would; a client can be swapped for one that misbehaves."""

    def open_it(sagemaker=None):
        bucket = Bucket("s3://models/risky", tmp_path / "cache")
        return SageMakerRegistry(GROUP, bucket, sagemaker or aws_account("sagemaker"), image=IMAGE)

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
