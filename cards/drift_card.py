"""The card on drift: what is decided and why, which signals are raised, what has moved, how the scores have moved."""

from collections.abc import Mapping, Sequence
from typing import Any

from metaflow.cards import Markdown, VegaChart

from cards import theme
from scarcegan import words

SHOWN = 15
LEAST_SHARE = 1e-5
ACTIONS = {"no action": "No action", "watch": "Watch", "retrain": "Retrain"}
SIGNALS = {
    "features": "Share of features beyond their limits",
    "classifier": "AUC of a classifier, these players against the reference's",
    "score": "Distance of the risk scores' distributions",
    "unknown_share": "Change of the share 'unknown'",
    "recall": "Recall realised below what was promised",
}


def drift_card(drift: Mapping[str, Any] | None, decision: Mapping[str, Any]) -> list[Any]:
    """Build the card of a drift report and its decision.

    Args:
        drift: the artifact `drift` of ScoreFlow, see scarcegan.monitoring.report; None where it was not measured.
        decision: the artifact `decision`, see scarcegan.monitoring.decision.
    """
    reasons = "\n".join(f"- {reason}" for reason in decision["reasons"])
    said = Markdown(f"**{ACTIONS[decision['action']]}**, cut-off {decision['cutoff']}:\n\n{reasons}")
    if drift is None:
        return theme.page("Drift: not measured", [said])
    current, reference = drift["current"], drift["reference"]
    about = (
        f"`{current['name']}` beside `{reference['name']}` (cut-off {reference['cutoff']}), which version "
        f"{decision['version']} is compared with; {words.count(current['compared'])} and "
        f"{words.count(reference['compared'])} players."
    )
    parts = [
        said,
        _headline(drift),
        theme.heading("Signals", _limits_in_words(drift)),
        _signal_table(drift, decision),
        theme.heading("What has moved", about),
        _feature_chart(drift["features"]),
        _feature_table(drift["features"]),
        theme.heading("Risk scores"),
        _score_chart(drift["score"]),
    ]
    return theme.page(f"Drift: {current['name']}", parts)


def _headline(drift: Mapping[str, Any]) -> Any:
    moved = sum(row["flagged"] for row in drift["features"])
    classifier, score, recall = drift["classifier"], drift["score"], drift["recall"]
    flagged = f"{words.percent(score['flagged_before'])} of the reference"
    boxes = [
        ("Features moved", f"{moved} of {len(drift['features'])}", "beyond their limits"),
        ("Classifier", f"AUC {words.score(classifier['auc'], 3)}", f"limit {words.score(classifier['limit'], 3)}"),
        ("Flagged", words.percent(score["flagged_now"]), flagged),
    ]
    if drift["unknown_share"]:
        unknown = drift["unknown_share"]
        boxes.append(("Unknown", words.percent(unknown["now"]), f"{words.percent(unknown['before'])} before"))
    if recall:
        boxes.append(("Recall", words.percent(recall["value"]), f"{words.percent(recall['promised'])} promised"))
    return theme.figures(boxes)


def _limits_in_words(drift: Mapping[str, Any]) -> str:
    rate = words.percent(drift["false_alarms"])
    source = (
        f"{drift['pairs']} past pairs of snapshots, which tell what is usual from one to the next"
        if drift["pairs"]
        else "chance alone: there are too few past pairs of snapshots to tell what is usual"
    )
    return (
        f"Limits come from {source}; a stable snapshot passes each with a probability of {rate}. A signal is raised "
        "beyond its limit and from the size that counts."
    )


def _signal_table(drift: Mapping[str, Any], decision: Mapping[str, Any]) -> Any:
    rows = [
        [
            SIGNALS[name],
            words.score(state["size"], 3),
            "beyond" if drift["signals"][name]["beyond"] else "within",
            words.score(state["least"], 2),
            "yes" if state["raised"] else "no",
            words.count(state["periods"]),
            words.plural(state["retrain_after"], "period") if state["retrain_after"] else "never",
        ]
        for name, state in decision["signals"].items()
    ]
    return theme.table(["Signal", "Size", "Limit", "Counts from", "Raised", "In a row", "Retrains after"], rows)


def _feature_chart(features: Sequence[Mapping[str, Any]]) -> VegaChart:
    rows = [
        {"feature": row["name"], "ks": row["ks"], "limit": row["ks_limit"], "none": 0, "flagged": row["flagged"]}
        for row in features[:SHOWN]
    ]
    y = {"field": "feature", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 260}}
    x = theme.axis("ks", "largest distance of the distribution functions", scale={"domainMin": 0})
    color = {"condition": {"test": "datum.flagged", "value": theme.RED}, "value": theme.BLUE}
    tooltip = [{"field": "feature"}, {"field": "ks", "format": ".3"}, {"field": "limit", "format": ".3"}]
    bar = {
        "mark": {"type": "bar", "height": {"band": 0.62}},
        "encoding": {"x": x, "x2": {"field": "none"}, "color": color, "tooltip": tooltip},
    }
    tick = {
        "mark": {"type": "tick", "thickness": 2, "color": theme.INK},
        "encoding": {"x": {"field": "limit", "type": "quantitative"}},
    }
    return theme.chart(
        "Which features have moved?",
        {"encoding": {"y": y}, "layer": [bar, tick]},
        reading=f"The {len(rows)} that moved most beside their limits (grey ticks); red: beyond one.",
        rows=rows,
        height=24 * len(rows),
    )


def _feature_table(features: Sequence[Mapping[str, Any]]) -> Any:
    rows = [
        [
            f"{row['name']}{' (moved)' if row['flagged'] else ''}",
            f"{words.score(row['ks'], 3)} / {words.score(row['ks_limit'], 3)}",
            f"{words.score(row['psi'], 3)} / {words.score(row['psi_limit'], 3)}",
            f"{words.percent(row['missing_before'])} → {words.percent(row['missing_now'])}",
            f"{words.number(row['median_before'])} → {words.number(row['median_now'])}",
        ]
        for row in features[:SHOWN]
    ]
    return theme.table(["Feature", "Distance / limit", "PSI / limit", "Missing", "Median"], rows)


def _score_chart(score: Mapping[str, Any]) -> VegaChart:
    rows = [
        {"score": at, "share": share, "snapshot": name}
        for name, key in (("reference", "above_before"), ("this snapshot", "above_now"))
        for at, share in zip(score["scores"], score[key], strict=True)
        if share > LEAST_SHARE  # a logarithmic axis has no place for zero
    ]
    names = ["reference", "this snapshot"]
    encoding = {
        "x": theme.axis("score", "risk score", scale={"domain": [0, 1]}),
        "y": theme.axis("share", "share of players", share=True, scale={"type": "log"}),
        "color": {"field": "snapshot", "scale": theme.palette(names), "legend": {"title": None}},
        "strokeDash": {
            "field": "snapshot",
            "scale": {"domain": names, "range": [[6, 4], [1, 0]]},
            "legend": {"title": None},
        },
    }
    lines = {"mark": {"type": "line", "strokeWidth": 2.5}, "encoding": encoding}
    rule = {
        "data": {"values": [{"threshold": score["threshold"]}]},
        "mark": {"type": "rule", "strokeDash": [2, 3]},
        "encoding": {"x": {"field": "threshold", "type": "quantitative"}},
    }
    return theme.chart(
        "How many players have at least this score?",
        {"layer": [lines, rule]},
        reading=f"Logarithmic; flagged from the dotted rule, {words.score(score['threshold'], 3)}, on.",
        rows=rows,
    )
