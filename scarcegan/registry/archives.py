"""Archives kept by content in a local folder: `<folder>/<sha256>.tar.gz`, whole or not there."""

import shutil
from pathlib import Path

from scarcegan.problems import RegistryProblem
from scarcegan.registry.rules import check_digest
from scarcegan.storage import new_file


def archive_path(folder: Path, sha256: str) -> Path:
    """Return where the archive with that digest lies, or would lie."""
    return folder / f"{sha256}.tar.gz"


def keep_archive(archive: Path, folder: Path, sha256: str) -> Path:
    """Copy an archive into the folder, over a damaged one, and return it; a RegistryProblem if its digest differs."""
    kept = archive_path(folder, sha256)
    try:
        check_digest(kept, sha256)
    except RegistryProblem:
        with new_file(str(kept)) as draft:
            shutil.copyfile(archive, draft)
            # The copy is checked before it takes its place: a damaged one never has this name.
            check_digest(draft, sha256)
    return kept
