"""The image that serves an archive: AWS keeps it in an account per region."""

import json
from contextlib import suppress
from importlib import metadata
from typing import Any

import botocore.session

from scarcegan import settings
from scarcegan.problems import RegistryProblem

# Inference images lag behind TensorFlow; tests load the archive with this version.
SERVING_TENSORFLOW = "2.20"


def serving_image(chosen: settings.Registry, region: str) -> str:
    """Return the URI of the image that serves archives in a region: the settings' own, otherwise AWS's.

    AWS's accounts and tags stand in the table that sagemaker-core brings along. The file is read without importing
    that package, which takes seconds. Raises a RegistryProblem where the settings name no image, and the `aws` extra
    is not installed or knows none.
    """
    if chosen.image:
        return chosen.image
    table = _tensorflow_images()
    if table is None:
        raise RegistryProblem(
            "expected registry.image, the URI of the inference image, or the `aws` extra to look it up, got none: "
            "set it, or `pip install 'scarcegan[aws]'`"
        )
    inference = table["inference"]
    known = inference["versions"].get(inference["version_aliases"].get(SERVING_TENSORFLOW, SERVING_TENSORFLOW), {})
    if region not in known.get("registries", {}):
        raise RegistryProblem(
            f"expected sagemaker-core to know an image of TensorFlow {SERVING_TENSORFLOW} in '{region}', got none: "
            "set registry.image, or update the package"
        )
    tag = "-".join([SERVING_TENSORFLOW, "cpu", *known.get("py_versions", [])[-1:]])
    # amazonaws.com, or what the region's partition has instead: China's ends in .cn.
    session = botocore.session.get_session()
    partitions = {one["partition"]: one["dnsSuffix"] for one in session.get_data("endpoints")["partitions"]}
    domain = partitions[session.get_partition_for_region(region)]
    return f"{known['registries'][region]}.dkr.ecr.{region}.{domain}/{known['repository']}:{tag}"


def _tensorflow_images() -> dict[str, Any] | None:
    """Return sagemaker-core's table of TensorFlow images; None where the package is not installed."""
    with suppress(metadata.PackageNotFoundError):
        for file in metadata.files("sagemaker-core") or []:
            if file.match("image_uri_config/tensorflow.json"):
                return dict(json.loads(file.read_text()))
    return None
