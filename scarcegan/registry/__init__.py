"""The model registry: one interface, its rules, and the backend on this machine."""

from scarcegan.registry.contract import Decision, ModelToRegister, ModelVersion, Registry
from scarcegan.registry.local import LocalRegistry

__all__ = ["Decision", "LocalRegistry", "ModelToRegister", "ModelVersion", "Registry"]
