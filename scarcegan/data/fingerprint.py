"""A short name for exactly these players: a checkpoint or a model made from others is told apart by it."""

import hashlib

import numpy as np

from scarcegan.data.players import Players

BLOCK_ROWS = 65_536


def fingerprint(players: Players) -> str:
    """Hash the content and the order of the players to 16 hexadecimal digits.

    Ids, features, labels and test sets with their names count; the known truth does not, as nothing is
    trained on it. Integers of another width and text of another type give the same hash.
    """
    digest = hashlib.blake2b(digest_size=8)
    digest.update(repr((len(players), players.feature_names, players.test_sets)).encode())
    for start in range(0, len(players), BLOCK_ROWS):
        part = slice(start, start + BLOCK_ROWS)
        digest.update(_id_bytes(players.ids[part]))
        for column, dtype in ((players.features, "<f4"), (players.labels, "i1"), (players.test_set, "i1")):
            digest.update(np.ascontiguousarray(column[part], dtype=dtype).data)
    return digest.hexdigest()


def _id_bytes(ids: np.ndarray) -> bytes:
    # The marks tell the number 1 from the text '1'.
    if np.issubdtype(ids.dtype, np.integer):
        return b"numbers" + ids.astype("<i8").tobytes()
    return b"text" + "\0".join(ids.tolist()).encode()
