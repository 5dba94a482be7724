"""Features across counters: ratios, co-movement, night play, chasing, deposits, escalation."""

import numpy as np

from scarcegan.features.design import Calendar
from scarcegan.features.series import FLAT, Series, contrast, correlation, ratio


def beside_activity(series: Series, counters: int, activity: int) -> dict[str, np.ndarray]:
    """Compare each other counter with the activity counter; returns arrays [counters - 1, n]."""
    others = [position for position in range(counters) if position != activity]
    calendar = series.calendar
    late = calendar.age <= calendar.window_days / 3
    weights = np.stack([calendar.mean_over(late), calendar.mean_over(~late)], axis=1)
    late_level, early_level = np.moveaxis((series.values @ weights).reshape(counters, -1, 2), 2, 0)
    mean = series.mean.reshape(counters, -1)

    def per_activity(level: np.ndarray) -> np.ndarray:
        return ratio(level[others], level[activity][None].repeat(len(others), 0))

    log = series.log.reshape(counters, -1, len(calendar))
    centred = log - log.mean(axis=2, keepdims=True)
    size = np.sqrt(np.einsum("cnd,cnd->cn", centred, centred))
    # A constant series moves with nothing: 0, not a quotient of rounding errors.
    norm = np.where(size[others] * size[activity] > FLAT, size[others] * size[activity], 0)
    together = np.einsum("cnd,nd->cn", centred[others], centred[activity])
    return {
        "per_activity": per_activity(mean),
        "per_activity_change": contrast(per_activity(late_level), per_activity(early_level)),
        "comovement": ratio(together, norm),
    }


def by_role(daily: dict[str, np.ndarray], calendar: Calendar) -> dict[str, np.ndarray]:
    """Compute what the filled roles allow, from counts [n, D] by role on the observed days; `activity` is always there.

    The features, float arrays [n] by name, are those that `catalogue.role_features` lists.
    """
    active = daily["activity"]
    loss = daily.get("loss")
    if loss is None and "win" in daily:
        # Without a counter of losses, all activity of a day without a win counts as lost.
        loss = np.where(daily["win"] > 0, 0, active)
    found = escalation(active, calendar)
    if "intensity" in daily:
        found |= intensity(active, daily["intensity"], calendar)
    if "night" in daily:
        found |= night_play(active, daily["night"], calendar)
    if loss is not None:
        found |= chasing(active, loss)
    if "deposit" in daily:
        found |= deposits(daily["deposit"], loss)
    return found


def night_play(activity: np.ndarray, night: np.ndarray, calendar: Calendar) -> dict[str, np.ndarray]:
    """Share of active days with night play, all over and lately; arrays [n, D]."""
    late = calendar.mean_over(calendar.age <= calendar.window_days / 3)
    days = (activity > 0).astype(np.float32)
    nights = days * (night > 0)
    ones = np.ones(len(calendar), np.float32)
    share, share_late = ratio(nights @ ones, days @ ones), ratio(nights @ late, days @ late)
    return {"night_days_share": share, "night_days_share_change": share_late - share}


def chasing(activity: np.ndarray, loss: np.ndarray) -> dict[str, np.ndarray]:
    """Activity on the day after losses, in logs; arrays [n, D], the loss in its own unit."""
    loss_log, next_log = np.log1p(loss[:, :-1]), np.log1p(activity[:, 1:])
    ones = np.ones(loss_log.shape[1], np.float32)
    # Heavy beside the player's own mean: what is much for one player is little for another.
    heavy = (loss_log > (loss_log @ ones / len(ones))[:, None]).astype(np.float32)
    heavy_days = heavy @ ones
    after_heavy = np.einsum("nd,nd->n", heavy, next_log)
    after_other = next_log @ ones - after_heavy
    lift = ratio(after_heavy, heavy_days) - ratio(after_other, len(ones) - heavy_days)
    worst = loss.argmax(axis=1)
    following = worst[:, None] + np.arange(1, 4)
    inside = following < loss.shape[1]
    following = np.take_along_axis(activity, np.minimum(following, loss.shape[1] - 1), axis=1) * inside
    worst_next = ratio(following.sum(axis=1), inside.sum(axis=1).astype(np.float32))
    return {
        "chasing_lift": np.where(heavy_days > 0, lift, 0),
        "chasing_correlation": correlation(loss_log, next_log),
        "chasing_after_worst": np.where(loss.max(axis=1) > 0, contrast(worst_next, activity.mean(axis=1)), 0),
    }


def deposits(deposit: np.ndarray, loss: np.ndarray | None) -> dict[str, np.ndarray]:
    """Repeated deposits, and deposits on days of loss; arrays [n, D]."""
    paid = (deposit > 0).astype(np.float32)
    again = np.einsum("nd,nd->n", paid[:, 1:], paid[:, :-1])
    columns = {"deposit_again_share": ratio(again, paid @ np.ones(paid.shape[1], np.float32))}
    if loss is not None:
        columns["deposit_with_loss"] = correlation(np.log1p(deposit), np.log1p(loss))
    return columns


def escalation(activity: np.ndarray, calendar: Calendar) -> dict[str, np.ndarray]:
    """Rise of activity from week to week, weeks counted back from the cut-off; array [n, D]."""
    ages = ((calendar.age - 1) // 7).astype(int)
    # The oldest week first; a week without an observed day has no level.
    whole = [age for age in range(calendar.window_days // 7) if (ages == age).any()][::-1]
    weeks = activity @ np.stack([calendar.mean_over(ages == age) for age in whole], axis=1)
    earlier = weeks[:, :-1]
    # More than rounding: equal weeks must not count as rises.
    rises = weeks[:, 1:] > earlier * (1 + 1e-5)
    return {
        "escalation_rise_share": rises.mean(axis=1, dtype=np.float32),
        "escalation_last_week": contrast(weeks[:, -1], earlier.mean(axis=1)),
        "escalation_record": contrast(weeks[:, -1], earlier.max(axis=1)),
    }


def intensity(activity: np.ndarray, amount: np.ndarray, calendar: Calendar) -> dict[str, np.ndarray]:
    """Trend of the amount per unit of activity; arrays [n, D]."""
    per_unit = np.log1p(ratio(amount, activity))
    played = (activity > 0).astype(np.float32)
    # Days since the middle of the player's own active days; a slope over active days alone.
    time = 1 - calendar.age / calendar.window_days
    count = played.sum(axis=1)
    middle = ratio(played @ time, count)
    centred = (time[None] - middle[:, None]) * played
    slope = ratio(np.einsum("nd,nd->n", centred, per_unit), np.einsum("nd,nd->n", centred, centred))
    # Two days always lie on a line: their slope says nothing.
    return {"intensity_slope": np.where(count > 2, slope, 0)}
