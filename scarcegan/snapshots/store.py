"""Snapshots in a folder or under an S3 prefix: `<folder>/<name>/manifest.json` and its parts.

A part's name carries its digest, so parts of two contents never overwrite each other; a snapshot exists from the
moment its manifest is written, which happens once. Nothing changes it after that, but that a player is forgotten, see
`scarcegan.snapshots.forgetting`. A name that ends with a date ends with the snapshot's cut-off, so that a list of names
is enough to know which manifests to read.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scarcegan import storage
from scarcegan.data.columns import Column, describe
from scarcegan.problems import DataProblem
from scarcegan.project import located
from scarcegan.records import Record
from scarcegan.snapshots.manifest import Manifest, Part, read_manifest

MANIFEST = "manifest.json"
ID = "player_id"
# Of manifests that are read at once: each is one request, which waits more than it works.
READERS = 8
PUBLISH = "publish it with `scarcegan snapshots publish TABLE` or, from telemetry, with `scarcegan features`"
_DATE = re.compile(r"\d{4}-\d\d-\d\d$")


class Snapshot(Record):
    """A snapshot in memory: unique ids, int64 or str array [n], and features.

    These are float32 [n, F], columns as in `manifest.frame.columns`; [n, 0] if only the ids were read.
    """

    manifest: Manifest
    ids: np.ndarray
    features: np.ndarray


class SnapshotStore:
    """Snapshots in one folder, local or `s3://`.

    A manifest that cannot be read must not hide the other snapshots: lists leave it out, and `left_out` names it.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.left_out: list[str] = []

    def write_part(
        self, name: str, number: int, ids: np.ndarray, features: np.ndarray, columns: tuple[str, ...]
    ) -> tuple[Part, list[Column]]:
        """Write one part of a snapshot to come, atomically: uncompressed parquet with `player_id` and float32 features.

        The part and its columns are for `describe_snapshot`; without players there is no file and no column.
        """
        if not len(ids):
            return Part("", 0, "", "", ""), []
        # A draft first: the file's name holds the digest of its bytes.
        with storage.draft_beside(storage.join(self.folder, name)) as draft:
            _write(draft, ids, features, columns)
            sha256 = storage.sha256_of(draft)
            file = f"part-{number:05d}-{sha256[:16]}.parquet"
            storage.put_file(draft, self.at(name, file))
        id_type = "int64" if np.issubdtype(ids.dtype, np.integer) else "string"
        return Part(file, len(ids), id_type, _content(ids, features), sha256), describe(features)

    def publish(self, manifest: Manifest) -> Manifest:
        """Make a described snapshot one, and return its manifest; the same again changes nothing.

        Raises:
            DataProblem: the name is taken by other content, the parts of which are removed.
        """
        if _DATE.search(manifest.name) and not manifest.name.endswith(manifest.frame.cutoff):
            raise DataProblem(
                f"expected a name that ends with the cut-off {manifest.frame.cutoff}, got '{manifest.name}': rename it"
            )
        location = self.at(manifest.name, MANIFEST)
        # `once`: of two publishers at the same moment one wins, and the other finds its manifest there.
        if storage.write_bytes(location, manifest.to_json(), once=True):
            return manifest
        published = self.describe(manifest.name)
        kept = {part.file for part in published.parts}
        for part in manifest.parts:
            if part.file not in kept:
                storage.remove(self.at(manifest.name, part.file))
        # Published again with a player who was forgotten since: the player stays forgotten.
        if manifest.fingerprint not in (published.fingerprint, *published.forgotten):
            raise DataProblem(
                f"snapshot '{manifest.name}' in {self.folder} is published with fingerprint {published.fingerprint} "
                f"(cut-off {published.frame.cutoff}, {published.players} players) and stays as it is; got other "
                f"content, {manifest.fingerprint} ({manifest.players} players): publish it under another name"
            )
        return published

    def names(self) -> list[str]:
        """List the names of all published snapshots."""
        return [manifest.name for manifest in self.snapshots()]

    def snapshots(self) -> list[Manifest]:
        """Return the manifests of all published snapshots, by cut-off and name."""
        with ThreadPoolExecutor(READERS) as readers:
            found = readers.map(self._listed, storage.list_names(self.folder))
        return sorted(filter(None, found), key=lambda one: (one.frame.cutoff, one.name))

    def latest(self, prefix: str) -> Manifest | None:
        """Return the snapshot of the latest cut-off whose name begins with a prefix, if there is one."""
        return next(self._latest_first(prefix=prefix), None)

    def before(self, manifest: Manifest) -> Manifest | None:
        """Return the latest snapshot of an earlier cut-off with the same window and columns, if there is one."""
        frame = manifest.frame
        others = self._latest_first(before=frame.cutoff)
        alike = (frame.window_days, frame.columns)
        return next((one for one in others if (one.frame.window_days, one.frame.columns) == alike), None)

    def describe(self, name: str) -> Manifest:
        """Return the manifest of one snapshot; none of that name, or a changed one, is a DataProblem."""
        found = self._find(name)
        if found is None:
            names = self.names()
            got = f"{names}: name one of these, or" if names else "none at all:"
            raise DataProblem(f"expected a snapshot '{name}' in {self.folder}, got {got} {PUBLISH}")
        return found

    def read(self, name: str, fingerprint: str = "", rows: np.ndarray | None = None) -> Snapshot:
        """Read a snapshot, every part checked against its digest; peak memory is its own and one part's.

        An empty fingerprint stands for whatever was published; `rows`, a bool array in the order of `read_ids`, are
        the players to read.

        Raises:
            DataProblem: no such snapshot, another fingerprint, a part that is missing or was changed.
        """
        manifest = self.describe(name)
        if fingerprint not in ("", manifest.fingerprint):
            raise DataProblem(
                f"expected snapshot '{name}' with fingerprint {fingerprint}, got {manifest.fingerprint} in "
                f"{self.folder}: name the snapshot you mean, or drop the expected fingerprint"
            )
        rows = np.ones(manifest.players, bool) if rows is None else rows
        features = np.empty((np.count_nonzero(rows), len(manifest.frame.columns)), np.float32)
        ids, start, seen = [], 0, 0
        for part in manifest.parts:
            inside = rows[seen : seen + part.players]
            table = self.read_part(manifest, part)
            stop = start + int(np.count_nonzero(inside))
            for number, column in enumerate(manifest.frame.columns):
                features[start:stop, number] = table[column].to_numpy()[inside]
            ids.append(ids_of(table, part)[inside])
            start, seen = stop, seen + part.players
        return Snapshot(manifest, np.concatenate(ids), features)

    def read_ids(self, name: str) -> Snapshot:
        """Read who is in a snapshot, without features; raises as `read` does."""
        manifest = self.describe(name)
        ids = [ids_of(self.read_part(manifest, part, columns=()), part) for part in manifest.parts]
        return Snapshot(manifest, np.concatenate(ids), np.empty((manifest.players, 0), np.float32))

    def read_part(self, manifest: Manifest, part: Part, columns: Sequence[str] | None = None) -> pa.Table:
        """Read one part, `player_id` and features (all, or `columns`), checked as by `part_file`."""
        wanted = manifest.frame.columns if columns is None else columns
        with self.part_file(manifest, part) as path:
            return pq.read_table(path, columns=[ID, *wanted], memory_map=True)

    @contextmanager
    def part_file(self, manifest: Manifest, part: Part) -> Iterator[Path]:
        """Give a local path to read one part from; a part that is missing or was changed is a DataProblem."""
        location = self.at(manifest.name, part.file)
        if not storage.is_file(location):
            raise DataProblem(
                f"expected {len(manifest.parts)} parts in snapshot '{manifest.name}', got no {location}: "
                "restore the file, or publish the snapshot anew under another name"
            )
        with storage.local_file(location) as path:
            digest = storage.sha256_of(path)
            if digest != part.sha256:
                raise DataProblem(
                    f"expected sha256 {part.sha256[:12]}... of {location}, got {digest[:12]}...: the part was changed "
                    "or is incomplete; restore it, or publish the snapshot anew under another name"
                )
            yield path

    def _latest_first(self, prefix: str = "", before: str = "9999") -> Iterator[Manifest]:
        """Yield the published manifests, the latest cut-off first, each read when it is asked for."""
        names = [name for name in storage.list_names(self.folder) if name.startswith(prefix)]
        for cutoff, name in sorted(((self._cutoff(name), name) for name in names), reverse=True):
            found = self._listed(name) if cutoff < before else None
            if found:
                yield found

    def _cutoff(self, name: str) -> str:
        """Return the date that a name ends with; of another name, what its manifest says."""
        if _DATE.search(name):
            return name[-10:]
        found = self._listed(name)
        return found.frame.cutoff if found else ""

    def _listed(self, name: str) -> Manifest | None:
        """Find a snapshot for a list of them, where one that cannot be read is left out and named."""
        try:
            return self._find(name)
        except DataProblem as problem:
            told = f"snapshot '{name}' is left out: {problem}"
            self.left_out += [] if told in self.left_out else [told]
            return None

    def _find(self, name: str) -> Manifest | None:
        location = self.at(name, MANIFEST)
        # A path is no name: with `..` it would lead to the snapshots of another group.
        content = None if "/" in name else storage.find_bytes(location)
        return None if content is None else read_manifest(content, location, name)

    def at(self, name: str, file: str) -> str:
        """Return the location of one file of a snapshot."""
        return storage.join(storage.join(self.folder, name), file)


