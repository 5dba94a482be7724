"""A scaler's map for scoring: the same numbers as `Scaler.apply`, found by table instead of by search."""

from functools import cached_property

import numpy as np

from scarcegan.data.scaling import Scaler
from scarcegan.records import Record

# Cells of one feature's table at most. More would part more knots, but all tables share a second-level cache.
MOST_CELLS = 32_768


class ColumnScaler:
    """Scales many players per call, about ten times as fast as a binary search per value.

    A float's bits, read as an integer, grow with the float. Their leading bits therefore cut a feature's range
    into cells, finer near zero; a table tells how many knots lie before each cell, and as many comparisons as the
    feature's fullest cell has knots (mostly one) find the segment. Tables take some milliseconds to make.
    """

    def __init__(self, scaler: Scaler) -> None:
        self._fill = None if scaler.fill is None else scaler.fill[:, None]
        self._indicators, self._width = list(scaler.indicators), scaler.width
        # Each feature's first knot with its last value: nothing rises beyond it.
        knots, last = scaler.knots, np.argmax(scaler.values == scaler.values[:, -1:], axis=1)
        self._is_log = scaler.kind == "log_minmax"
        # Values are clipped to the knots between which a feature rises: lines beyond are flat, and tables stay short.
        self._lowest, self._highest = knots[:, :1], np.take_along_axis(knots, last[:, None], axis=1)
        keys = float_keys(knots).astype(np.int64)
        rising = [own[: end + 1] for own, end in zip(keys, last, strict=True)]
        shifts = [_shift(own) for own in rising]
        cells = [own >> shift for own, shift in zip(rising, shifts, strict=True)]
        self._shift = np.array(shifts, dtype=np.int32)[:, None]
        # Segment i of a feature ends at its knot i; the last one has no end.
        segments = knots.shape[1] + 1
        tables, at = [], 0
        base = np.empty((len(knots), 1), dtype=np.int64)
        for feature, own in enumerate(cells):
            # One cell more at the left end, for -0.0 when the first knot is 0.0.
            first = own[0] - 1
            base[feature] = at - first
            tables.append(np.searchsorted(own, np.arange(first, own[-1] + 1)).astype(np.min_scalar_type(segments)))
            at += len(tables[-1])
        # int32 as the keys are: NumPy refuses to add int64 to them in place.
        self._base, self._table = base.astype(np.int32), np.concatenate(tables)
        # Added after the look-up: without it a byte holds an entry, and thousands of features stay in memory.
        self._first = np.arange(len(knots))[:, None] * segments
        steps = np.array([np.unique(own, return_counts=True)[1].max() for own in cells])
        # Few features need many comparisons: those that need more than one, the neediest first, and how many are left.
        self._crowded = np.argsort(-steps, kind="stable")[: np.count_nonzero(steps > 1)]
        self._left = [np.count_nonzero(steps > done) for done in range(1, steps.max())]
        endless = np.full_like(self._lowest, np.inf)
        self._end = np.concatenate([knots, endless], axis=1).ravel()
        self._start, self._value, self._slope = (line.ravel() for line in segment_lines(scaler))

    def apply(self, columns: np.ndarray) -> np.ndarray:
        """Scale raw features, float32 [features, n], NaN where missing, a player per column: float32 [width, n]."""
        inputs = np.empty((self._width, columns.shape[1]), dtype=np.float32)
        inputs[len(columns) :] = 0
        # One NaN makes the maximum NaN: a look at all values for a tenth of what it would cost to look for each.
        if self._fill is not None and columns.size and np.isnan(columns.max()):
            is_missing = np.isnan(columns)
            inputs[len(columns) :] = is_missing[self._indicators]
            columns = np.where(is_missing, self._fill, columns)
        x = np.sign(columns) * np.log1p(np.abs(columns)) if self._is_log else columns
        x = np.maximum(x, self._lowest, out=inputs[: len(columns)])
        np.minimum(x, self._highest, out=x)
        cell = float_keys(x)
        cell >>= self._shift
        cell += self._base
        # mode="clip" spares a check of every index; they are all within the tables.
        segment = self._table.take(cell, mode="clip") + self._first
        segment += x >= self._end.take(segment, mode="clip")
        if self._left:
            crowded, among = segment[self._crowded], x[self._crowded]
            for left in self._left:
                crowded[:left] += among[:left] >= self._end.take(crowded[:left], mode="clip")
            segment[self._crowded] = crowded
        x -= self._start.take(segment, mode="clip")
        x *= self._slope.take(segment, mode="clip")
        x += self._value.take(segment, mode="clip")
        return inputs


class ScaledPart(Record, eq=False):
    """A part of a model that sees players behind a scaler."""

    scaler: Scaler

    @property
    def fills_missing(self) -> bool:
        """Whether the scaler has something to put in place of a missing value."""
        return self.scaler.fill is not None

    @cached_property
    def columns(self) -> ColumnScaler:
        """The scaler by table, made once for all batches."""
        return ColumnScaler(self.scaler)

    def scaler_content(self) -> tuple[bytes, ...]:
        """Return what sets the scaler apart from others."""
        return tuple(np.asarray(value).tobytes() for value in vars(self.scaler).values() if value is not None)

    def scaled(self, rows: np.ndarray) -> np.ndarray:
        """Scale raw rows [n, F]: float32 [width, n]."""
        return self.columns.apply(np.ascontiguousarray(rows.T, dtype=np.float32))

    def by_feature(self, inputs: np.ndarray) -> np.ndarray:
        """Return shares [n, width] of the inputs as those of the features [n, F]: an indicator's go to its feature."""
        features = len(self.scaler.knots)
        found = inputs[:, :features].copy()
        found[:, list(self.scaler.indicators)] += inputs[:, features:]
        return found


def segment_lines(scaler: Scaler) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return start, value and slope of a scaler's lines: segment i, up to knot i, is value + slope * (x - start).

    They are float32 [features, segments]. Of K + 1 segments of K knots the first and the last one are flat.
    """
    knots, values = scaler.knots, scaler.values
    start = np.concatenate([knots[:, :1], knots], axis=1)
    value = np.concatenate([values[:, :1], values], axis=1)
    gaps, rises = (np.diff(side.astype(np.float64), axis=1) for side in (knots, values))
    # The scaler fills short rows up with knots that may meet at the largest float; nothing rises there.
    inner = np.divide(rises, gaps, out=np.zeros_like(rises), where=gaps > 0)
    # A step between two neighbouring floats is steeper than a float32 can say, but no player stands on it.
    slope = np.pad(np.minimum(inner, np.finfo(np.float32).max), ((0, 0), (1, 1))).astype(np.float32)
    return start, value, slope


def float_keys(values: np.ndarray) -> np.ndarray:
    """Return int32 keys in the order of the float32 values (negative floats have their bits reversed)."""
    bits = values.view(np.int32)
    # The arithmetic shift gives -1 for a negative float and 0 for others: a mask of the bits to turn round.
    keys = bits >> 31
    keys &= 0x7FFFFFFF
    keys ^= bits
    return keys


def _shift(keys: np.ndarray) -> int:
    """Return how many low bits of sorted keys to drop: the most that part them all, if the table stays small."""
    shifts = np.arange(31, -1, -1)
    cells = keys >> shifts[:, None]
    is_small = cells[:, -1] - cells[:, 0] < MOST_CELLS
    parts_all = (np.diff(cells, axis=1) > 0).all(axis=1)
    return int(shifts[parts_all.argmax()] if (parts_all & is_small).any() else shifts[is_small][-1])
