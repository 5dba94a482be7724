"""Level, concentration, activity, gaps and streaks of each series.

What looks back from the cut-off is counted in whole weeks: in days, a player of weekends would have another recency
on each weekday.
"""

import numpy as np

from scarcegan.features.design import WEEK, late_and_early
from scarcegan.features.series import Series, contrast, ratio, sum_of_products


def levels(series: Series) -> dict[str, np.ndarray]:
    """Compute level, spread and concentration of the raw counts; formulas in the catalogue."""
    days, weeks, values, mean = series.days, series.weeks, series.values, series.mean
    # Powers of 2 are exact, the latest week's is 1.
    recent = np.ldexp(np.float32(1), np.arange(weeks) - weeks + 1)
    total = mean * days
    deviation = values - mean[:, None]
    variance = sum_of_products(deviation, deviation) / days
    ordered = np.sort(values, axis=1)
    # Gini of ascending counts: sum of (2 i - D - 1) x_i / (D sum x), with i from 1.
    rank = (2 * np.arange(1, days + 1, dtype=np.float32) - days - 1) / days
    return {
        "level": mean,
        "level_active": ratio(total, series.active_days),
        "level_since_first": ratio(total, days_since_first(series.weekly > 0)),
        "level_last_week": series.weekly[:, -1] / WEEK,
        "level_recent": np.einsum("mw,w->m", series.weekly, recent) / (WEEK * recent.sum()),
        "acceleration": contrast(*late_and_early(series.weekly)),
        "spread": np.sqrt(variance),
        "dispersion": ratio(variance, mean),
        "peak": ordered[:, -1],
        "top3_share": ratio(ordered[:, -3:].sum(axis=1), total),
        "gini": ratio(np.einsum("md,d->m", ordered, rank), total),
    }


def days_since_first(marks: np.ndarray) -> np.ndarray:
    """Return the days since the first marked week, that week included, from marks [m, weeks]; 0 where there is none."""
    return np.where(marks.any(axis=1), WEEK * (marks.shape[1] - marks.argmax(axis=1)), 0).astype(np.float32)


def days_since_last(marks: np.ndarray) -> np.ndarray:
    """Return the days of the weeks after the last marked one, from marks [m, weeks]; all days where there is none."""
    return np.where(marks.any(axis=1), WEEK * marks[:, ::-1].argmax(axis=1), WEEK * marks.shape[1]).astype(np.float32)


def runs(marks: np.ndarray) -> np.ndarray:
    """Return the length of the run of marks up to each place of the rows, int16, from bool [m, k]."""
    order = np.arange(1, marks.shape[1] + 1, dtype=np.int16)
    # Less the place of the latest gap so far, 0 before the first.
    return order - np.maximum.accumulate(~marks * order, axis=1)


def activity(series: Series) -> dict[str, np.ndarray]:
    """Compute recency, gaps and streaks; formulas in the catalogue."""
    weeks = series.weekly > 0
    gap_mean, gap_spread, gap_longest = distances(series.active)
    return {
        "active_share": series.active_days / series.days,
        "recency_days": days_since_last(weeks),
        "tenure_days": days_since_first(weeks),
        "gap_mean_days": gap_mean,
        "gap_longest_days": gap_longest,
        "burstiness": ratio(gap_spread - gap_mean, gap_spread + gap_mean),
        "streak_longest_days": runs(series.active).max(axis=1).astype(np.float32),
        "streak_now_weeks": runs(weeks)[:, -1].astype(np.float32),
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
    mean = ratio(gap.sum(axis=1), steps)
    # Rounding may leave a variance slightly below 0.
    return mean, np.sqrt(np.maximum(ratio(sum_of_products(gap, gap), steps) - mean**2, 0)), gap.max(axis=1)
