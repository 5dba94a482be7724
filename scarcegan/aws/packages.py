"""One model as SageMaker's registry takes it, with its card, its quality report and the image that serves it."""

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from importlib import metadata
from typing import Any

import botocore.session

from scarcegan import settings, words
from scarcegan.aws.metadata import to_metadata
from scarcegan.aws.model_quality import model_quality_json
from scarcegan.evaluation.figures import Measures
from scarcegan.evaluation.records import Evaluation, Verdict
from scarcegan.problems import RegistryProblem
from scarcegan.registry.contract import Registry
from scarcegan.registry.versions import PENDING, ModelToRegister
from scarcegan.settings.words_section import Words

CONTENT_TYPES = ["text/csv", "application/json", "application/jsonlines"]
LONGEST_TEXT = 2_000
LONGEST_CARD = 100_000
# Inference images lag behind TensorFlow; tests load the archive with this version.
SERVING_TENSORFLOW = "2.20"


def package_request(model: ModelToRegister, release_size: int, group: str, image: str, archive: str) -> dict[str, Any]:
    """Return the request that creates a checked model's package, without its quality report, which lies in a bucket.

    Image and archive are URIs. Facts or a card beyond SageMaker's limits are a RegistryProblem.
    """
    origin = {"GeneratedBy": model.run_pathspec}
    if "git_commit" in model.metadata:
        origin["CommitId"] = model.metadata["git_commit"]
    request = {
        "ModelPackageGroupName": group,
        # Without it botocore invents a new token per call, and a retried step registers twice.
        "ClientToken": model.token,
        "ModelApprovalStatus": PENDING,
        "InferenceSpecification": {
            "Containers": [{"Image": image, "ModelDataUrl": archive}],
            "SupportedContentTypes": CONTENT_TYPES,
            "SupportedResponseMIMETypes": CONTENT_TYPES,
        },
        "CustomerMetadataProperties": to_metadata(model, release_size),
        "MetadataProperties": origin,
    }
    if model.description:
        request["ModelPackageDescription"] = model.description
    if isinstance(model.evaluation, Evaluation):
        facts = {"run": model.run_pathspec, "release": model.release_id, **model.metadata}
        facts |= {"data_warnings": "; ".join(model.warnings)} if model.warnings else {}
        content = model_card(model.evaluation, model.definition, facts)
        request["ModelCard"] = {"ModelCardContent": content, "ModelCardStatus": "PendingReview"}
    return request


def quality_metrics(model: ModelToRegister, registry: Registry) -> dict[str, Any]:
    """Return the request's part on quality; the registry keeps the first test set's report."""
    if not isinstance(model.evaluation, Evaluation):
        return {}
    sha256 = registry.keep_report(model_quality_json(model.evaluation.on_first_test_set(model.definition)))
    statistics = {"ContentType": "application/json", "S3Uri": registry.report_location(sha256)}
    statistics |= {"ContentDigest": f"sha256:{sha256}"}
    return {"ModelMetrics": {"ModelQuality": {"Statistics": statistics}}}


def model_card(evaluation: Evaluation, definition: str, facts: Mapping[str, str]) -> str:
    """Return the content of one model's card, JSON text; what cannot be measured is left out, facts are shown as given.

    A card of more than 100,000 characters is a RegistryProblem.
    Source: SageMaker developer guide, "Model card JSON schema", the part that model packages take.
    """
    model, verdict = evaluation.models[definition], evaluation.verdicts[definition]
    budget = words.percent(evaluation.review_budget)
    use = f"Business definition '{definition}': {model.describe}. Review budget: {budget}."
    content = {
        "model_overview": {"model_creator": "scarcegan"},
        "intended_uses": {"purpose_of_model": evaluation.purpose, "intended_uses": use},
        "training_details": {"training_observations": evaluation.training(definition)},
        "evaluation_details": [
            _evaluated(name, measures, verdict, evaluation.words) for name, measures in model.test.items()
        ],
        "additional_information": {
            "caveats_and_recommendations": verdict.sentence[:LONGEST_TEXT],
            "custom_details": {name: text[:LONGEST_TEXT] for name, text in facts.items()},
        },
    }
    text = json.dumps(content, allow_nan=False, ensure_ascii=False)
    if len(text) > LONGEST_CARD:
        raise RegistryProblem(
            f"expected a model card of at most {words.count(LONGEST_CARD)} characters for '{definition}', got "
            f"{words.count(len(text))}: evaluate on fewer test sets"
        )
    return text


def _evaluated(name: str, measures: Measures, verdict: Verdict, their: Words) -> dict[str, Any]:
    data = [
        {"name": f"{metric}{suffix}", "type": "number", "value": value}
        for metric, figure in measures.intervals().items()
        for suffix, value in (("", figure.value), ("_low", figure.low), ("_high", figure.high))
        if math.isfinite(value)
    ]
    told = f"{measures.counted(their)}; 95 % intervals."
    return {
        "name": f"Test set {name}",
        "evaluation_observation": f"{told} {verdict.sentence}"[:LONGEST_TEXT],
        "metric_groups": [{"name": "At the threshold and over all thresholds", "metric_data": data}],
    }


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
