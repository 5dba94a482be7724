"""One name for each player, however a file stores ids: the integer 12, 12.0 and the text ' 12' are the same player.

Where the settings name a key (`data.id_key`), ids are replaced as soon as they are read, by `hmac-` and the first 128
bits, in hexadecimal, of HMAC-SHA256 over that one name. Who lacks the key cannot tell whose they are. That any two of n
players share one has a probability below n^2 / 2^129: of a billion players, 2e-21.
"""

import hmac

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from scarcegan.data.values import is_text
from scarcegan.problems import DataProblem
from scarcegan.storage.keys import secret_key

# Neither leading zeros nor a plus sign: what a number would lose keeps an id text.
_WHOLE = r"^(0|-?[1-9][0-9]{0,18})$"
# What becomes of integers in a column of floats or decimals that is written as text.
_POINT_ZERO = r"^(0|-?[1-9][0-9]*)\.0+$"
_LIMITS = np.iinfo(np.int64)
BLOCK_ROWS = 65_536
KEYED, KEYED_DIGITS = "hmac-", 32
_KEYED = rf"^{KEYED}[0-9a-f]{{{KEYED_DIGITS}}}$"


def is_id_type(kind: pa.DataType) -> bool:
    """Tell whether a column of this type can hold ids; the numbers in it must be whole, see `canonical`."""
    return is_text(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def canonical(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return ids of a type that `is_id_type` accepts as int64 where all are such numbers, else as large_string.

    A number that is not whole, or a float too large to tell whole numbers apart, is a pa.ArrowInvalid.
    """
    if pa.types.is_floating(column.type):
        column = _whole(column)
    if pa.types.is_integer(column.type) and column.type != pa.uint64():
        return column.cast(pa.int64())
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.decimal256(76 - column.type.scale, 0))
    # Large strings: offsets of 32 bits end at two gigabytes of text.
    text = _one_form(column.cast(pa.large_string()))
    return text.cast(pa.int64()) if pc.all(is_number(text), min_count=0).as_py() else text


def stored(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return ids as `canonical` does, but keep text that looks like numbers, which other parts may not do.

    Integers beyond 63 bits are a pa.ArrowInvalid too.
    """
    if is_text(column.type):
        return _one_form(column.cast(pa.large_string()))
    found = canonical(column)
    if found.type != pa.int64():
        large = pc.sum(pc.invert(is_number(found))).as_py()
        raise pa.ArrowInvalid(f"{large} of {len(found)} are beyond 63 bits")
    return found


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return ids as `canonical` does, as text: so they are compared, whatever wrote them."""
    return canonical(column).cast(pa.large_string())


def keyed(column: pa.ChunkedArray, id_key: str) -> pa.ChunkedArray:
    """Return ids as their keyed hashes, large_string, where a key is named, see `secret_key`; otherwise as they are.

    Missing ids stay missing, and what is a keyed hash already stays one: lists that people work through hold such.
    Columns that hold no ids stay too, for `canonical` to refuse them.
    """
    if not id_key or not is_id_type(column.type):
        return column
    try:
        names = as_text(column).combine_chunks()
    except pa.ArrowInvalid:
        return column
    # In telemetry each id repeats for every day: it is hashed once.
    coded = names.dictionary_encode()
    stays = pc.or_(pc.match_substring_regex(coded.dictionary, _KEYED), pc.equal(coded.dictionary, "")).to_pylist()
    # Who only hands back what a list holds does without the key.
    key = b"" if all(stays) else secret_key(id_key)
    hashes = [one if kept else _keyed(key, one) for one, kept in zip(coded.dictionary.to_pylist(), stays, strict=True)]
    return pa.chunked_array([pa.array(hashes, pa.large_string()).take(coded.indices)])


def keyed_rows(rows: pa.Table, name: str, id_key: str) -> pa.Table:
    """Return rows with the ids of column `name`, if it is there, as `keyed` returns them."""
    if not id_key or name not in rows.column_names:
        return rows
    return rows.set_column(rows.column_names.index(name), name, keyed(rows[name], id_key))


def keyed_series(ids: pd.Series, id_key: str) -> pd.Series:
    """Return ids of a frame as `keyed` does; missing ones are None."""
    if not id_key:
        return ids
    hashed = keyed(pa.chunked_array([pa.array(ids, from_pandas=True)]), id_key)
    return pd.Series(hashed.to_pandas(), index=ids.index, name=ids.name)


def keyed_id(player: str, id_key: str) -> str:
    """Return the id of one player, as a person types it, as tables have it as text; a DataProblem for none."""
    if not player.strip():
        raise DataProblem("expected the id of a player, got nothing: name one")
    return str(keyed(as_text(pa.chunked_array([[player]])), id_key)[0].as_py())


def is_number(text: pa.ChunkedArray) -> pa.ChunkedArray:
    """Tell for each text id whether it is a whole number of 64 bits, written as such; null for null."""
    is_whole, size = pc.match_substring_regex(text, _WHOLE), pc.utf8_length(text)
    # Of the same length, whole numbers compare as text.
    is_negative = pc.starts_with(text, "-")
    most = pc.if_else(is_negative, str(_LIMITS.min), str(_LIMITS.max))
    fits = pc.or_(pc.less(size, pc.utf8_length(most)), pc.less_equal(text, most))
    return pc.and_(is_whole, fits)


def to_numpy(columns: list[pa.ChunkedArray]) -> np.ndarray:
    """Join canonical id columns: int64 where all of them are, str otherwise."""
    columns = [column for column in columns if len(column)]
    if all(column.type == pa.int64() for column in columns):
        return np.concatenate([np.empty(0, np.int64), *(column.to_numpy() for column in columns)])
    chunks = [chunk for column in columns for chunk in column.cast(pa.large_string()).chunks]
    return pa.chunked_array(chunks).to_numpy().astype(str)


def rows_of(ids: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the place of each id among the known ones, -1 where it is not there; both int64 or text."""
    ids, known = (to_numpy([canonical(pa.chunked_array([pa.array(some)]))]) for some in (ids, known))
    if ids.dtype.kind == known.dtype.kind == "i":
        return pd.Index(known).get_indexer(pd.Index(ids))
    return pd.Index(known.astype(str)).get_indexer(pd.Index(ids.astype(str)))


def lots(ids: np.ndarray) -> np.ndarray:
    """Return a hash of each id, uint64 [n], that no run, machine, seed or order of rows changes.

    A number has the same lot whether it is an integer or text.
    """
    drawn = np.empty(len(ids), np.uint64)
    for start in range(0, len(ids), BLOCK_ROWS):
        block = ids[start : start + BLOCK_ROWS]
        drawn[start : start + BLOCK_ROWS] = _hash_text(block) if block.dtype.kind not in "iu" else _hash_integers(block)
    return drawn


def keyed_lots(ids: np.ndarray, *key: int) -> np.ndarray:
    """Return lots that another key, of a seed and what is drawn with it, makes independent ones, uint64 [n]."""
    salt = np.random.SeedSequence(key).generate_state(1, np.uint64)
    return pd.util.hash_array(lots(ids) ^ salt)


def below(lot: np.ndarray, share: float) -> np.ndarray:
    """Return a mask of the players, about that share, whose lots are below it: nobody else's lot matters."""
    return lot < np.uint64(share * 2.0**64)


def _keyed(key: bytes, name: str) -> str:
    return KEYED + hmac.digest(key, name.encode(), "sha256").hex()[:KEYED_DIGITS]


def _one_form(text: pa.ChunkedArray) -> pa.ChunkedArray:
    # Columns of a fixed width fill ids up with blanks.
    return pc.replace_substring_regex(pc.utf8_trim_whitespace(text), _POINT_ZERO, r"\1")


def _whole(column: pa.ChunkedArray) -> pa.ChunkedArray:
    exact = 2 ** {16: 11, 32: 24, 64: 53}[column.type.bit_width]
    # pandas writes a missing id among floats so.
    column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    if (pc.max(pc.abs(column)).as_py() or 0) > exact:
        raise pa.ArrowInvalid(f"{column.type} cannot tell whole numbers above {exact} apart")
    if broken := pc.sum(pc.not_equal(column, pc.floor(column))).as_py():  # PyArrow's own words would tell an id
        raise pa.ArrowInvalid(f"{broken} of {len(column)} are not whole")
    return column.cast(pa.float64()).cast(pa.int64())


def _hash_integers(ids: np.ndarray) -> np.ndarray:
    return pd.util.hash_array(ids.astype(np.int64, copy=False))


def _hash_text(ids: np.ndarray) -> np.ndarray:
    # Text is hashed as objects, block by block: those of all ids at once would take much memory.
    drawn = pd.util.hash_array(ids.astype(object))
    text = _one_form(pa.array(ids.astype(object), pa.large_string()))
    whole = is_number(text)
    rows = np.asarray(whole)
    drawn[rows] = _hash_integers(np.asarray(text.filter(whole).cast(pa.int64())))
    return drawn
