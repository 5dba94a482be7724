"""The `scarcegan` command: a thin top floor over the rooms."""

from scarcegan.cli.app import app

__all__ = ["app"]
