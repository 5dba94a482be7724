"""Every feature, one by one: formula, unit, why it may matter for harm. Drives the columns' names and order.

In the formulas x is the daily count over the D observed days of the window (0 on a day without a row),
y = log(1 + x), `last third` the last third of the window, and contrast(a, b) = (a - b) / (a + b). Trend, weekday
effects and residual come from one ridge fit of y: offset, slope, 12 hinges and 7 weekday effects.
A quotient whose denominator is 0 counts as 0.
"""

from dataclasses import dataclass

from scarcegan.problems import DataProblem
from scarcegan.settings import RoleNames


@dataclass(frozen=True)
class Feature:
    """One feature.

    Attributes:
        name: end of the column's name; the counter's name comes first, where there is one.
        formula: how it is computed.
        unit: unit or range.
        why: why it may matter for harm.
    """

    name: str
    formula: str
    unit: str
    why: str


PER_COUNTER = (
    Feature("level", "mean x", "count per day", "how much is played at all"),
    Feature("level_active", "sum x / active days", "count per active day", "how hard the player plays once at it"),
    Feature("level_since_first", "sum x / days since the first x > 0", "count per day", "a newcomer's pace"),
    Feature("level_last_week", "mean x over the last 7 days", "count per day", "the state at the cut-off"),
    Feature("level_recent", "mean x, weight halving every 7 days back", "count per day", "the state, less jumpy"),
    Feature("acceleration", "contrast(mean x last third, mean x before)", "-1 to 1", "play that speeds up"),
    Feature(
        "weekend_share",
        "sum x on Saturday and Sunday / sum x",
        "0 to 1",
        "leisure, or play on working days too",
    ),
    Feature("spread", "standard deviation of x", "count per day", "days of excess beside quiet ones"),
    Feature("dispersion", "variance of x / mean x", "count", "binges: far above 1 when play comes in bouts"),
    Feature("peak", "largest x", "count", "the worst single day"),
    Feature("top3_share", "sum of the three largest x / sum x", "0 to 1", "few days that carry everything"),
    Feature("gini", "Gini coefficient of x over days", "0 to 1", "how unevenly play is spread over days"),
    Feature("active_share", "days with x > 0 / D", "0 to 1", "a habit of every day"),
    Feature("recency_days", "observed days since the last x > 0; D if none", "days", "who has stopped"),
    Feature("tenure_days", "observed days since the first x > 0; 0 if none", "days", "newcomers rise differently"),
    Feature("gap_mean_days", "mean distance of successive active days", "days", "the player's own pace"),
    Feature("gap_longest_days", "longest distance of active days", "days", "attempts to stop, then relapse"),
    Feature(
        "burstiness",
        "(s - m) / (s + m) of those distances",
        "-1 to 1",
        "bouts (1), chance (0), clockwork (-1)",
    ),
    Feature("streak_longest_days", "longest run of active days", "days", "not a day off"),
    Feature("streak_now_days", "run of active days up to the cut-off", "days", "a bout still under way"),
    Feature("trend", "trend at the end - trend at the start", "log count", "long rise or decline"),
    Feature("trend_end", "trend on the last day", "log count", "level at the cut-off, freed of weekday and chance"),
    Feature("slope_end", "slope of the trend on the last day", "log count per window", "where it is heading"),
    Feature("change_largest", "hinge with the largest |change of slope|", "log count per window", "a sudden turn"),
    Feature("change_age_days", "days from that hinge to the cut-off", "days", "how fresh the turn is"),
    Feature("change_total", "sum of |change of slope|", "log count per window", "unsteady play"),
    Feature("weekly_strength", "v / (v + residual variance), v = mean squared weekday effect", "0 to 1", "habit"),
    Feature("weekly_phase_cos", "strength x cosine of the weekday effects' first wave", "-1 to 1", "Monday peak"),
    Feature("weekly_phase_sin", "strength x sine of that wave", "-1 to 1", "mid-week (1) or weekend (-1) peak"),
    Feature("residual_spread", "root mean square of the residual", "log count", "irregular play"),
    Feature("outlier_days", "days with residual > 2.5 spreads", "days", "days beyond the player's own band"),
    Feature("outlier_largest", "largest residual / spread", "spreads", "the worst loss of control"),
    Feature("outlier_recency_days", "observed days since the last such day; D if none", "days", "a fresh excess"),
    Feature("autocorrelation_1", "of the residual at lag 1 day", "-1 to 1", "one bad day leads to the next"),
    Feature("autocorrelation_7", "of the residual at lag 7 days", "-1 to 1", "a weekly habit that shifts slowly"),
    Feature("period_1_days", "strongest period of y - trend; 0 if within noise", "days", "pay-day and weekend cycles"),
    Feature("period_1_share", "its share of the spectrum", "0 to 1", "how dominant that cycle is"),
    Feature("period_2_days", "second strongest; 0 if within noise", "days", "a second cycle"),
    Feature("period_2_share", "its share of the spectrum", "0 to 1", "how dominant the second cycle is"),
    Feature("spectral_entropy", "entropy of the spectrum / its maximum", "0 to 1", "rhythm (low) or noise (high)"),
)

