"""Which backend the settings name: the one place that knows both the rooms and what AWS has for them."""

from pathlib import Path

from scarcegan import settings
from scarcegan.problems import RegistryProblem
from scarcegan.project import located
from scarcegan.registry import LocalRegistry, Registry
from scarcegan.snapshots import Manifest, open_snapshots
from scarcegan.storage import is_s3


def open_registry(chosen: settings.Registry) -> Registry:
    """Open the registry that the settings name; nothing is created before the first registration.

    Raises:
        RegistryProblem: the local registry is to lie on S3; or SageMaker is chosen, but `archives` is not set, or no
            image is known to serve a model.
    """
    registry: Registry
    if chosen.kind == "local":
        folder = located(chosen.path or ".scarcegan/registry")
        if is_s3(folder):
            raise RegistryProblem(
                f"expected a folder of this machine in registry.path, got '{folder}': name one, or set registry.kind = "
                "'sagemaker' and registry.archives"
            )
        registry = LocalRegistry(Path(folder), chosen.group)
    else:
        # boto3 takes a second to import: `scarcegan models list` on a laptop does without.
        from scarcegan.aws.sagemaker import open_sagemaker

        registry = open_sagemaker(chosen)
    registry.four_eyes, registry.approval_days = chosen.four_eyes, chosen.approval_days
    return registry


def publish_snapshot(manifest: Manifest, chosen: settings.Snapshots) -> Manifest:
    """Publish a snapshot in the store and hand it to the SageMaker feature group, if one is named."""
    store = open_snapshots(chosen.folder)
    published = store.publish(manifest)
    if chosen.feature_group:
        from scarcegan.aws.feature_group import FeatureGroup

        FeatureGroup(chosen, store).publish(published)
    return published
