"""Every feature, one by one: formula, unit, why it may matter for harm. Drives the columns' names and order.

In the formulas x is the daily count, 0 on a day without a row, over D days: the window, its oldest week filled up to a
whole one (91 days for 90). A day before the window or missing for everyone has the player's counts of the same
weekday in the nearest week. Weeks end with the cut-off. y = log(1 + x), `last third` is that of the weeks, and
contrast(a, b) = (a - b) / (a + b). The trend comes from one ridge fit of the weekly means of y: offset, slope, and
hinges between weeks, 12 at most. The weekday effects are means of y - trend, shrunk; the residual is what both leave.
A quotient whose denominator is 0 counts as 0.

Each feature says the same of a player who does not change, whatever weekday the cut-off is: what looks back from the
cut-off is counted in whole weeks, and no feature names a weekday.
"""

from collections.abc import Collection

from scarcegan.problems import DataProblem
from scarcegan.records import Record
from scarcegan.settings.data_sections import RoleNames


class Feature(Record):
    """One feature: the end of its column's name (after the counter's, where there is one) and what explains it."""

    name: str
    formula: str
    unit: str
    why: str


def feature_table(rows: str) -> tuple[Feature, ...]:
    """Read features from a text of one row each: name | formula | unit | why."""
    return tuple(Feature(*row.strip().split(" | ")) for row in rows.strip().splitlines())


PER_COUNTER = feature_table("""
    level | mean x | count per day | how much is played at all
    level_active | sum x / active days | count per active day | how hard the player plays once at it
    level_since_first | sum x / tenure | count per day | a newcomer's pace
    level_last_week | mean x over the last 7 days | count per day | the state at the cut-off
    level_recent | mean x, weight halving every week back | count per day | the state, less jumpy
    acceleration | contrast(mean x last third, mean x before) | -1 to 1 | play that speeds up
    spread | standard deviation of x | count per day | days of excess beside quiet ones
    dispersion | variance of x / mean x | count | binges: far above 1 when play comes in bouts
    peak | largest x | count | the worst single day
    top3_share | sum of the three largest x / sum x | 0 to 1 | few days that carry everything
    gini | Gini coefficient of x over days | 0 to 1 | how unevenly play is spread over days
    active_share | days with x > 0 / D | 0 to 1 | a habit of every day
    recency_days | days of the weeks after the last with x > 0; D if none | days | who has stopped
    tenure_days | days of the weeks from the first with x > 0 on; 0 if none | days | newcomers rise differently
    gap_mean_days | mean distance of successive active days | days | the player's own pace
    gap_longest_days | longest distance of active days | days | attempts to stop, then relapse
    burstiness | (s - m) / (s + m) of those distances | -1 to 1 | bouts (1), chance (0), clockwork (-1)
    streak_longest_days | longest run of active days | days | not a day off
    streak_now_weeks | run of weeks with x > 0 up to the cut-off | weeks | who keeps on playing
    trend | trend in the last week - trend in the first | log count | long rise or decline
    trend_end | trend in the last week | log count | level at the cut-off, freed of weekday and chance
    slope_end | slope of the trend in the last week | log count per D days | where it is heading
    change_largest | hinge with the largest |change of slope| | log count per D days | a sudden turn
    change_age_days | days from that hinge to the cut-off | days | how fresh the turn is
    change_total | sum of |change of slope| | log count per D days | unsteady play
    weekly_strength | v / (v + residual variance), v = mean squared weekday effect | 0 to 1 | habit
    residual_spread | root mean square of the residual | log count | irregular play
    outlier_days | days with residual > 2.5 spreads | days | days beyond the player's own band
    outlier_largest | largest residual / spread | spreads | the worst loss of control
    outlier_recency_days | days of the weeks after the last with such a day; D if none | days | a fresh excess
    autocorrelation_1 | of the residual at lag 1 day | -1 to 1 | one bad day leads to the next
    autocorrelation_7 | of the residual at lag 7 days | -1 to 1 | a weekly habit that shifts slowly
    period_1_days | strongest period of y - trend; 0 if within noise | days | pay-day and weekend cycles
    period_1_share | its share of the spectrum | 0 to 1 | how dominant that cycle is
    period_2_days | second strongest; 0 if within noise | days | a second cycle
    period_2_share | its share of the spectrum | 0 to 1 | how dominant the second cycle is
    spectral_entropy | entropy of the spectrum / its maximum | 0 to 1 | rhythm (low) or noise (high)
""")

