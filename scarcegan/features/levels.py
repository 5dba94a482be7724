"""Level, concentration, activity, gaps and streaks of each series."""

import numpy as np

from scarcegan.features.series import Series, contrast, ratio, sum_of_products

RECENT_HALF_LIFE_DAYS = 7.0


def levels(series: Series) -> dict[str, np.ndarray]:
    """Compute level and spread of the raw counts; formulas in the catalogue."""
    calendar, values, mean = series.calendar, series.values, series.mean
    recent = np.exp2(-calendar.age / RECENT_HALF_LIFE_DAYS)
    weights = np.stack(
        [
            calendar.mean_over(calendar.age <= 7),
            recent / recent.sum(),
            calendar.mean_over(calendar.age <= calendar.window_days / 3),
            calendar.mean_over(calendar.age > calendar.window_days / 3),
            (calendar.weekdays >= 5).astype(np.float32),
        ],
        axis=1,
    )
    last_week, recent_level, last_third, earlier, weekend = np.ascontiguousarray((values @ weights).T)
    total = mean * len(calendar)
    deviation = values - mean[:, None]
    variance = sum_of_products(deviation, deviation) / len(calendar)
    return {
        "level": mean,
        "level_active": ratio(total, series.active_days),
        "level_since_first": ratio(total, days_since_first(series)),
        "level_last_week": last_week,
        "level_recent": recent_level,
        "acceleration": contrast(last_third, earlier),
        "weekend_share": ratio(weekend, total),
        "spread": np.sqrt(variance),
        "dispersion": ratio(variance, mean),
        **_concentration(series, total),
    }


def _concentration(series: Series, total: np.ndarray) -> dict[str, np.ndarray]:
    ordered = np.sort(series.values, axis=1)
    days = len(series.calendar)
    rank = (2 * np.arange(1, days + 1, dtype=np.float32) - days - 1) / days
    return {
        "peak": ordered[:, -1],
        "top3_share": ratio(ordered[:, -3:].sum(axis=1), total),
        "gini": ratio(ordered @ rank, total),
    }


def days_since_first(series: Series) -> np.ndarray:
    """Return observed days since the first active day, that day included [m]; 0 where there is none."""
    days = len(series.calendar)
    return np.where(series.active_days > 0, days - series.active.argmax(axis=1), 0).astype(np.float32)


def activity(series: Series) -> dict[str, np.ndarray]:
    """Compute recency, gaps and streaks, counted in observed days; formulas in the catalogue."""
    active, count = series.active, series.active_days
    days = len(series.calendar)
    order = np.arange(1, days + 1, dtype=np.int16)
    # Day number of the latest active (inactive) day so far, 0 before the first.
    latest_active = np.maximum.accumulate(active * order, axis=1)
    latest_quiet = np.maximum.accumulate(~active * order, axis=1)
    streak = order - latest_quiet
    first = np.where(count > 0, active.argmax(axis=1), days).astype(np.float32)
    last = latest_active[:, -1].astype(np.float32)
    gap = np.where(active[:, 1:] & (latest_active[:, :-1] > 0), order[1:] - latest_active[:, :-1], 0)
    gap = gap.astype(np.float32)
    gaps = np.maximum(count - 1, 0)
    gap_mean = ratio(np.maximum(last - 1 - first, 0), gaps)
    gap_spread = np.sqrt(np.maximum(ratio(sum_of_products(gap, gap), gaps) - gap_mean**2, 0))
    return {
        "active_share": count / days,
        "recency_days": days - last,
        "tenure_days": days - first,
        "gap_mean_days": gap_mean,
        "gap_longest_days": gap.max(axis=1),
        "burstiness": ratio(gap_spread - gap_mean, gap_spread + gap_mean),
        "streak_longest_days": streak.max(axis=1).astype(np.float32),
        "streak_now_days": streak[:, -1].astype(np.float32),
    }
