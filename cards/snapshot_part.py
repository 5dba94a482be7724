"""The part of the data card on the snapshot: what it is, and how its features have moved since the previous one."""

from collections.abc import Mapping
from typing import Any

from metaflow.cards import Markdown, VegaChart

from cards import theme
from scarcegan import words

SHOWN = 15
STRONG = 0.25


def snapshot_part(snapshot: Mapping[str, Any] | None) -> list[Any]:
    """Build the part on the snapshot that the players come from; nothing for other sources.

    Args:
        snapshot: the data report's `snapshot`, if it has one.
    """
    if snapshot is None:
        return []
    missing = snapshot["missing_days"]
    days = f"missing for everyone: {', '.join(missing)}" if missing else "none missing for everyone"
    window = words.plural(snapshot["window_days"], "day")
    about = f"`{snapshot['name']}`, {window}, {days}; code {snapshot['code_version'][:8]}."
    if snapshot["previous"] is None:
        return [theme.heading("Snapshot", about), Markdown("No earlier snapshot of this kind: drift is not known yet.")]
    return [theme.heading("Snapshot", about), _drift_summary(snapshot), _drift_chart(snapshot)]


def _drift_summary(snapshot: Mapping[str, Any]) -> Markdown:
    strong = sum(row["psi"] > STRONG for row in snapshot["drift"])
    previous = f"`{snapshot['previous']['name']}` (cut-off {snapshot['previous']['cutoff']})"
    if not strong:
        return Markdown(f"**No feature has moved far** since {previous}.")
    return Markdown(f"**{words.plural(strong, 'feature')} of {len(snapshot['drift'])} moved far** since {previous}.")


def _drift_chart(snapshot: Mapping[str, Any]) -> VegaChart:
    rows = [
        {
            "feature": row["name"],
            "psi": row["psi"],
            "none": 0,
            "label": f"{words.score(row['psi'])}  (median {words.number(row['median_before'])} → "
            f"{words.number(row['median_now'])})",
        }
        for row in snapshot["drift"][:SHOWN]
    ]
    encoding = {
        "y": {"field": "feature", "type": "nominal", "sort": None, "title": None},
        "x": theme.axis("psi", "PSI over the earlier snapshot's deciles"),
    }
    color = {
        "condition": {"test": f"datum.psi > {STRONG}", "value": theme.RED},
        "value": theme.BLUE,
    }
    bar = {"mark": {"type": "bar", "height": {"band": 0.62}}, "encoding": {"x2": {"field": "none"}, "color": color}}
    text = {"mark": {"type": "text", "align": "left", "dx": 5}, "encoding": {"text": {"field": "label"}}}
    return theme.chart(
        "Which features have moved since the previous snapshot?",
        {"encoding": encoding, "layer": [bar, text]},
        reading=f"The {len(rows)} that moved most; below 0.1 is stable, above {STRONG} (red) another distribution.",
        rows=rows,
        height=22 * len(rows),
    )