BESIDE_ACTIVITY = feature_table("""
    per_activity | sum x / sum activity | per activity | how play is composed, whatever its amount
    per_activity_change | contrast of that ratio, last third against before | -1 to 1 | play changes kind
    comovement | correlation of y with the activity's y | -1 to 1 | what rises with play
""")

BY_ROLE = {
    "night": feature_table("""
        night_days_share | days of activity with night play / days of activity | 0 to 1 | lost sleep
        night_days_share_change | share in the last third - overall | -1 to 1 | nights creep in
    """),
    "loss": feature_table("""
        chasing_lift | y of activity after above-average loss - after others | log count | playing on to win losses back
        chasing_correlation | correlation of y of loss with activity's a day later | -1 to 1 | more lost, more played
        chasing_after_worst | contrast(mean activity 3 days after the largest loss, mean) | -1 to 1 | the worst loss
    """),
    "deposit": feature_table("""
        deposit_again_share | deposit days followed by a deposit day / deposit days | 0 to 1 | paying in again and again
    """),
    "deposit_and_loss": feature_table("""
        deposit_with_loss | correlation of y of deposits with y of loss | -1 to 1 | paying in to play on after losing
    """),
    "intensity": feature_table("""
        intensity_slope | slope of log(1 + amount / activity), active days | log per D days | tolerance: ever more
    """),
    "activity": feature_table("""
        escalation_rise_share | weeks above the week before / weeks | 0 to 1 | steady escalation
        escalation_last_week | contrast(activity last week, mean week before) | -1 to 1 | a fresh surge
        escalation_record | contrast(activity last week, largest week before) | -1 to 1 | a week beyond all others
    """),
}


def role_places(roles: RoleNames, counters: tuple[str, ...]) -> dict[str, int]:
    """Return the position among the counters of each role that is filled; the activity always is.

    A role that names a counter which the telemetry lacks is refused as a DataProblem.
    """
    named = roles.model_dump()
    named["activity"] = named["activity"] or counters[0]
    unknown = {role: name for role, name in named.items() if name and name not in counters}
    if unknown:
        raise DataProblem(f"expected roles to name counters {list(counters)}, got {unknown}: mend the roles")
    return {role: counters.index(name) for role, name in named.items() if name}


def columns(counters: tuple[str, ...], roles: RoleNames) -> dict[str, Feature]:
    """List the columns that `extract` returns for these counters and roles, in order, each with its feature."""
    places = role_places(roles, counters)
    others = [counter for position, counter in enumerate(counters) if position != places["activity"]]
    # The blocks come in the order in which `extract` fills them.
    listed = {f"{counter}_{feature.name}": feature for counter in counters for feature in PER_COUNTER}
    listed |= {f"{counter}_{feature.name}": feature for counter in others for feature in BESIDE_ACTIVITY}
    return listed | {feature.name: feature for feature in role_features(places)}


def role_features(places: dict[str, int]) -> tuple[Feature, ...]:
    """List the features that the filled roles allow, in order; losses can be told from wins."""
    present = set(places)
    if "win" in present:
        present.add("loss")
    if {"deposit", "loss"} <= present:
        present.add("deposit_and_loss")
    return tuple(feature for part, features in BY_ROLE.items() if part in present for feature in features)


def units_of(columns: Collection[str]) -> dict[str, str]:
    """Return the unit of each column of a snapshot that `extract` has made; of a table of anybody's own, none.

    A counter is known by its columns: it has all of those that every counter has.
    """
    ends = {f"_{feature.name}": feature.unit for feature in PER_COUNTER}
    first = next(iter(ends))
    named = [column.removesuffix(first) for column in columns if column.endswith(first)]
    counters = [counter for counter in named if all(counter + end in columns for end in ends)]
    beside = ends | {f"_{feature.name}": feature.unit for feature in BESIDE_ACTIVITY}
    units = {counter + end: unit for counter in counters for end, unit in beside.items()}
    if counters:
        units |= {feature.name: feature.unit for part in BY_ROLE.values() for feature in part}
    return {column: units[column] for column in columns if column in units}
