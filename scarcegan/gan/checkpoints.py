"""Checkpoints that survive a kill, a retry and a resume, and refuse to continue another training."""

import hashlib
import json
import os
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from scarcegan.problems import CheckpointProblem

_META = "meta.json"


class Copies(Protocol):
    """Keeps a copy of a checkpoint where another machine finds it.

    Attributes:
        location: where the copy is, for messages.
    """

    location: str

    def fetch(self, path: Path) -> None:
        """Bring the copy to a local path, if there is one."""

    def keep(self, path: Path) -> None:
        """Replace the copy by a local file; it is there whole or not at all."""


@dataclass(frozen=True)
class CheckpointFile:
    """The one checkpoint of one fold: the latest, replaced atomically.

    Attributes:
        path: the file; its folder is made when first saved.
        fingerprint: of data, settings, fold and code; a file with another one is refused.
        copies: where the file is kept beyond this machine, if it is; the copy counts then.
    """

    path: Path
    fingerprint: str
    copies: Copies | None = None

    def save(self, arrays: dict[str, np.ndarray], meta: dict[str, Any]) -> None:
        """Write arrays and plain metadata; a kill at any moment leaves the former checkpoint or the new one."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"fingerprint": self.fingerprint} | meta)
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, allow_pickle=False, **{_META: np.array(text)}, **arrays)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        finally:
            Path(name).unlink(missing_ok=True)
        if self.copies:
            self.copies.keep(self.path)

    def load(self) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """Return arrays and metadata of the latest checkpoint, or None where there is none yet.

        Raises:
            CheckpointProblem: the file cannot be read, or has another fingerprint.
        """
        if self.copies:
            self.copies.fetch(self.path)
        if not self.path.exists():
            return None
        place = self.copies.location if self.copies else self.path
        try:
            # opened here: given a path, NumPy leaves a broken zip file open
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            meta = json.loads(str(arrays.pop(_META)))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise CheckpointProblem(
                f"{place} is no readable checkpoint ({error}): delete it to train this fold from the start"
            ) from error
        if meta["fingerprint"] != self.fingerprint:
            raise CheckpointProblem(
                f"{place} belongs to another training: expected fingerprint {self.fingerprint}, got "
                f"{meta['fingerprint']}; data, settings, fold or code have changed; delete the file to train this fold "
                "from its start"
            )
        return arrays, meta


def training_fingerprint(data: str, settings: str, fold: int, *files: Path) -> str:
    """Return 16 hex digits that change with the data, the settings, the fold, this room's code or that in `files`."""
    code = hashlib.sha256()
    for path in (*sorted(Path(__file__).parent.glob("*.py")), *files):
        code.update(path.read_bytes())
    return hashlib.sha256(f"{data} {settings} {fold} {code.hexdigest()}".encode()).hexdigest()[:16]
