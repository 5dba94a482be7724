"""One model as SageMaker's registry takes it."""

from typing import Any

from scarcegan.aws.bucket import Bucket
from scarcegan.aws.metadata import to_metadata
from scarcegan.registry.contract import ModelToRegister

CONTENT_TYPES = ["text/csv", "application/json"]


def package_request(
    model: ModelToRegister, release_size: int, group: str, image: str, bucket: Bucket
) -> dict[str, Any]:
    """Return the request that creates a model's package; its quality report is kept in the bucket on the way.

    Args:
        model: checked by `scarcegan.registry.rules.check_release`.
        release_size: models of its release.
        group: model package group.
        image: URI of the inference image.
        bucket: keeps the archive already.
    """
    request = {
        "ModelPackageGroupName": group,
        # Without it botocore invents a new token per call, and a retried step registers twice.
        "ClientToken": model.token,
        "ModelApprovalStatus": "PendingManualApproval",
        "InferenceSpecification": {
            "Containers": [{"Image": image, "ModelDataUrl": bucket.uri(model.sha256)}],
            "SupportedContentTypes": CONTENT_TYPES,
            "SupportedResponseMIMETypes": CONTENT_TYPES,
        },
        "CustomerMetadataProperties": to_metadata(model, release_size),
    }
    return request | _shown(model, bucket)


def _shown(model: ModelToRegister, bucket: Bucket) -> dict[str, Any]:
    """Return what SageMaker shows of a model where it is known: origin, description, quality, card."""
    origin = {"GeneratedBy": model.run_pathspec}
    if "git_commit" in model.metadata:
        origin["CommitId"] = model.metadata["git_commit"]
    shown: dict[str, Any] = {"MetadataProperties": origin}
    if model.description:
        shown["ModelPackageDescription"] = model.description
    if model.model_quality:
        uri, digest = bucket.keep_report(model.model_quality)
        statistics = {"ContentType": "application/json", "S3Uri": uri, "ContentDigest": digest}
        shown["ModelMetrics"] = {"ModelQuality": {"Statistics": statistics}}
    if model.model_card:
        shown["ModelCard"] = {"ModelCardContent": model.model_card, "ModelCardStatus": "PendingReview"}
    return shown
