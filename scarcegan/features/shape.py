"""Trend, changepoints, weekly cycle, outliers, spectrum and memory of each series, from one shared fit."""

from math import log as natural_log

import numpy as np
from scipy import fft

from scarcegan.features.design import WEEK, by_week
from scarcegan.features.levels import days_since_last
from scarcegan.features.series import FLAT, Series, log, ratio, sum_of_products

# In normal noise one day in 160 lies above this band.
BAND_SPREADS = 2.5


def trend(series: Series) -> dict[str, np.ndarray]:
    """Compute trend and changepoints of the log series; formulas in the catalogue."""
    fit = series.fit
    size = np.abs(fit.changes)
    largest = size.argmax(axis=1)
    # Where no slope changes, the largest change is rounding error and has no age.
    changed = size.max(axis=1) > FLAT
    return {
        "trend": fit.trend[:, -1] - fit.trend[:, 0],
        "trend_end": fit.trend[:, -1],
        "slope_end": fit.slope + fit.changes.sum(axis=1),
        "change_largest": np.take_along_axis(fit.changes, largest[:, None], axis=1)[:, 0],
        "change_age_days": np.where(changed, series.design.hinge_days[largest], 0),
        "change_total": size.sum(axis=1),
    }


def residuals(series: Series) -> dict[str, np.ndarray]:
    """Compute spread, outliers and memory of what the fit leaves; formulas in the catalogue."""
    residual, spread = series.residual, series.residual_spread
    above = residual > BAND_SPREADS * spread[:, None]
    energy = spread**2 * series.days
    outliers = by_week(above.astype(np.float32))
    return {
        "residual_spread": spread,
        "outlier_days": outliers.sum(axis=1),
        "outlier_largest": ratio(residual.max(axis=1), spread),
        "outlier_recency_days": days_since_last(outliers > 0),
        "autocorrelation_1": ratio(sum_of_products(residual[:, 1:], residual[:, :-1]), energy),
        "autocorrelation_7": ratio(sum_of_products(residual[:, 7:], residual[:, :-7]), energy),
    }


def weekly(series: Series) -> dict[str, np.ndarray]:
    """Compute the strength of the weekly cycle, whatever its phase; formula in the catalogue."""
    power = sum_of_products(series.weekdays, series.weekdays) / WEEK
    return {"weekly_strength": ratio(power, power + series.residual_spread**2)}


def spectrum(series: Series) -> dict[str, np.ndarray]:
    """Compute dominant periods of the detrended series; formulas in the catalogue."""
    power = power_by_period(series)
    periods = power.shape[1]
    share = ratio(power, power.sum(axis=1, keepdims=True))
    first, first_share = _strongest(share)
    # The small addend keeps log 0 finite.
    entropy = -sum_of_products(share, log(share + 1e-12)) / natural_log(periods)
    np.put_along_axis(share, first[:, None], 0, axis=1)
    second, second_share = _strongest(share)
    return {
        "period_1_days": period_days(series, first, first_share, _noise_share(periods)),
        "period_1_share": first_share,
        # Tested against what the first one leaves.
        "period_2_days": period_days(series, second, ratio(second_share, 1 - first_share), _noise_share(periods - 1)),
        "period_2_share": second_share,
        "spectral_entropy": np.maximum(entropy, 0),
    }


def power_by_period(series: Series) -> np.ndarray:
    """Return the periodogram [m, D // 2 - 1] at periods D/2, D/3 ... 2 of D days; that of D is left to the trend."""
    waves = fft.rfft(series.detrended, axis=1)[:, 2:]
    return waves.real**2 + waves.imag**2


def period_days(series: Series, index: np.ndarray, power: np.ndarray, least_share: float) -> np.ndarray:
    """Return the periods in days of periodogram indices; 0 where their power does not exceed `least_share`."""
    return np.where(power > least_share, series.days / (index + 2), 0).astype(np.float32)


def _noise_share(periods: int) -> float:
    """Return the share that the strongest of so many periods exceeds in 5 % of pure noise (Fisher's g test)."""
    return 1 - (0.05 / periods) ** (1 / (periods - 1))


def _strongest(share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    index = share.argmax(axis=1)
    return index, np.take_along_axis(share, index[:, None], axis=1)[:, 0]
