"""Files at a location, which is a local path or an `s3://` address: the same functions for both.

A file is seen whole or not at all. On a disk it is written as a draft beside its place, synced and renamed; then its
folder is synced. S3 shows no half objects. Names that begin with `.` or `_` (drafts, `_SUCCESS`) or end with
`_$folder$` (Hadoop's mark of a folder) are hidden, with all that is below them: no list has them; who knows the name
can read, write and remove them, and they go with their folder.

Every function raises a DataProblem where somebody has to mend something (an address, permissions, credentials), and a
StorageOutage where S3 or the way to it stays down for all of its tries: a later try may succeed.
"""

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile, gettempdir

from scarcegan.machine import is_alive, this_process
from scarcegan.problems import DataProblem
from scarcegan.records import Record
from scarcegan.storage import s3

_FULL = (errno.ENOSPC, errno.EDQUOT)
# What a disk says of itself, whichever file it is about.
_DISK_REFUSES = (*_FULL, errno.EROFS, errno.EIO, errno.EFBIG)
_NAMES_NOT_SYNCED = (errno.EACCES, errno.EPERM, errno.EINVAL, errno.ENOTSUP)
_SHOWN = 300
SCRATCH = ".scarcegan-"
# Machine, number and beginning of the process that has made it.
_OWNER = re.compile(rf"{re.escape(SCRATCH)}(.+)_(\d+)_(\d*)_.{{8}}")


def join(folder: str, name: str) -> str:
    """Return the location of `name` inside a folder."""
    return f"{folder.rstrip('/')}/{name}"


def is_s3(location: str) -> bool:
    """Tell whether a location is an `s3://` address."""
    return location.startswith("s3://")


def is_file(location: str) -> bool:
    """Tell whether there is a file."""
    if is_s3(location):
        return s3.is_object(location)
    with _on_disk(location):
        return Path(location).is_file()


def list_names(folder: str) -> list[str]:
    """List the names of the files and folders directly in a folder, sorted; none where there is no folder."""
    names: list[str] = []
    if is_s3(folder):
        names = [name.rstrip("/") for name in s3.names_below(folder, Delimiter="/")]
    else:
        with _on_disk(folder), suppress(FileNotFoundError):
            names = os.listdir(folder)
    return sorted(name for name in names if not _is_hidden(name))


class Stored(Record):
    """A file in a folder: its name relative to that, its bytes, and when it was written, in seconds since 1970."""

    name: str
    size: int
    written: float


def contents(folder: str) -> list[Stored]:
    """List all files in and below a folder, hidden ones too; none where there is no folder."""
    if is_s3(folder):
        return [Stored(*item) for item in s3.objects_below(folder)]
    found = []
    with _on_disk(folder):
        for path in Path(folder).rglob("*"):
            # Files come and go while others work.
            with suppress(FileNotFoundError):
                if path.is_file() and not path.is_symlink():
                    told = path.stat()
                    found.append(Stored(str(path.relative_to(folder)), told.st_size, told.st_mtime))
    return found


def find_parts(location: str) -> list[str]:
    """Return the location itself if it is a file, or the files in and below it, sorted; a DataProblem if none.

    Files without a byte, which writers leave where a task had no rows, are passed over if others have some.
    """
    sizes = files_below(location)
    found = [file for file, size in sizes.items() if size] or list(sizes)
    if not found and not is_file(location):
        raise DataProblem(
            f"expected a file or a folder of parts at {location}, found nothing: check the path and its files"
        )
    return found or [location]


def files_below(folder: str) -> dict[str, int]:
    """Return the files in and below a folder, which is there, with their bytes, sorted."""
    sizes = {one.name: one.size for one in contents(folder)} if is_s3(folder) else _sizes_below(folder)
    # By segments: as text `a-b/c` would come before `a/c`.
    paths = sorted(name.split("/") for name in sizes)
    names = ["/".join(path) for path in paths if not any(map(_is_hidden, path))]
    return {join(folder, name): sizes[name] for name in names}