BESIDE_ACTIVITY = (
    Feature("per_activity", "sum x / sum activity", "per activity", "how play is composed, whatever its amount"),
    Feature(
        "per_activity_change",
        "contrast of that ratio, last third against before",
        "-1 to 1",
        "play changes kind",
    ),
    Feature("comovement", "correlation of y with the activity's y", "-1 to 1", "what rises with play"),
)

BY_ROLE = {
    "night": (
        Feature("night_days_share", "days of activity with night play / days of activity", "0 to 1", "lost sleep"),
        Feature("night_days_share_change", "share in the last third - overall", "-1 to 1", "nights creep in"),
    ),
    "loss": (
        Feature(
            "chasing_lift",
            "activity y after days of above-average loss - after others",
            "log count",
            "playing on to win losses back",
        ),
        Feature(
            "chasing_correlation",
            "correlation of y of loss with y of activity a day later",
            "-1 to 1",
            "the more lost, the more played next day",
        ),
        Feature(
            "chasing_after_worst",
            "contrast(mean activity 3 days after the largest loss, mean)",
            "-1 to 1",
            "how the worst loss was answered",
        ),
    ),
    "deposit": (
        Feature(
            "deposit_again_share",
            "deposit days followed by a deposit day / deposit days",
            "0 to 1",
            "paying in again and again",
        ),
    ),
    "deposit_and_loss": (
        Feature(
            "deposit_with_loss",
            "correlation of y of deposits with y of loss",
            "-1 to 1",
            "paying in to play on after losing",
        ),
    ),
    "intensity": (
        Feature(
            "intensity_slope",
            "slope of log(1 + amount / activity) over active days",
            "log per window",
            "each round must be stronger: tolerance",
        ),
    ),
    "activity": (
        Feature("escalation_rise_share", "weeks above the week before / weeks", "0 to 1", "steady escalation"),
        Feature("escalation_last_week", "contrast(activity last week, mean week before)", "-1 to 1", "a fresh surge"),
        Feature(
            "escalation_record",
            "contrast(activity last week, largest week before)",
            "-1 to 1",
            "a week beyond all others",
        ),
    ),
}


@dataclass(frozen=True)
class Column:
    """One column of the feature table: name, the counter it describes (empty: several) and feature."""

    name: str
    counter: str
    feature: Feature


def role_places(roles: RoleNames, counters: tuple[str, ...]) -> dict[str, int]:
    """Return the position among the counters of each role that is filled; the activity always is.

    Raises:
        DataProblem: a role names a counter that the telemetry lacks.
    """
    named = roles.model_dump()
    named["activity"] = named["activity"] or counters[0]
    unknown = {role: name for role, name in named.items() if name and name not in counters}
    if unknown:
        raise DataProblem(f"expected roles to name counters {list(counters)}, got {unknown}: mend the roles")
    return {role: counters.index(name) for role, name in named.items() if name}


def columns(counters: tuple[str, ...], roles: RoleNames) -> tuple[Column, ...]:
    """List the columns that `extract` returns for these counters and roles, in order."""
    places = role_places(roles, counters)
    activity = counters[places["activity"]]
    listed = [_column(counter, feature) for counter in counters for feature in PER_COUNTER]
    others = [counter for counter in counters if counter != activity]
    listed += [_column(counter, feature) for counter in others for feature in BESIDE_ACTIVITY]
    listed += [Column(feature.name, "", feature) for feature in role_features(places)]
    return tuple(listed)


def role_features(places: dict[str, int]) -> tuple[Feature, ...]:
    """List the features that the filled roles allow, in order; losses can be told from wins."""
    present = set(places)
    if "win" in present:
        present.add("loss")
    if {"deposit", "loss"} <= present:
        present.add("deposit_and_loss")
    return tuple(feature for part, features in BY_ROLE.items() if part in present for feature in features)


def _column(counter: str, feature: Feature) -> Column:
    return Column(f"{counter}_{feature.name}", counter, feature)
