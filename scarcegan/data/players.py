"""The one shape in which players travel from any source to training and evaluation, and a short name for them."""

import hashlib
from dataclasses import replace

import numpy as np

from scarcegan.records import Record

UNLABELED = -1
UNKNOWN_TRUTH = -1
BLOCK_ROWS = 65_536


class Players(Record):
    """One row per player of a snapshot.

    Attributes:
        ids: int64 or str array [n], unique.
        features: float32 array [n, features], raw (unscaled), NaN where a value is missing.
        labels: int8 array [n]; class index of a labelled player, -1 for an unlabelled one.
        truth: int8 array [n]; 1 truly risky, 0 not, -1 not known. For evaluation only, never for training.
        test_set: int8 array [n]; 0 for the pool that is split into folds, s for test set number s (from 1).
        test_sets: names of the test sets; the first one is the verdict's.
        cutoff: ISO date up to which telemetry was seen (exclusive); empty where there is none.
        notes: what the source found worth telling about these players, for the data report.
        each_unlabeled: how many unlabelled players of the source each one of the pool stands for; 1 unless sampled.
        origin: int8 array [n]; where the label comes from, a place in `scarcegan.data.reviewed.ORIGINS`. None: all of
            them from the source's own input.
    """

    ids: np.ndarray
    features: np.ndarray
    feature_names: tuple[str, ...]
    labels: np.ndarray
    truth: np.ndarray
    test_set: np.ndarray
    test_sets: tuple[str, ...] = ()
    cutoff: str = ""
    notes: tuple[str, ...] = ()
    each_unlabeled: float = 1.0
    origin: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: np.ndarray) -> "Players":
        """Return the players at `rows` (indices or a mask); themselves, not a copy, if a mask leaves nobody out."""
        if rows.dtype == bool and rows.all():
            return self
        columns = ("ids", "features", "labels", "truth", "test_set", *(() if self.origin is None else ("origin",)))
        return replace(self, **{name: getattr(self, name)[rows] for name in columns})


def fingerprint(players: Players) -> str:
    """Hash the content and the order of the players to 16 hexadecimal digits: a model made from others is told by it.

    Ids, features, labels and test sets with their names count; the known truth does not, as nothing is
    trained on it. Integers of another width and text of another type give the same hash.
    """
    digest = hashlib.blake2b(digest_size=8)
    digest.update(repr((len(players), players.feature_names, players.test_sets)).encode())
    for start in range(0, len(players), BLOCK_ROWS):
        part = slice(start, start + BLOCK_ROWS)
        ids = players.ids[part]
        # The marks tell the number 1 from the text '1'.
        is_number = np.issubdtype(ids.dtype, np.integer)
        digest.update(
            b"numbers" + ids.astype("<i8").tobytes() if is_number else b"text" + "\0".join(ids.tolist()).encode()
        )
        for column, dtype in ((players.features, "<f4"), (players.labels, "i1"), (players.test_set, "i1")):
            digest.update(np.ascontiguousarray(column[part], dtype=dtype).data)
    return digest.hexdigest()
