"""Checkpoints that survive a kill, a retry and a resume, and refuse to continue another training."""

import hashlib
import io
import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scarcegan.problems import CheckpointProblem
from scarcegan.storage import find_bytes, new_file

_META = "meta.json"
# A changed byte in an archive's head asks for what zipfile does not do: a RuntimeError.
_DAMAGED = (OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError)


@dataclass(frozen=True)
class CheckpointFile:
    """The one checkpoint of one fold: the latest, which replaces the one before.

    It is on S3 where tasks move between machines. A file with another fingerprint is refused.
    """

    location: str
    fingerprint: str

    def save(self, arrays: dict[str, np.ndarray], meta: dict[str, Any]) -> None:
        """Write arrays and plain metadata; a kill at any moment leaves the former checkpoint or the new one."""
        # Metadata go into the arrays' file: after a kill, two files could be of two rounds.
        text = json.dumps({"fingerprint": self.fingerprint} | meta)
        # Opened here: to a path, NumPy adds `.npz`.
        with new_file(self.location) as draft, draft.open("wb") as file:
            np.savez(file, allow_pickle=False, **{_META: np.array(text)}, **arrays)

    def load(self) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """Return arrays and metadata of the latest checkpoint, or None where there is none yet.

        Raises:
            CheckpointProblem: the file cannot be read, or has another fingerprint.
        """
        content = find_bytes(self.location)
        if content is None:
            return None
        try:
            # Without pickle: whoever can write the file must not be able to run code here.
            with np.load(io.BytesIO(content), allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            meta = dict(json.loads(str(arrays.pop(_META))))
            found = meta["fingerprint"]
        except (*_DAMAGED, zlib.error, zipfile.BadZipFile) as error:
            raise CheckpointProblem(
                f"{self.location} is no readable checkpoint ({error!r}): delete it to train this fold from the start"
            ) from error
        if found != self.fingerprint:
            raise CheckpointProblem(
                f"{self.location} belongs to another training: expected fingerprint {self.fingerprint}, got "
                f"{found}; data, settings, fold or code have changed; delete the file to train this fold "
                "from its start"
            )
        return arrays, meta


def training_fingerprint(data: str, settings: str, fold: int, *files: Path) -> str:
    """Return 16 hex digits that change with the data, the settings, the fold, this room's code or that in `files`."""
    code = hashlib.sha256()
    for path in (*sorted(Path(__file__).parent.glob("*.py")), *files):
        code.update(path.read_bytes())
    return hashlib.sha256(f"{data} {settings} {fold} {code.hexdigest()}".encode()).hexdigest()[:16]
