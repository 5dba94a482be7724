"""What earlier periods found: one JSON file per scored snapshot and champion, written once and never changed."""

import json
from typing import Any

from scarcegan.problems import DataProblem
from scarcegan.storage import find_bytes, join, list_names, remove, write_bytes


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
        return content if self.claim(name, content) else self.find(name) or content

    def claim(self, name: str, content: dict[str, Any]) -> bool:
        """Write a record unless there is one of that name; of several writers at once exactly one is told True."""
        text = json.dumps(content, indent=1, allow_nan=False) + "\n"
        return write_bytes(self._at(name), text.encode(), once=True)

    def withdraw(self, name: str) -> None:
        """Take a claim back: what it stood for did not happen."""
        remove(self._at(name))

    def find(self, name: str) -> dict[str, Any] | None:
        """Return the record of that name, if there is one."""
        content = find_bytes(self._at(name))
        try:
            return None if content is None else dict(json.loads(content))
        except ValueError as error:
            raise DataProblem(
                f"expected a drift record in JSON at {self._at(name)}, got {error}: remove the file"
            ) from error

    def before(self, cutoff: str) -> list[dict[str, Any]]:
        """Return the records, named by cut-off (ISO) first, of all earlier cut-offs, oldest first."""
        names = [name.removesuffix(".json") for name in list_names(self.folder) if name.endswith(".json")]
        found = [self.find(name) for name in names if name[: len(cutoff)] < cutoff]
        return [record for record in found if record is not None]

    def _at(self, name: str) -> str:
        return join(self.folder, f"{name}.json")
