"""One model as SageMaker's registry takes it."""

from collections.abc import Callable
from typing import Any

from scarcegan.aws.metadata import to_metadata
from scarcegan.aws.model_card import model_card
from scarcegan.aws.model_quality import model_quality_json
from scarcegan.evaluation.records import Evaluation
from scarcegan.registry.versions import PENDING, ModelToRegister

CONTENT_TYPES = ["text/csv", "application/json", "application/jsonlines"]


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


def quality_metrics(model: ModelToRegister, keep_report: Callable[[str], tuple[str, str]]) -> dict[str, Any]:
    """Return the request's part on quality; `keep_report` stores the first test set's and returns URI and digest."""
    if not isinstance(model.evaluation, Evaluation):
        return {}
    uri, digest = keep_report(model_quality_json(model.evaluation.on_first_test_set(model.definition)))
    statistics = {"ContentType": "application/json", "S3Uri": uri, "ContentDigest": digest}
    return {"ModelMetrics": {"ModelQuality": {"Statistics": statistics}}}
