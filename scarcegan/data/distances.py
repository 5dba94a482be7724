"""How far one feature's distribution lies from another's: PSI and the largest distance of distribution functions."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from scarcegan.data.columns import Column, at_or_below, bin_shares
from scarcegan.data.records import FeatureMove

# The population stability index is taken over the earlier table's deciles, as is usual.
BINS = 10
# Distribution functions are compared at this many quantiles of either side: the distance is known to 0.5 %.
GRID = 200
# An empty bin would make the index infinite; this share is below what 51 quantiles can tell.
LEAST_SHARE = 1e-3
# A description's quantiles are rounded to seven digits.
ROUNDED = 1e-5
_COLUMNS = 16  # copied at once out of a row-major table, whose columns are slow to read one by one


class Distance(NamedTuple):
    """How far two samples of one feature lie apart; NaN where one side has no value.

    Attributes:
        psi: population stability index, the sum over the earlier deciles of (q - p) ln(q / p), >= 0.
        ks: largest distance of the two distribution functions, in [0, 1].
    """

    psi: float
    ks: float
    median_before: float
    median_now: float
    missing_before: float = 0.0
    missing_now: float = 0.0


def column_distances(before: np.ndarray, now: np.ndarray) -> dict[str, np.ndarray]:
    """Compare two tables, float [n, F] and [m, F], NaN where missing: float arrays [F] by the names of `Distance`."""
    found = []
    for start in range(0, before.shape[1], _COLUMNS):
        pairs = zip(*(_sorted_columns(one[:, start : start + _COLUMNS]) for one in (before, now)), strict=True)
        for old, new in pairs:
            missing = {"missing_before": 1 - len(old) / len(before), "missing_now": 1 - len(new) / len(now)}
            found.append(distance(old, new)._replace(**missing))
    return dict(zip(Distance._fields, np.array(found).T, strict=True))


def moves(before: Mapping[str, Column], now: Mapping[str, Column]) -> list[FeatureMove]:
    """Compare the features that two tables share by their descriptions alone, the most moved feature first.

    Players who lack a value are in one more bin of the index.
    """
    found = [_move(name, before[name], now[name]) for name in now if name in before]
    return sorted(found, key=lambda move: -move.psi)


def _move(name: str, before: Column, now: Column) -> FeatureMove:
    sides = before, now
    lacking = [one.missing_share or 0.0 for one in sides]
    if 1 in lacking:  # of what nobody has there are no values to compare
        psi = _stability_index(*(np.array([1 - share, share]) for share in lacking))
        medians = [None if share == 1 else one.median for one, share in zip(sides, lacking, strict=True)]
        return FeatureMove(name, psi, float(lacking[0] != lacking[1]), *medians)
    apart = distance(*(one.stand_ins() for one in sides), tolerance=ROUNDED, lacking=lacking)
    return FeatureMove(name, apart.psi, apart.ks, apart.median_before, apart.median_now)


def distance(
    before: np.ndarray, now: np.ndarray, *, tolerance: float = 0.0, lacking: Sequence[float] | None = None
) -> Distance:
    """Compare two samples of one feature, both ascending and without missing values; see `at_or_below` on tolerance.

    With the shares of all players who lack a value, before and now, these are in one more bin of the index.
    """
    if not len(before) or not len(now):
        return Distance(*[np.nan] * 4)
    # Quantiles of both sides: a peak that only one of them has is seen too.
    grid = np.union1d(_quantiles(before, GRID), _quantiles(now, GRID))
    below = [at_or_below(one, grid, tolerance) for one in (before, now)]
    deciles = np.unique(_quantiles(before, BINS))  # ties leave fewer
    shares = [bin_shares(one, deciles, tolerance) for one in (before, now)]
    if lacking:
        shares = [np.append((1 - lack) * share, lack) for lack, share in zip(lacking, shares, strict=True)]
    else:  # half a player at least stands for an empty bin: of few players one is no sign that the share is so small
        shares = [np.maximum(share, 0.5 / len(one)) for one, share in zip((before, now), shares, strict=True)]
    return Distance(
        psi=_stability_index(*shares),
        ks=float(np.abs(below[0] - below[1]).max()),
        median_before=float(before[len(before) // 2]),
        median_now=float(now[len(now) // 2]),
    )


def _stability_index(expected: np.ndarray, actual: np.ndarray) -> float:
    expected, actual = np.maximum(expected, LEAST_SHARE), np.maximum(actual, LEAST_SHARE)
    return float(np.sum((actual - expected) * np.log(actual / expected)))


def _sorted_columns(block: np.ndarray) -> list[np.ndarray]:
    """Sort each column of [n, few]; missing values, which sort last, are cut off."""
    columns = np.sort(np.ascontiguousarray(block.T), axis=1)
    present = columns.shape[1] - np.isnan(columns).sum(axis=1)
    return [column[:count] for column, count in zip(columns, present, strict=True)]


def _quantiles(values: np.ndarray, parts: int) -> np.ndarray:
    """Return the inner quantiles that cut an ascending sample into so many parts."""
    return values[np.arange(1, parts) * len(values) // parts]