@contextmanager
def local_file(location: str) -> Iterator[Path]:
    """Give a local path to read a file from: the file itself, or a temporary copy of an S3 object."""
    if not is_s3(location):
        yield Path(location)
        return
    with scratch_folder() as folder:
        path = Path(folder, Path(location).name)
        with s3.asking(location) as (client, place):
            client.download_file(**place, Filename=str(path))
        yield path


def first_bytes(location: str, count: int) -> bytes:
    """Return the first bytes of a file, which is there; fewer of a shorter one."""
    if not is_s3(location):
        with _on_disk(location), Path(location).open("rb") as file:
            return file.read(count)
    with s3.asking(location) as (client, place):
        body = client.get_object(**place)["Body"]
        with body:
            return bytes(body.read(count))


def find_bytes(location: str) -> bytes | None:
    """Return the content of a small file, or None where there is none."""
    if not is_s3(location):
        with _on_disk(location), suppress(FileNotFoundError):
            return Path(location).read_bytes()
        return None
    with s3.asking(location) as (client, place), suppress(client.exceptions.NoSuchKey):
        return bytes(client.get_object(**place)["Body"].read())
    return None


def sha256_of(path: Path) -> str:
    """Return the digest of a local file's bytes."""
    with _on_disk(str(path)), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def scratch_folder(inside: str | None = None) -> Iterator[Path]:
    """Give a folder for files of a moment, `inside` a local one or where the machine keeps such files.

    A disk that refuses what the block writes there is a DataProblem, too.
    """
    shown = inside or "the machine's folder for temporary files"
    with _on_disk(shown, "write"):
        if inside:
            os.makedirs(inside, exist_ok=True)
        _sweep(inside or gettempdir())
        scratch = TemporaryDirectory(prefix=f"{SCRATCH}{this_process().replace(' ', '_')}_", dir=inside)
    try:
        with scratch:
            yield Path(scratch.name)
    except OSError as error:
        # Other errors of the block are not about this disk.
        if error.errno in _DISK_REFUSES or str(error.filename or "").startswith(scratch.name):
            raise _problem(shown, "write", error) from error
        raise


def _sweep(folder: str) -> None:
    """Remove what processes of this machine that have died, killed for instance, left of their scratch folders."""
    with suppress(OSError):  # a folder may be written and not listed
        for name in filter(is_abandoned, os.listdir(folder)):
            shutil.rmtree(os.path.join(folder, name), ignore_errors=True)


def is_abandoned(name: str) -> bool:
    """Tell whether a name is that of a scratch folder of a process of this machine that has died."""
    found = _OWNER.fullmatch(name)
    return found is not None and is_alive(" ".join(found.groups())) is False


@contextmanager
def draft_beside(folder: str) -> Iterator[Path]:
    """Give a local path to write a file to, for `put_file` to move into the folder; else it is forgotten."""
    # In the folder itself: a rename from another disk would copy, and show half a file.
    with scratch_folder(None if is_s3(folder) else folder) as scratch:
        yield scratch / "draft"


def put_file(draft: Path, location: str, *, once: bool = False) -> bool:
    """Move a file from `draft_beside` to its location, where folders are made and what is there is replaced.

    With `once` what is there stays: of several writers at once exactly one is told True.
    """
    if is_s3(location):
        return s3.put(draft, location, once)
    with _on_disk(location, "write"):
        os.makedirs(_folder(location), exist_ok=True)
        with draft.open("rb") as file:
            os.fsync(file.fileno())  # renamed before, it may be empty after a power cut
        try:
            # A link fails where there is a file already; a rename would replace it.
            (os.link if once else os.replace)(draft, location)
        except FileExistsError:
            return False
        _keep_names(_folder(location))
    return True


