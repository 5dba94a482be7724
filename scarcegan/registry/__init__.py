"""The model registry: one interface, two backends."""

from pathlib import Path

from scarcegan import settings
from scarcegan.project import project_folder, project_root
from scarcegan.registry.contract import Decision, ModelToRegister, ModelVersion, Registry
from scarcegan.registry.local import LocalRegistry

__all__ = ["Decision", "ModelToRegister", "ModelVersion", "Registry", "open_registry"]


def open_registry(chosen: settings.Registry) -> Registry:
    """Open the registry that the settings name.

    A relative `path` counts from the project's root, so that a flow started in `flows/` and a command typed
    at the root find the same registry. Nothing is created before the first registration.

    Raises:
        RegistryProblem: SageMaker is chosen, but `archives` is not set, or no image is known to serve a model.
    """
    if chosen.kind == "sagemaker":
        # boto3 takes a second to import: `scarcegan models list` on a laptop does without.
        from scarcegan.registry.sagemaker import open_sagemaker

        return open_sagemaker(chosen)
    folder = project_root() / Path(chosen.path) if chosen.path else project_folder("registry")
    return LocalRegistry(folder, chosen.group)
