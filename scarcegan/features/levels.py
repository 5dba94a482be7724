"""Level, concentration, activity, gaps and streaks of each series."""

import numpy as np

from scarcegan.features.series import Series, contrast, ratio, sum_of_products

RECENT_HALF_LIFE_DAYS = 7.0


def levels(series: Series) -> dict[str, np.ndarray]:
    """Compute level, spread and concentration of the raw counts; formulas in the catalogue."""
    calendar, values, mean = series.calendar, series.values, series.mean
    recent = np.exp2(-calendar.age / RECENT_HALF_LIFE_DAYS)
    late = calendar.age <= calendar.window_days / 3
    weights = [calendar.mean_over(calendar.age <= 7), recent / recent.sum()]
    weights += [calendar.mean_over(late), calendar.mean_over(~late), (calendar.weekdays >= 5).astype(np.float32)]
    # All weighted means in one product: the counts are read once.
    means = np.ascontiguousarray((values @ np.stack(weights, axis=1)).T)
    last_week, recent_level, last_third, earlier, weekend = means
    total = mean * len(calendar)
    deviation = values - mean[:, None]
    variance = sum_of_products(deviation, deviation) / len(calendar)
    ordered = np.sort(values, axis=1)
    # Gini of ascending counts: sum of (2 i - D - 1) x_i / (D sum x), with i from 1.
    rank = (2 * np.arange(1, len(calendar) + 1, dtype=np.float32) - len(calendar) - 1) / len(calendar)
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
    active = series.active
    days = active.shape[1]
    order = np.arange(1, days + 1, dtype=np.int16)
    # Day number of the latest quiet day so far, 0 before the first.
    streak = order - np.maximum.accumulate(~active * order, axis=1)
    last = np.where(series.active_days > 0, days - active[:, ::-1].argmax(axis=1), 0).astype(np.float32)
    gap_mean, gap_spread, gap_longest = distances(active)
    return {
        "active_share": series.active_days / days,
        "recency_days": days - last,
        "tenure_days": days_since_first(series),
        "gap_mean_days": gap_mean,
        "gap_longest_days": gap_longest,
        "burstiness": ratio(gap_spread - gap_mean, gap_spread + gap_mean),
        "streak_longest_days": streak.max(axis=1).astype(np.float32),
        "streak_now_days": streak[:, -1].astype(np.float32),
    }


def distances(marks: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean, standard deviation and largest distance of successive marks in each row of bool [m, k].

    All are float32 [m], and 0 in rows with fewer than two marks.
    """
    order = np.arange(1, marks.shape[1] + 1, dtype=np.int16)
    # Place of the latest mark so far, 0 before the first.
    latest = np.maximum.accumulate(marks * order, axis=1)
    gap = (order[1:] - latest[:, :-1]) * (marks[:, 1:] & (latest[:, :-1] > 0))
    gap = gap.astype(np.float32)
    steps = np.count_nonzero(gap, axis=1).astype(np.float32)
    mean = ratio(gap @ np.ones(gap.shape[1], np.float32), steps)
    # Rounding may leave a variance slightly below 0.
    return mean, np.sqrt(np.maximum(ratio(sum_of_products(gap, gap), steps) - mean**2, 0)), gap.max(axis=1)