def _keep_names(folder: str) -> None:
    """Let the names in a folder outlast a power cut, too; not where its permissions or its file system forbid that."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NAMES_NOT_SYNCED:
            raise


@contextmanager
def new_file(location: str) -> Iterator[Path]:
    """Give a local path to write a file to; it is at its location when the block has ended well, else nowhere."""
    with draft_beside(_folder(location)) as draft:
        yield draft
        put_file(draft, location)


def write_bytes(location: str, content: bytes, *, once: bool = False) -> bool:
    """Write a small file, see `put_file`."""
    with draft_beside(_folder(location)) as draft:
        draft.write_bytes(content)
        return put_file(draft, location, once=once)


def require_writable(folder: str) -> None:
    """Write a little in a folder, or where it would be made, and take it away again; a DataProblem if that is refused.

    On S3 an empty hidden object stays where objects may be written but not removed.
    """
    if is_s3(folder):
        location = join(folder, ".writable")
        write_bytes(location, b"", once=True)
        with suppress(DataProblem):
            remove(location)
        return
    with _on_disk(folder, "write"):
        place = Path(folder)
        while not place.exists() and place != place.parent:
            place = place.parent
        with TemporaryFile(dir=place) as file:
            file.write(bytes(1 << 16))  # an empty file would fit on a full disk
            file.flush()


def remove(location: str) -> None:
    """Remove a file; one that is not there is no problem."""
    if is_s3(location):
        with s3.asking(location, "remove") as (client, place):
            client.delete_object(**place)
        return
    with _on_disk(location, "remove"):
        Path(location).unlink(missing_ok=True)


def remove_folder(folder: str) -> None:
    """Remove a folder with all that is in it, hidden or not; one that is not there is no problem."""
    if is_s3(folder):
        s3.remove_below(folder)
        return
    with _on_disk(folder, "remove"):
        if Path(folder).is_dir():
            shutil.rmtree(folder)


def _folder(location: str) -> str:
    return os.path.dirname(location) or "."


def _sizes_below(location: str) -> dict[str, int]:
    with _on_disk(location):
        os.stat(location)  # says what is wrong with a path, where `is_file` only says no
    sizes, whole, followed = dict[str, int](), os.path.realpath(location), set[str]()

    def is_entered(folder: str) -> bool:
        """Tell whether to look into a folder: through a link once, and not to what is looked at without it."""
        real = os.path.realpath(folder)
        is_again = real in followed or os.path.commonpath([real, whole]) in (real, whole)
        followed.add(real)
        return not (os.path.islink(folder) and is_again)

    for folder, below, names in os.walk(location, onerror=_refuse, followlinks=True):
        below[:] = [name for name in below if not _is_hidden(name) and is_entered(join(folder, name))]
        for path in (join(folder, name) for name in names if not _is_hidden(name)):
            if os.path.lexists(path):  # files come and go while others work
                with _on_disk(path):
                    size = os.stat(path).st_size  # what a link points to must be there
                if os.path.isfile(path):
                    sizes[os.path.relpath(path, location)] = size
    return sizes


def _refuse(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):  # gone since, or one file
        raise _problem(str(error.filename), "read", error) from error


@contextmanager
def _on_disk(location: str, verb: str = "read") -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:  # a ValueError: a path with a NUL
        raise _problem(location, verb, error) from error


def _problem(location: str, verb: str, error: Exception) -> DataProblem:
    number, told = getattr(error, "errno", None), getattr(error, "strerror", None) or str(error)
    advice = "free some room there and try again" if number in _FULL else "check the path and its permissions"
    shown = location if len(location) <= _SHOWN else f"{location[:_SHOWN]}... ({len(location)} characters)"
    return DataProblem(f"cannot {verb} {shown}: {told}; {advice}")


def _is_hidden(name: str) -> bool:
    # S3's marker of a folder has an empty name.
    return not name or name.startswith((".", "_")) or name.endswith("_$folder$")
