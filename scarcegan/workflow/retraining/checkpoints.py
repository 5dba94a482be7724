"""Where the checkpoints of a run are: a folder on this machine, or S3 where its tasks move between machines."""

import shutil
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from scarcegan import storage
from scarcegan.project import project_folder

if TYPE_CHECKING:
    from scarcegan.gan.checkpoints import CheckpointFile


def checkpoint_at(location: str, fingerprint: str) -> "CheckpointFile":
    """Return the checkpoint of one fold at a path or an `s3://` address.

    Saving to S3 and loading from it raise a DataProblem where S3 refuses for good.
    """
    # Imported here: TensorFlow comes along, and a run's last step, which drops the checkpoints, needs none.
    from scarcegan.gan.checkpoints import CheckpointFile

    if not storage.is_s3(location):
        return CheckpointFile(Path(location), fingerprint)
    copies = InStorage(location)
    return CheckpointFile(copies.draft, fingerprint, copies)


def checkpoint_folder(flow: str, run: str, shared_prefix: str) -> str:
    """Return the folder of a run's checkpoints.

    Args:
        flow: its name.
        run: id of the first run of a chain of resumes.
        shared_prefix: where artifacts are on S3, as the next task may run on another machine; empty for this machine.
    """
    if shared_prefix:
        return f"{shared_prefix}/{flow}/checkpoints/{run}"
    return str(project_folder("checkpoints") / flow / run)


def drop_checkpoints(folder: str, names: list[str]) -> None:
    """Remove the checkpoints of a run that nobody needs any more: a whole local folder, or these names on S3.

    Raises:
        DataProblem: they cannot be removed.
    """
    if not storage.is_s3(folder):
        storage.remove_folder(folder)
        return
    for name in names:
        storage.remove(storage.join(folder, name))


class InStorage:
    """A checkpoint's copy on S3.

    Attributes:
        location: where the copy is.
        draft: the file on this machine, in a folder of its own that goes with this object or the process.
    """

    def __init__(self, location: str) -> None:
        self.location = location
        folder = tempfile.mkdtemp(prefix="scarcegan-")
        self.draft = Path(folder, Path(location).name)
        # TemporaryDirectory would warn of itself here: a fold may end anywhere, and has no `with` around it.
        weakref.finalize(self, shutil.rmtree, folder)

    def fetch(self, path: Path) -> None:
        """Bring the copy to a local path, if there is one."""
        if storage.is_file(self.location):
            with storage.local_file(self.location) as copy:
                shutil.move(copy, path)

    def keep(self, path: Path) -> None:
        """Replace the copy by a local file."""
        storage.put_file(path, self.location)
