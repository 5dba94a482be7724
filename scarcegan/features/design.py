"""One ridge design shared by all series: offset, slope, hinge changepoints and weekday effects."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scarcegan.features.telemetry import Telemetry

# In a window of 90 days there is one on about every seventh day.
HINGES = 12
# Ridge weights: residual variance of log(1 + count) over the prior variance of each effect. Level and slope are
# nearly free; a change of slope and a weekday must show on several days before they count.
SLOPE_PENALTY = 0.1
HINGE_PENALTY = 1.0
WEEKDAY_PENALTY = 4.0


@dataclass(frozen=True)
class Calendar:
    """The observed days of a window.

    Attributes:
        days: int array [D], position of each observed day in the window, ascending.
        weekdays: int array [D], 0 = Monday.
        window_days: length of the window, unobserved days included.
    """

    days: np.ndarray
    weekdays: np.ndarray
    window_days: int

    def __len__(self) -> int:
        return len(self.days)

    @cached_property
    def age(self) -> np.ndarray:
        """Days from each observed day to the cut-off, float32 [D], from window_days down to 1."""
        return (self.window_days - self.days).astype(np.float32)

    def mean_over(self, chosen: np.ndarray) -> np.ndarray:
        """Return float32 [D] weights whose dot product with a series is its mean over the chosen days."""
        return (chosen / max(int(chosen.sum()), 1)).astype(np.float32)


def calendar_of(telemetry: Telemetry) -> Calendar:
    """Return the observed days of a telemetry block."""
    days = np.flatnonzero(telemetry.observed)
    first = np.datetime64(telemetry.first_day, "D").astype(np.int64)
    # Day 0, 1970-01-01, was a Thursday.
    return Calendar(days, (first + days + 3) % 7, len(telemetry.observed))


@dataclass(frozen=True)
class SharedDesign:
    """The design and its ridge solution; coefficients are columns offset, slope, hinges, weekdays.

    Attributes:
        matrix: float32 [D, p].
        solver: float32 [p, D]; coefficients = solver @ series.
        hinge_days: float32 [HINGES], days before the cut-off at which the slope may change.
    """

    matrix: np.ndarray
    solver: np.ndarray
    hinge_days: np.ndarray

    def fit(self, series: np.ndarray) -> "Fit":
        """Fit all series [m, D] by one matmul."""
        return Fit(self, series @ self.solver.T)


@dataclass(frozen=True)
class Fit:
    """Coefficients [m, p] of all series and what follows from them; time runs from 0 to 1 over the window."""

    design: SharedDesign
    coefficients: np.ndarray

    @property
    def offset(self) -> np.ndarray:
        """Level at the start of the window [m]."""
        return self.coefficients[:, 0]

    @property
    def slope(self) -> np.ndarray:
        """Slope at the start of the window, per window [m]."""
        return self.coefficients[:, 1]

    @property
    def changes(self) -> np.ndarray:
        """Change of slope at each hinge, per window [m, HINGES]."""
        return self.coefficients[:, 2 : 2 + HINGES]

    @property
    def weekdays(self) -> np.ndarray:
        """Effect of each weekday, Monday first [m, 7]; nearly sums to zero."""
        return self.coefficients[:, 2 + HINGES :]

    @cached_property
    def trend(self) -> np.ndarray:
        """Offset, slope and hinges on each observed day [m, D]."""
        return self.coefficients[:, : 2 + HINGES] @ self.design.matrix[:, : 2 + HINGES].T

    @cached_property
    def weekly(self) -> np.ndarray:
        """Weekday effect on each observed day [m, D]."""
        return self.weekdays @ self.design.matrix[:, 2 + HINGES :].T


def shared_design(calendar: Calendar) -> SharedDesign:
    """Build the design of a window's observed days and solve it once."""
    time = calendar.days / calendar.window_days
    knots = np.arange(1, HINGES + 1) / (HINGES + 1)
    hinges = np.maximum(time[:, None] - knots, 0)
    weekdays = np.eye(7)[calendar.weekdays]
    matrix = np.column_stack([np.ones_like(time), time, hinges, weekdays])
    # The weekday columns add up to the offset's column: as only they cost much, the level goes to the offset.
    penalty = np.r_[1e-6, SLOPE_PENALTY, np.full(HINGES, HINGE_PENALTY), np.full(7, WEEKDAY_PENALTY)]
    solver = np.linalg.pinv(matrix.T @ matrix + np.diag(penalty)) @ matrix.T
    hinge_days = calendar.window_days * (1 - knots)
    return SharedDesign(*(array.astype(np.float32) for array in (matrix, solver, hinge_days)))
