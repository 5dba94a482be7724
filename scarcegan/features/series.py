"""The arrays that all features of a chunk of players share."""

from dataclasses import dataclass
from functools import cached_property
from math import log as natural_log
from math import sqrt

import numpy as np

from scarcegan.features.design import WEEK, Fit, SharedDesign, by_week

# Movement of a log series below this is rounding error.
FLAT = 1e-4
# Residual variance over the prior variance of a weekday's effect: it must show in several weeks before it counts.
WEEKDAY_PENALTY = 4.0
_SQRT_HALF = np.float32(sqrt(0.5)).view(np.int32)


@dataclass(frozen=True)
class Series:
    """Every counter of a chunk of players as one stack of series, counter by counter.

    Attributes:
        values: float32 array [m, D], m = counters x players, D days of whole weeks.
    """

    values: np.ndarray
    design: SharedDesign

    @property
    def days(self) -> int:
        """How many days there are, D."""
        return self.values.shape[1]

    @property
    def weeks(self) -> int:
        """How many weeks these are."""
        return self.days // WEEK

    @cached_property
    def log(self) -> np.ndarray:
        """Natural logarithm of 1 + count [m, D]: counts of a few and of thousands on one footing."""
        return log1p(self.values)

    @cached_property
    def active(self) -> np.ndarray:
        """Days with a count above 0, bool [m, D]."""
        return self.values > 0

    @cached_property
    def active_days(self) -> np.ndarray:
        """Number of active days, float32 [m]."""
        return self.active.view(np.int8).sum(axis=1, dtype=np.int32).astype(np.float32)

    @cached_property
    def weekly(self) -> np.ndarray:
        """Sum of counts of each week [m, weeks]."""
        return by_week(self.values)

    @cached_property
    def mean(self) -> np.ndarray:
        """Mean count per day [m]."""
        return self.values.mean(axis=1)

    @cached_property
    def fit(self) -> Fit:
        """The shared design fitted to the log series."""
        return self.design.fit(self.log)

    @cached_property
    def detrended(self) -> np.ndarray:
        """Log series without its trend, weekday effects kept [m, D]."""
        # One level for all days of a week: the weekdays differ by the same whichever of them is the week's first.
        return _without_rounding((self._in_weeks(self.log) - self.fit.trend[:, :, None]).reshape(self.log.shape))

    @cached_property
    def weekdays(self) -> np.ndarray:
        """Effect of each day of the week, by its place in the weeks before the cut-off [m, 7]; sums to nearly 0."""
        return self._in_weeks(self.detrended).sum(axis=1) / (self.weeks + WEEKDAY_PENALTY)

    @cached_property
    def residual(self) -> np.ndarray:
        """Log series without trend and weekday effects [m, D]."""
        rest = self._in_weeks(self.detrended) - self.weekdays[:, None]
        return _without_rounding(rest.reshape(self.log.shape))

    @cached_property
    def residual_spread(self) -> np.ndarray:
        """Root mean square of the residual [m]."""
        return np.sqrt(sum_of_products(self.residual, self.residual) / self.days)

    def _in_weeks(self, daily: np.ndarray) -> np.ndarray:
        return daily.reshape(len(daily), self.weeks, WEEK)


def _without_rounding(series: np.ndarray) -> np.ndarray:
    """Set rows [m, D] to 0 whose root mean square is below `FLAT`, in place."""
    series *= (sum_of_products(series, series) > FLAT**2 * series.shape[1])[:, None]
    return series


def log1p(values: np.ndarray) -> np.ndarray:
    """Return log(1 + x) of non-negative float32 values, to within float32's precision of 1 + x."""
    return log(1 + values)


def log(values: np.ndarray) -> np.ndarray:
    """Return the natural logarithm of positive, normal float32 values, the same bits on every processor.

    NumPy's takes another routine, with another last digit, on each kind of processor. With x = 2^e m and m from
    sqrt(1/2) to sqrt(2): log x = e log 2 + 2 artanh((m - 1) / (m + 1)), the series of which is exact after five terms.
    """
    # From bit 23 on a float32 holds its exponent.
    bits = values.view(np.int32)
    e = (bits - _SQRT_HALF) >> 23
    m = (bits - (e << 23)).view(np.float32)
    s = (m - 1) / (m + 1)
    z = s * s
    # In place: new arrays would cost more than the sums.
    series = z / 9
    for odd in (7, 5, 3, 1):
        series += 1 / odd
        series *= z if odd > 1 else 2 * s
    series += e.astype(np.float32) * natural_log(2)
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
