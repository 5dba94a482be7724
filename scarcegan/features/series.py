"""The arrays that all features of a chunk of players share."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scarcegan.features.design import Calendar, Fit, SharedDesign

# Movement of a log series below this is rounding error, which would differ from machine to machine.
FLAT = 1e-4


@dataclass(frozen=True)
class Series:
    """Every counter of a chunk of players as one stack of series, counter by counter.

    Attributes:
        values: float32 array [m, D], m = counters x players, D observed days.
    """

    values: np.ndarray
    calendar: Calendar
    design: SharedDesign

    @cached_property
    def log(self) -> np.ndarray:
        """Natural logarithm of 1 + count [m, D]: counts of a few and of thousands on one footing."""
        return np.log1p(self.values)

    @cached_property
    def active(self) -> np.ndarray:
        """Days with a count above 0, bool [m, D]."""
        return self.values > 0

    @cached_property
    def active_days(self) -> np.ndarray:
        """Number of active days, float32 [m]."""
        return self.active.view(np.int8).sum(axis=1, dtype=np.int32).astype(np.float32)

    @cached_property
    def mean(self) -> np.ndarray:
        """Mean count per observed day [m]."""
        return self.values @ self.calendar.mean_over(np.ones(len(self.calendar), bool))

    @cached_property
    def fit(self) -> Fit:
        """The shared design fitted to the log series."""
        return self.design.fit(self.log)

    @cached_property
    def detrended(self) -> np.ndarray:
        """Log series without its trend, weekday effects kept [m, D]."""
        return _without_rounding(self.log - self.fit.trend)

    @cached_property
    def residual(self) -> np.ndarray:
        """Log series without trend and weekday effects [m, D]."""
        return _without_rounding(self.detrended - self.fit.weekly)

    @cached_property
    def residual_spread(self) -> np.ndarray:
        """Root mean square of the residual [m]."""
        return np.sqrt(sum_of_products(self.residual, self.residual) / len(self.calendar))


def _without_rounding(series: np.ndarray) -> np.ndarray:
    """Set rows [m, D] to 0 whose root mean square is below `FLAT`, in place."""
    series *= (sum_of_products(series, series) > FLAT**2 * series.shape[1])[:, None]
    return series


def sum_of_products(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the dot product of each pair of rows [..., D] -> [...]."""
    # einsum holds no array of all products, which would be as large as its inputs.
    return np.einsum("...d,...d->...", left, right)


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Divide, and return 0 where the whole is 0 (or below)."""
    return np.divide(part, whole, out=np.zeros_like(part, np.float32), where=whole > 0)


def contrast(late: np.ndarray, early: np.ndarray) -> np.ndarray:
    """Return (late - early) / (late + early) of non-negative levels: from -1 to 1, 0 where both are 0."""
    return ratio(late - early, late + early)


def correlation(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the correlation of each pair of rows [..., D] -> [...], 0 where one of them is constant."""
    left = left - left.mean(axis=-1, keepdims=True)
    right = right - right.mean(axis=-1, keepdims=True)
    size = np.sqrt(sum_of_products(left, left) * sum_of_products(right, right))
    return ratio(sum_of_products(left, right), np.where(size > FLAT, size, 0))
