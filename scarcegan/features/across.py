"""Features across counters: ratios, co-movement, night play, chasing, deposits, escalation."""

import numpy as np

from scarcegan.features.design import by_week, late_and_early
from scarcegan.features.series import FLAT, Series, contrast, correlation, log1p, ratio, sum_of_products


def beside_activity(series: Series, counters: int, activity: int) -> dict[str, np.ndarray]:
    """Compare each other counter with the activity counter; returns arrays [counters - 1, n]."""
    others = [position for position in range(counters) if position != activity]
    late, early = late_and_early(series.weekly.reshape(counters, -1, series.weeks))
    mean = series.mean.reshape(counters, -1)

    def per_activity(level: np.ndarray) -> np.ndarray:
        return ratio(level[others], level[activity][None].repeat(len(others), 0))

    log = series.log.reshape(counters, -1, series.days)
    centred = log - log.mean(axis=2, keepdims=True)
    size = np.sqrt(sum_of_products(centred, centred))
    # A constant series moves with nothing: 0, not a quotient of rounding errors.
    norm = np.where(size[others] * size[activity] > FLAT, size[others] * size[activity], 0)
    together = sum_of_products(centred[others], centred[activity])
    return {
        "per_activity": per_activity(mean),
        "per_activity_change": contrast(per_activity(late), per_activity(early)),
        "comovement": ratio(together, norm),
    }


def by_role(daily: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Compute what the filled roles allow, from counts [n, D] by role; `activity` is always there.

    The features, float arrays [n] by name, are those that `catalogue.role_features` lists.
    """
    active = daily["activity"]
    loss = daily.get("loss")
    if loss is None and "win" in daily:
        # Without a counter of losses, all activity of a day without a win counts as lost.
        loss = np.where(daily["win"] > 0, 0, active)
    found = escalation(active)
    if "intensity" in daily:
        found |= intensity(active, daily["intensity"])
    if "night" in daily:
        found |= night_play(active, daily["night"])
    if loss is not None:
        found |= chasing(active, loss)
    if "deposit" in daily:
        found |= deposits(daily["deposit"], loss)
    return found


def night_play(activity: np.ndarray, night: np.ndarray) -> dict[str, np.ndarray]:
    """Share of active days with night play, all over and lately; arrays [n, D]."""
    played = (activity > 0).astype(np.float32)
    days, nights = by_week(played), by_week(played * (night > 0))
    share = ratio(nights.sum(axis=1), days.sum(axis=1))
    share_late = ratio(late_and_early(nights)[0], late_and_early(days)[0])
    return {"night_days_share": share, "night_days_share_change": share_late - share}


def chasing(activity: np.ndarray, loss: np.ndarray) -> dict[str, np.ndarray]:
    """Activity on the day after losses, in logs; arrays [n, D], the loss in its own unit."""
    loss_log, next_log = log1p(loss[:, :-1]), log1p(activity[:, 1:])
    # Heavy beside the player's own mean: what is much for one player is little for another.
    heavy = (loss_log > loss_log.mean(axis=1, keepdims=True)).astype(np.float32)
    heavy_days = heavy.sum(axis=1)
    after_heavy = sum_of_products(heavy, next_log)
    after_other = next_log.sum(axis=1) - after_heavy
    lift = ratio(after_heavy, heavy_days) - ratio(after_other, heavy.shape[1] - heavy_days)
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
    again = sum_of_products(paid[:, 1:], paid[:, :-1])
    columns = {"deposit_again_share": ratio(again, paid.sum(axis=1))}
    if loss is not None:
        columns["deposit_with_loss"] = correlation(log1p(deposit), log1p(loss))
    return columns


def escalation(activity: np.ndarray) -> dict[str, np.ndarray]:
    """Rise of activity from week to week, weeks counted back from the cut-off; array [n, D]."""
    weeks = by_week(activity)
    earlier = weeks[:, :-1]
    # More than rounding: equal weeks must not count as rises.
    rises = weeks[:, 1:] > earlier * (1 + 1e-5)
    return {
        "escalation_rise_share": rises.mean(axis=1, dtype=np.float32),
        "escalation_last_week": contrast(weeks[:, -1], earlier.mean(axis=1)),
        "escalation_record": contrast(weeks[:, -1], earlier.max(axis=1)),
    }


def intensity(activity: np.ndarray, amount: np.ndarray) -> dict[str, np.ndarray]:
    """Trend of the amount per unit of activity; arrays [n, D]."""
    per_unit = log1p(ratio(amount, activity))
    played = (activity > 0).astype(np.float32)
    # Days since the middle of the player's own active days; a slope over active days alone.
    time = np.arange(activity.shape[1], dtype=np.float32) / activity.shape[1]
    count = played.sum(axis=1)
    middle = ratio(np.einsum("nd,d->n", played, time), count)
    centred = (time[None] - middle[:, None]) * played
    slope = ratio(sum_of_products(centred, per_unit), sum_of_products(centred, centred))
    # Two days always lie on a line: their slope says nothing.
    return {"intensity_slope": np.where(count > 2, slope, 0)}
