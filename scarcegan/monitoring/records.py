"""What earlier periods found: one JSON file per scored snapshot and champion, written once and never changed."""

import json
from typing import Any

from scarcegan.problems import DataProblem
from scarcegan.storage import is_folder, join, list_names, read_bytes, remove, write_once


class Records:
    """A small append-only folder, local or `s3://`.

    Args:
        folder: of the records of one business definition of one registry group; made by the first record.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def keep(self, name: str, content: dict[str, Any]) -> dict[str, Any]:
        """Write a record unless there is one of that name, and return the one that is there.

        A retry, a resume or a second scoring of the same snapshot gets the record of the first.

        Raises:
            DataProblem: the folder cannot be written, or the record there is no JSON.
        """
        return content if self.claim(name, content) else self._read(f"{name}.json")

    def claim(self, name: str, content: dict[str, Any]) -> bool:
        """Write a record unless there is one of that name; of several writers at once exactly one is told True."""
        location = join(self.folder, f"{name}.json")
        return write_once(location, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())

    def withdraw(self, name: str) -> None:
        """Take a claim back: what it stood for did not happen."""
        remove(join(self.folder, f"{name}.json"))

    def find(self, name: str) -> dict[str, Any] | None:
        """Return the record of that name, if there is one."""
        return self._read(f"{name}.json") if f"{name}.json" in self._names() else None

    def before(self, cutoff: str) -> list[dict[str, Any]]:
        """Return the records, named by cut-off (ISO) first, of all earlier cut-offs, oldest first."""
        return [self._read(name) for name in self._names() if name[: len(cutoff)] < cutoff]

    def _names(self) -> list[str]:
        if not is_folder(self.folder):
            return []
        return [name for name in list_names(self.folder) if name.endswith(".json")]

    def _read(self, name: str) -> dict[str, Any]:
        location = join(self.folder, name)
        try:
            record: dict[str, Any] = json.loads(read_bytes(location))
        except ValueError as error:
            raise DataProblem(f"expected a drift record in JSON at {location}, got {error}: remove the file") from error
        return record
