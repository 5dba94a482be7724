"""The model registry: one interface, two backends."""

from pathlib import Path

from scarcegan import settings
from scarcegan.problems import RegistryProblem
from scarcegan.project import project_folder, project_root
from scarcegan.registry.contract import Decision, ModelToRegister, ModelVersion, Registry
from scarcegan.registry.local import LocalRegistry

__all__ = ["Decision", "ModelToRegister", "ModelVersion", "Registry", "open_registry"]


def open_registry(chosen: settings.Registry) -> Registry:
    """Open the registry that the settings name.

    A relative `path` counts from the project's root, so that a flow started in `flows/` and a command typed
    at the root find the same registry. Nothing is created before the first registration.

    Raises:
        RegistryProblem: the backend is not available.
    """
    if chosen.kind == "sagemaker":
        raise RegistryProblem(
            "expected registry.kind = 'local', got 'sagemaker', which is not built in yet: use 'local'"
        )
    folder = project_root() / Path(chosen.path) if chosen.path else project_folder("registry")
    return LocalRegistry(folder, chosen.group)
