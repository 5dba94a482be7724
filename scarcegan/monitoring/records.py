"""What earlier periods found: one JSON file per scored snapshot and champion, written whole."""

import json
from typing import TypeVar

from scarcegan.problems import Problem, StorageOutage
from scarcegan.records import Record
from scarcegan.storage import find_bytes, join, list_names, remove, write_bytes

R = TypeVar("R", bound=Record)


class Records:
    """A small folder, local or `s3://`, made by the first record.

    A file that is damaged, or that other code has written in another form, must not stop the watch: it is left out
    and named in `unreadable`. A folder that cannot be written is a DataProblem.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.unreadable: list[str] = []

    def claim(self, name: str, record: Record) -> bool:
        """Write a record unless there is one of that name; of several writers at once exactly one is told True."""
        return write_bytes(self._at(name), record.to_json(), once=True)

    def put(self, name: str, record: Record) -> None:
        """Write a record in the place of the one of that name, if there is one; of several writers the last wins."""
        write_bytes(self._at(name), record.to_json())

    def withdraw(self, name: str) -> None:
        """Take a claim back: what it stood for did not happen."""
        remove(self._at(name))

    def find(self, name: str, kind: type[R]) -> R | None:
        """Return the record of that name, if there is one that can be read."""
        try:
            content = find_bytes(self._at(name))
            return None if content is None else kind.from_plain(json.loads(content))
        except StorageOutage:  # another try may read it
            raise
        except (ValueError, RecursionError, Problem) as error:
            reason = (
                f"the record {self._at(name)} cannot be read and is left out ({error}): remove the file, or score its "
                "snapshot again"
            )
            self.unreadable += [reason] if reason not in self.unreadable else []
            return None

    def before(self, cutoff: str, kind: type[R]) -> list[R]:
        """Return the records, named by cut-off (ISO) first, of all earlier cut-offs, oldest first."""
        names = [name.removesuffix(".json") for name in list_names(self.folder) if name.endswith(".json")]
        # ISO dates sort as text: the name alone tells who is earlier.
        found = [self.find(name, kind) for name in names if name[: len(cutoff)] < cutoff]
        return [record for record in found if record is not None]

    def _at(self, name: str) -> str:
        return join(self.folder, f"{name}.json")
