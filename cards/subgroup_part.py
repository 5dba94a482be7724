"""The evaluation card's part on subgroups: whom the model serves less well."""

from collections.abc import Mapping
from typing import Any

from metaflow.cards import Markdown, VegaChart

from cards import plain_figures, theme
from scarcegan import words


def subgroup_part(subgroups: Mapping[str, Any]) -> list[Any]:
    """Build the part on quality by subgroup.

    Args:
        subgroups: the evaluation's `subgroups`.
    """
    title = theme.heading("Does it serve all players alike?", _about(subgroups))
    rows = _rows(subgroups)
    if not rows:
        return [
            title,
            Markdown("The data tell neither activity nor tenure: name features in `evaluate.subgroup_features`."),
        ]
    return [title, _recall_chart(rows), _table(subgroups)]


def _about(subgroups: Mapping[str, Any]) -> str:
    return (
        f"`{subgroups['definition']}` at its one threshold, {words.score(subgroups['threshold'], 3)}, on "
        f"`{subgroups['test_set']}`: players in thirds by what they do. Intervals are 95 % (Wilson); where few risky "
        "players are known they are wide, and a difference may be chance."
    )


def _rows(subgroups: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List the groups in which somebody is risky, as points with their intervals."""
    return [
        {
            "feature": words.feature_name(feature["feature"]),
            "group": _range(group),
            "label": f"{words.feature_name(feature['feature'])} {_range(group)}",
            "risky": words.count(group["risky"]),
            **group["recall"],
        }
        for feature in subgroups["features"]
        for group in feature["groups"]
        if group["recall"] is not None
    ]


def _recall_chart(rows: list[dict[str, Any]]) -> VegaChart:
    features = list(dict.fromkeys(row["feature"] for row in rows))
    recall = theme.axis("value", "risky players found (recall)", share=True, scale={"domain": [0, 1]})
    encoding = {
        "y": {"field": "label", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 320}},
        "color": {"field": "feature", "scale": theme.palette(features), "legend": None},
        "tooltip": [
            {"field": "label", "title": "players"},
            *({"field": key, "format": ".1%"} for key in ("value", "low", "high")),
            {"field": "risky", "title": "risky players"},
        ],
    }
    ends = {"x": recall | {"field": "low"}, "x2": {"field": "high"}, "color": encoding["color"]}
    layers = [
        {"mark": {"type": "rule", "strokeWidth": 2.5}, "encoding": ends},
        {"mark": {"type": "point", "filled": True, "size": 90, "opacity": 1}, "encoding": {"x": recall}},
    ]
    return theme.chart(
        "Whose risk does the model overlook?",
        {"encoding": encoding, "layer": layers},
        reading="Points: share of a group's risky players that are found; lines: 95 % intervals.",
        rows=rows,
        height=30 * len(rows),
    )


def _table(subgroups: Mapping[str, Any]) -> Any:
    rows = [
        [
            f"{words.feature_name(feature['feature'])} {_range(group)}",
            words.count(group["players"]),
            words.count(group["risky"]),
            *(plain_figures.share_interval(group[measure]) for measure in ("recall", "precision", "flagged_share")),
        ]
        for feature in subgroups["features"]
        for group in feature["groups"]
    ]
    return theme.table(["Players with", "Players", "Risky", "Recall", "Precision", "Flagged share"], rows)


def _range(group: Mapping[str, Any]) -> str:
    low, high = words.number(group["from"]), words.number(group["to"])
    return low if low == high else f"{low} to {high}"
