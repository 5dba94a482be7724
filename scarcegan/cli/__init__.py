"""The `scarcegan` command: a thin top floor over the rooms.

What takes its time to load (pandas, pyarrow, boto3, Metaflow) is imported inside the commands that need it.
"""

from scarcegan.cli.app import app

__all__ = ["app"]
