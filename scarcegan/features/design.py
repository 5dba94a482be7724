"""The whole weeks up to a cut-off, and the one ridge design by which every series' trend is fitted to them.

Nothing here uses BLAS or LAPACK: their kernels add in another order on another processor or number of threads, and the
same players would get other features. NumPy's own sums and einsum (without `optimize`) add in one order everywhere.
"""

from typing import NamedTuple

import numpy as np

from scarcegan.records import Record

WEEK = 7
MOST_HINGES = 12
# Ridge weights: residual variance of log(1 + count) over the prior variance of each effect. The slope is nearly
# free; a change of slope must show on several days before it counts.
SLOPE_PENALTY = 0.1
HINGE_PENALTY = 1.0


def calendar_of(observed: np.ndarray) -> np.ndarray:
    """Return the days of a window's weeks, the oldest filled up to a whole one: int [7 weeks].

    Each is the place in the window, bool [days], of the day whose counts it has. That is the day itself; for one before
    the window or missing for everyone (False), the same weekday of the nearest week that has it.

    In whole weeks each weekday counts as often as any other: players who do not change get the same features
    whatever weekday the cut-off is. Which weekday that is, no feature may know: beside the days of play, counted from
    the cut-off, it would give the date away.
    """
    window_days = len(observed)
    weeks = -(-window_days // WEEK)
    before = weeks * WEEK - window_days
    observed = np.pad(observed, (before, 0)).reshape(weeks, WEEK)
    # Further than any week is one without the day. A weekday that no week has stands for itself: nobody played.
    order = np.arange(weeks)
    distance = np.abs(order[:, None] - order)[:, :, None] + weeks * ~observed
    source = WEEK * distance.argmin(axis=1) + np.arange(WEEK) - before
    return np.maximum(source, 0).reshape(-1)


def by_week(daily: np.ndarray) -> np.ndarray:
    """Return the sum of each week of daily values [..., 7 weeks] -> [..., weeks], the oldest first."""
    return np.einsum("...wd->...w", daily.reshape(*daily.shape[:-1], -1, WEEK))


def late_and_early(weekly: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of the last third of the weeks [..., weeks] and of those before."""
    late = max(1, round(weekly.shape[-1] / 3))
    return weekly[..., -late:].mean(axis=-1), weekly[..., :-late].mean(axis=-1)


class Fit(NamedTuple):
    """What is fitted to m series; slopes are per all weeks.

    Attributes:
        offset: level at the start of the weeks [m].
        slope: at the start [m].
        changes: of the slope at each hinge [m, p - 2].
        trend: offset, slope and hinges in each week [m, weeks].
    """

    offset: np.ndarray
    slope: np.ndarray
    changes: np.ndarray
    trend: np.ndarray


class SharedDesign(Record):
    """The design and its ridge solution; coefficients are columns offset, slope, hinges.

    Attributes:
        matrix: float32 [weeks, p], at the middle of each week; time runs from 0 to 1 over all weeks.
        solver: float32 [p, weeks]; coefficients = solver @ weekly means.
        hinge_days: float32 [p - 2], days before the cut-off at which the slope may change, evenly spaced.
    """

    matrix: np.ndarray
    solver: np.ndarray
    hinge_days: np.ndarray

    def fit(self, daily: np.ndarray) -> Fit:
        """Fit all series [m, 7 weeks] by their weekly means: no weekday can pass for a trend."""
        coefficients = np.einsum("mw,pw->mp", by_week(daily) / WEEK, self.solver)
        trend = np.einsum("mp,wp->mw", coefficients, self.matrix)
        return Fit(coefficients[:, 0], coefficients[:, 1], coefficients[:, 2:], trend)


def shared_design(weeks: int) -> SharedDesign:
    """Build the design of so many weeks and solve it once."""
    hinges = min(MOST_HINGES, weeks - 1)
    time, knots = (np.arange(weeks) + 0.5) / weeks, np.arange(1, hinges + 1) / (hinges + 1)
    matrix = np.column_stack([np.ones(weeks), time, np.maximum(time[:, None] - knots, 0)])
    penalty = np.r_[0, SLOPE_PENALTY, np.full(hinges, HINGE_PENALTY)]
    # A weekly mean stands for its seven days.
    normal = WEEK * np.einsum("wp,wq->pq", matrix, matrix) + np.diag(penalty)
    solver = _solution(normal, WEEK * matrix.T)
    hinge_days = WEEK * weeks * (1 - knots)
    return SharedDesign(*(array.astype(np.float32) for array in (matrix, solver, hinge_days)))


def _solution(normal: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve normal [p, p], positive definite, @ x = right [p, k] by elimination."""
    size = len(normal)
    table = np.hstack([normal, right])
    for pivot in range(size):
        table[pivot] /= table[pivot, pivot]
        others = np.arange(size) != pivot
        table[others] -= table[others, pivot, None] * table[pivot]
    return table[:, size:]
