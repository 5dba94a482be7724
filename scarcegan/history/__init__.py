"""What was trained before: runs, their settings, metrics and curves as pandas frames for notebooks."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scarcegan.history.api import *  # noqa: F403


def __getattr__(name: str) -> Any:
    """Load the functions at first use: Metaflow and pandas take a second, and `records` does without them."""
    return getattr(import_module("scarcegan.history.api"), name)
