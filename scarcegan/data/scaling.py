"""Raw features to network inputs: one monotone piecewise-linear map per feature, fitted on training rows.

A missing value (NaN) is filled with the feature's median. Where training rows lack values of a feature, an indicator,
1 where the value is missing and 0 elsewhere, is one more input: that somebody left a field empty may tell of them.
"""

from collections.abc import Iterator

import numpy as np

from scarcegan import settings
from scarcegan.problems import DataProblem
from scarcegan.records import Record

# Knots per feature of `quantile_normal`: 0.05 standard deviations from one to the next.
KNOTS = 128
# Its scaled values stay within plus and minus this: three in a thousand players lie beyond.
CLIP = 3.0
# More rows than this move no quantile within the clip by more than the distance of two knots.
FIT_ROWS = 50_000
BLOCK_ROWS = 65_536


class Scaler(Record, eq=False):
    """A fitted map from raw to scaled features.

    Attributes:
        kind: `quantile_normal` interpolates on the raw value, `log_minmax` on sign(x) log(1 + |x|).
        knots: float32 array [features, knots], strictly increasing in each row.
        values: float32 array [features, knots], never decreasing in each row. Beyond its first and last knot
            a feature keeps the first and last value, so that new extremes are clipped. A feature with fewer
            knots is filled up to the right with its last value.
        fill: float32 array [features], raw, in place of missing values; None for older scalers, which know none.
        indicators: the features, by number, with an indicator behind the scaled features.
    """

    kind: str
    knots: np.ndarray
    values: np.ndarray
    fill: np.ndarray | None = None
    indicators: tuple[int, ...] = ()

    @property
    def width(self) -> int:
        """How many inputs a player becomes."""
        return len(self.knots) + len(self.indicators)

    def apply(self, raw: np.ndarray, rows: np.ndarray | None = None, out: np.ndarray | None = None) -> np.ndarray:
        """Scale raw features, float [n, features], or only these rows of them; the result is float32 [n, width].

        It is written to the first rows of `out`, float32, if that is given and as wide. This may be `raw` itself if
        `rows` ascend: a row is read before it is written over. Features of another number are a DataProblem.
        """
        if raw.ndim != 2 or raw.shape[1] != len(self.knots):
            raise DataProblem(
                f"expected an array [players, {len(self.knots)} features], got {list(raw.shape)}: "
                "give the features that the scaler was fitted on"
            )
        count = len(raw) if rows is None else len(rows)
        indicators = {feature: place for place, feature in enumerate(self.indicators, len(self.knots))}
        scaled = np.empty((count, self.width), np.float32) if out is None or out.shape[1] != self.width else out[:count]
        start = 0
        for block in _blocks(raw, rows):
            stop = start + len(block)
            for feature in range(raw.shape[1]):
                column = block[:, feature]
                if self.fill is not None:
                    is_missing = np.isnan(column)
                    column = np.where(is_missing, self.fill[feature], column)
                    if feature in indicators:
                        scaled[start:stop, indicators[feature]] = is_missing
                x = _signed_log(column) if self.kind == "log_minmax" else column
                scaled[start:stop, feature] = np.interp(x, self.knots[feature], self.values[feature])
            start = stop
        return scaled


def fit_scaler(features: np.ndarray, scaling: settings.Scaling, rows: np.ndarray | None = None) -> Scaler:
    """Fit a scaler on the training rows of raw features [n, features], NaN where missing; on all if no rows are given.

    At most 50,000 rows, evenly spaced over the given ones, are read; of all rows only the extremes for `log_minmax`.
    A feature has an indicator if one of those lacks it.
    """
    count = len(features) if rows is None else len(rows)
    step = -(-count // FIT_ROWS)
    sample = features[::step] if rows is None else features[rows[::step]]
    # Missing values sort last.
    ordered = np.sort(np.ascontiguousarray(sample.T, dtype=np.float32), axis=1)
    present = [column[: np.count_nonzero(~np.isnan(column))] for column in ordered]
    indicators = tuple(number for number, column in enumerate(present) if len(column) < len(sample))
    # A fold may lack a feature that some other rows have: it counts as constant.
    present = [column if len(column) else np.zeros(1, np.float32) for column in present]
    fill = np.array([column[len(column) // 2] for column in present])
    if scaling.kind == "log_minmax":
        return Scaler(scaling.kind, *_fit_log_minmax(features, rows), fill, indicators)
    knots, values = zip(*(_fill_up(*_normal_scores(column)) for column in present), strict=True)
    return Scaler(scaling.kind, np.stack(knots), np.stack(values), fill, indicators)


def _fit_log_minmax(features: np.ndarray, rows: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return two knots of each feature, its extremes, and their values."""
    lowest = np.full(features.shape[1], np.inf)
    highest = -lowest
    for block in _blocks(features, rows):
        lowest = np.fmin(lowest, np.fmin.reduce(block, axis=0))
        highest = np.fmax(highest, np.fmax.reduce(block, axis=0))
    lowest, highest = np.where(lowest > highest, 0.0, (lowest, highest))
    # The log is monotone: the extremes of the logs are the logs of the extremes.
    ends = _signed_log(np.stack([lowest, highest], axis=1)).astype(np.float32)
    values = np.tile(np.array([0, 1], dtype=np.float32), (len(ends), 1))
    flat = ends[:, 0] == ends[:, 1]
    # A constant feature scales to 0; its second knot is far enough away to differ in float32.
    ends[flat, 1] += 1 + np.abs(ends[flat, 0])
    values[flat] = 0
    return ends, values


def _normal_scores(ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return knots (distinct values of a sorted column) and their mean normal scores.

    The knots lie evenly in the score, not in the rank: the map is as fine in the tails, where rare players
    are, as in the middle. A value that fills the ranks from a to b gets the mean of a standard normal
    variable between its quantiles a / n and b / n: n / (b - a) * (pdf(z_a) - pdf(z_b)).
    """
    # Only fitting needs SciPy; scoring imports this module without it.
    from scipy.special import ndtr, ndtri

    n = len(ordered)
    ranks = np.minimum((ndtr(np.linspace(-CLIP, CLIP, KNOTS)) * n).astype(int), n - 1)
    values = np.unique(ordered[ranks])
    edges = np.stack([np.searchsorted(ordered, values, side) for side in ("left", "right")]) / n
    density = np.exp(-(ndtri(edges) ** 2) / 2) / np.sqrt(2 * np.pi)
    scores = (density[0] - density[1]) / (edges[1] - edges[0])
    return values, np.clip(scores, -CLIP, CLIP).astype(np.float32)


def _fill_up(knots: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    missing = KNOTS - len(knots)
    last = knots[-1].astype(np.float64)
    # Knots must rise: steps smaller than the last knot could be lost in its rounding.
    beyond = last + (1 + abs(last)) * np.arange(1, missing + 1)
    beyond = np.minimum(beyond, np.finfo(np.float32).max).astype(np.float32)
    return np.concatenate([knots, beyond]), np.pad(values, (0, missing), mode="edge")


def _blocks(features: np.ndarray, rows: np.ndarray | None) -> Iterator[np.ndarray]:
    count = len(features) if rows is None else len(rows)
    for start in range(0, count, BLOCK_ROWS):
        part = slice(start, start + BLOCK_ROWS)
        yield features[part] if rows is None else features[rows[part]]


def _signed_log(raw: np.ndarray) -> np.ndarray:
    return np.sign(raw) * np.log1p(np.abs(raw))
