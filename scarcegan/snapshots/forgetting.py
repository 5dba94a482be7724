"""How a forgotten player leaves a published snapshot.

Parts that have the player are written anew without the row, then the manifest lists them: it keeps the fingerprints
that the snapshot had, by the first of which scoring, drift and resumed runs still know it. Old parts are removed last.
Whenever this is ended in between, a second call completes it.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from scarcegan.data.columns import Column, describe
from scarcegan.data.one_player import Rewritten, are_theirs, rows_of
from scarcegan.snapshots.manifest import Manifest, Part, describe_snapshot
from scarcegan.snapshots.store import ID, MANIFEST, SnapshotStore, ids_of
from scarcegan.storage import find_bytes, join, list_names, local_file, remove, sha256_of, write_bytes


def parts_holding(store: SnapshotStore, name: str, player: str) -> dict[str, int]:
    """Return the files of a snapshot that have rows of a player, by the id as text, with their number.

    Among them are parts that a manifest no longer lists, as an ended call leaves them; without a manifest, all parts.
    """
    folder = join(store.folder, name)
    files = [join(folder, file) for file in list_names(folder) if file.endswith(".parquet")]
    found = {file: rows_of(file, player) for file in files}
    return {file: rows for file, rows in found.items() if rows}


def is_published(store: SnapshotStore, name: str) -> bool:
    """Tell whether a folder of parts is a snapshot."""
    return find_bytes(store.at(name, MANIFEST)) is not None


def forget(store: SnapshotStore, name: str, player: str) -> list[Rewritten]:
    """Take a player, by the id as text, out of a snapshot; one of nobody else goes as a whole."""
    manifest = store.describe(name)
    holding = parts_holding(store, name, player)
    listed = {store.at(name, part.file) for part in manifest.parts}
    told = _publish_without(store, manifest, player) if listed & holding.keys() else []
    known = {one.place for one in told}
    for place, rows in holding.items():
        if place not in known:  # an ended call has left it
            with local_file(place) as path:
                told.append(Rewritten(place, rows, sha256_of(path), ""))
        remove(place)
    return told


def _publish_without(store: SnapshotStore, manifest: Manifest, player: str) -> list[Rewritten]:
    told, written = list[Rewritten](), list[tuple[Part, Sequence[Column]]]()
    for number, part in enumerate(manifest.parts):
        table = store.read_part(manifest, part)
        ids = ids_of(table, part)
        stay = ~are_theirs(table[ID], player).to_numpy()  # as `parts_holding` has found them
        features = np.stack([table[column].to_numpy() for column in manifest.frame.columns], axis=1)
        if stay.all():  # described again: statistics are of all parts together
            written.append((part, describe(features)))
            continue
        written.append(store.write_part(manifest.name, number, ids[stay], features[stay], manifest.frame.columns))
        rows = int(np.count_nonzero(~stay))
        told.append(Rewritten(store.at(manifest.name, part.file), rows, part.sha256, written[-1][0].sha256))
    if any(part.players for part, _ in written):
        rest = describe_snapshot(manifest.name, manifest.frame, written)
        rest = replace(rest, forgotten=(*manifest.forgotten, manifest.fingerprint))
        write_bytes(store.at(manifest.name, MANIFEST), rest.to_json())
    else:
        remove(store.at(manifest.name, MANIFEST))
    return told
