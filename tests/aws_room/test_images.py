import json
import sys

import pytest

from scarcegan import settings
from scarcegan.aws.packages import SERVING_TENSORFLOW, serving_image
from scarcegan.problems import RegistryProblem

TABLE = {
    "inference": {
        "version_aliases": {SERVING_TENSORFLOW: f"{SERVING_TENSORFLOW}.0"},
        "versions": {
            f"{SERVING_TENSORFLOW}.0": {
                "py_versions": ["py312"],
                "repository": "tensorflow-inference",
                "registries": {"eu-west-1": "763104351884", "cn-north-1": "727897471807"},
            }
        },
    }
}
CHOSEN = settings.Registry(kind="sagemaker", archives="s3://models")


@pytest.fixture
def aws_extra(tmp_path, monkeypatch):
    """The one file of sagemaker-core that counts, as pip installs it."""
    files = {
        "sagemaker_core-9.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: sagemaker-core\nVersion: 9.0\n",
        "sagemaker_core-9.0.dist-info/RECORD": "sagemaker/core/image_uri_config/tensorflow.json,,\n",
        "sagemaker/core/image_uri_config/tensorflow.json": json.dumps(TABLE),
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])


@pytest.mark.parametrize(
    ("region", "uri"),
    [
        ("eu-west-1", "763104351884.dkr.ecr.eu-west-1.amazonaws.com/tensorflow-inference:2.20-cpu-py312"),
        ("cn-north-1", "727897471807.dkr.ecr.cn-north-1.amazonaws.com.cn/tensorflow-inference:2.20-cpu-py312"),
    ],
)
def test_the_image_is_looked_up_by_region(aws_extra, region, uri):
    """The URIs are those that sagemaker-core's own `image_uris.retrieve` gave for version 2.20."""
    assert serving_image(CHOSEN, region) == uri
    assert "sagemaker.core" not in sys.modules


def test_the_settings_image_comes_first(aws_extra):
    assert serving_image(CHOSEN.model_copy(update={"image": "own/image:1"}), "eu-west-1") == "own/image:1"


def test_a_region_without_image_is_named(aws_extra):
    with pytest.raises(RegistryProblem, match=r"TensorFlow 2\.20 in 'mars-north-1'.*set registry\.image"):
        serving_image(CHOSEN, "mars-north-1")


def test_without_the_extra_the_settings_must_name_the_image(monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(RegistryProblem, match=r"registry\.image.*scarcegan\[aws\]"):
        serving_image(CHOSEN, "eu-west-1")
