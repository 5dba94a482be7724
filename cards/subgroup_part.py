"""The part on subgroups, of the evaluation card and of the review report: whom the model serves less well."""

from typing import Any

from cards import theme
from cards.charts import Axis, Mark, points
from scarcegan import words
from scarcegan.evaluation.records import Group, Subgroups

MEASURES = ("recall", "precision", "flagged_share")
HEADERS = ("Players with", "Players", "Risky", *map(words.metric_name, MEASURES))


def subgroup_part(subgroups: Subgroups | None) -> list[Any]:
    """Build the part on quality by subgroup."""
    title = "Does it serve all players alike?"
    if subgroups is None or not subgroups.features:
        missing = "The data tell neither activity nor tenure: name features in `evaluate.subgroup_features`."
        return [theme.heading(title, missing)]
    about = (
        f"`{subgroups.definition}` at its one threshold, {words.score(subgroups.threshold, 3)}, on "
        f"`{subgroups.test_set}`: players in thirds by each feature. Intervals are 95 % (Wilson); where few risky "
        "players are known they are wide, and a difference may be chance."
    )
    named = [(words.feature_name(one.feature), group) for one in subgroups.features for group in one.groups]
    table = theme.table(HEADERS, [_row(name, group) for name, group in named])
    marks = [
        Mark(f"{name} {_range(group)}", group.recall.value, group.recall.low, group.recall.high, series=name)
        for name, group in named
        if group.recall
    ]
    reading = "Points: share of a group's risky players that are found; lines: 95 % intervals."
    axis = Axis("risky players found (recall)", share=True, low=0, high=1)
    chart = [points("Whose risk does the model overlook?", reading, axis, marks)] if marks else []
    return [theme.heading(title, about), *chart, table]


def _row(name: str, group: Group) -> list[str]:
    measured = [words.interval(measure, getattr(group, measure)) for measure in MEASURES]
    return [f"{name} {_range(group)}", words.count(group.players), words.count(group.risky), *measured]


def _range(group: Group) -> str:
    low, high = words.number(group.low), words.number(group.high)
    return low if low == high else f"{low} to {high}"
