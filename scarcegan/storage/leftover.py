"""What may be removed, as pruning finds, shows and removes it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from scarcegan.records import Record
from scarcegan.storage import SCRATCH, Stored, contents, join, remove, remove_folder

DAY_SECONDS = 86_400


class Leftover(Record):
    """A folder that may be removed, and the `files` that go before it; bytes in all, last written (since 1970)."""

    what: str
    folder: str
    size: int
    written: float
    files: tuple[str, ...] = ()

    def remove(self) -> None:
        """Remove it; what is gone already is no problem, so that an interrupted removal can be repeated."""
        for file in self.files:
            remove(file)
        remove_folder(self.folder)


def leftover(what: str, folder: str, inside: Sequence[Stored], first: Sequence[str] = (), size: int = 0) -> Leftover:
    """Describe a folder by the files inside; `first` are those that go before it, of `size` bytes where elsewhere."""
    size += sum(one.size for one in inside)
    return Leftover(what, folder, size, max(one.written for one in inside), tuple(first))


def by_folder(files: Iterable[Stored], depth: int = 1) -> dict[str, list[Stored]]:
    """Group files by the folder, so many levels down, that they lie in or below; those above it are left out."""
    found: defaultdict[str, list[Stored]] = defaultdict(list)
    for file in files:
        folders = file.name.split("/")[:-1]
        if len(folders) >= depth:
            found["/".join(folders[:depth])].append(file)
    return found


def drafts(place: str) -> Iterator[Leftover]:
    """Yield the drafts of files in and below a folder: of processes of other machines, or that cannot be told dead."""
    found: defaultdict[str, list[Stored]] = defaultdict(list)
    for file in contents(place):
        parts = file.name.split("/")
        depth = next((depth for depth, name in enumerate(parts[:-1], 1) if name.startswith(SCRATCH)), 0)
        if depth:
            found[join(place, "/".join(parts[:depth]))].append(file)
    for folder, files in found.items():
        yield leftover("draft", folder, files)
