"""Archives kept by content: `<folder>/<sha256>.tar.gz`, whole or not there."""

import os
import shutil
import uuid
from pathlib import Path

from scarcegan.problems import RegistryProblem
from scarcegan.registry.rules import check_digest


class ArchiveFolder:
    """A folder of model archives, each named by its digest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, sha256: str) -> Path:
        """Return where the archive with that digest lies, or would lie."""
        return self.folder / f"{sha256}.tar.gz"

    def keep(self, archive: Path, sha256: str) -> None:
        """Copy an archive into the folder; a kept one that was damaged since is replaced.

        Raises:
            RegistryProblem: the copy has another digest.
        """
        if self._is_whole(sha256):
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / f".{sha256}.{uuid.uuid4().hex}"
        try:
            with draft.open("xb") as copy, archive.open("rb") as original:
                shutil.copyfileobj(original, copy)
                copy.flush()
                os.fsync(copy.fileno())
            check_digest(draft, sha256)
            draft.replace(self.path(sha256))
        finally:
            draft.unlink(missing_ok=True)

    def fetch(self, sha256: str) -> Path:
        """Return the path of a kept archive.

        Raises:
            RegistryProblem: it is missing or was changed.
        """
        check_digest(self.path(sha256), sha256)
        return self.path(sha256)

    def _is_whole(self, sha256: str) -> bool:
        try:
            self.fetch(sha256)
        except RegistryProblem:
            return False
        return True
