"""Which backend the settings name: the one place that knows both the rooms and what AWS has for them."""

from pathlib import Path

from scarcegan import settings
from scarcegan.problems import RegistryProblem
from scarcegan.project import project_folder, project_root
from scarcegan.registry import LocalRegistry, Registry
from scarcegan.snapshots import SnapshotWriter, open_snapshots


def open_registry(chosen: settings.Registry) -> Registry:
    """Open the registry that the settings name.

    A relative `path` counts from the project's root, so that a flow started in `flows/` and a command typed
    at the root find the same registry. Nothing is created before the first registration.

    Raises:
        RegistryProblem: the kind is unknown; SageMaker is chosen, but `archives` is not set, or no image is known to
            serve a model.
    """
    if chosen.kind == "sagemaker":
        # boto3 takes a second to import: `scarcegan models list` on a laptop does without.
        from scarcegan.aws.sagemaker import open_sagemaker

        return open_sagemaker(chosen)
    if chosen.kind != "local":
        raise RegistryProblem(f"expected registry.kind 'local' or 'sagemaker', got '{chosen.kind}': set one of them")
    folder = project_root() / Path(chosen.path) if chosen.path else project_folder("registry")
    return LocalRegistry(folder, chosen.group)


def snapshot_writers(chosen: settings.Snapshots) -> list[SnapshotWriter]:
    """Return what publishes a snapshot: the store, then the SageMaker feature group if one is named."""
    store = open_snapshots(chosen.folder)
    if not chosen.feature_group:
        return [store]
    from scarcegan.aws.feature_group import FeatureGroup

    return [store, FeatureGroup(chosen, store)]
