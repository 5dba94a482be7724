"""The model registry: one interface, its rules, and the backend on this machine."""

from scarcegan.registry.contract import Registry
from scarcegan.registry.local import LocalRegistry
from scarcegan.registry.versions import AgainstChampion, Decision, ModelToRegister, ModelVersion

__all__ = ["AgainstChampion", "Decision", "LocalRegistry", "ModelToRegister", "ModelVersion", "Registry"]