def open_snapshots(folder: str) -> SnapshotStore:
    """Open the snapshots in the folder of `Settings.own_snapshots`, see `located`."""
    return SnapshotStore(located(folder))


def ids_of(table: pa.Table, part: Part) -> np.ndarray:
    """Return the ids of a part that was read, int64 or str array."""
    return np.asarray(table[ID].to_numpy(), dtype=np.int64 if part.id_type == "int64" else str)


def _write(path: Path, ids: np.ndarray, features: np.ndarray, columns: tuple[str, ...]) -> None:
    arrays = [pa.array(ids), *(pa.array(np.ascontiguousarray(column)) for column in features.T)]
    # Neither nulls nor dictionaries nor compression: a reader gets at the floats by copying them.
    schema = pa.schema(
        [pa.field(name, array.type, nullable=False) for name, array in zip([ID, *columns], arrays, strict=True)]
    )
    pq.write_table(pa.table(arrays, schema=schema), path, compression="none", use_dictionary=False)


def _content(ids: np.ndarray, features: np.ndarray) -> str:
    digest = hashlib.blake2b(digest_size=8)
    is_number = np.issubdtype(ids.dtype, np.integer)
    digest.update(b"numbers" + ids.astype("<i8").tobytes() if is_number else "\0".join(ids.tolist()).encode())
    digest.update(np.ascontiguousarray(features, dtype="<f4").data)
    return digest.hexdigest()
