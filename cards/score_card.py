"""The card of ScoreFlow's `report`: how many were flagged, whether scores lie where they did, whom to look at first."""

from collections.abc import Mapping, Sequence
from typing import Any

from metaflow.cards import Markdown, VegaChart

from cards import theme
from scarcegan import words


def score_card(report: Mapping[str, Any], first: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Build the card of one scoring.

    Args:
        report: the artifact `score_report` of ScoreFlow.
        first: the first rows of the moderators' list, as dicts: player_id, risk_score, class, is_flagged, reasons.
    """
    review = report["review"]
    parts = [
        _figures(report),
        theme.heading("Do the scores lie where they did?"),
        _distribution_chart(report["scores"], report["model"]["threshold"]),
        _share_table(report),
        theme.heading("Whom to look at first", _about_review(review, report["folder"])),
        _review_table(first),
        theme.heading("Where it comes from"),
        _source_table(report),
    ]
    return theme.page(f"Scores: {report['snapshot']['name']}", parts)


def _figures(report: Mapping[str, Any]) -> Any:
    model, snapshot = report["model"], report["snapshot"]
    return theme.figures(
        [
            ("Players", words.count(report["players"]), f"cut-off {snapshot['cutoff']}"),
            ("Flagged", words.count(report["flagged"]), words.percent(report["flagged_share"])),
            ("To look at", words.count(report["review"]["players"]), f"budget {words.percent(_budget(report))}"),
            ("Model", f"version {model['version']}", model["definition"]),
        ]
    )


def _budget(report: Mapping[str, Any]) -> float:
    return float(report["review"]["budget"])


def _distribution_chart(scores: Mapping[str, Any], threshold: float) -> VegaChart:
    """Draw the share of players above each score, now and in training."""
    series = {"this snapshot": scores["quantiles"]}
    if scores["reference"]:
        series["unlabelled players in training"] = scores["reference"]["quantiles"]
    rows = [
        {"players": name, "score": score, "above": 1 - level}
        for name, quantiles in series.items()
        for level, score in zip(scores["levels"], quantiles, strict=True)
        if level < 1 and score > 0  # logarithmic axes have no place for zero
    ]
    encoding = {
        "x": theme.axis("score", "risk score", scale={"type": "log"}, axis={"format": "~g"}),
        "y": theme.axis("above", "players above", share=True, scale={"type": "log"}),
        "color": {"field": "players", "scale": theme.palette(list(series)), "legend": {"title": None}},
        "strokeDash": {"field": "players", "scale": {"domain": list(series)}, "legend": None},
    }
    line = {"mark": {"type": "line", "strokeWidth": 2.5}, "encoding": encoding}
    limit = {
        "mark": {"type": "rule", "strokeDash": [4, 4]},
        "data": {"values": [{"at": threshold}]},
        "encoding": {"x": {"field": "at", "type": "quantitative"}},
    }
    return theme.chart(
        "What share of the players has a score above ...?",
        {"layer": [line, limit]},
        reading="Dashed rule: the threshold. Where the lines part, players or telemetry have changed since training.",
        rows=rows,
    )


def _share_table(report: Mapping[str, Any]) -> Any:
    reference = report["scores"]["reference"] or {}
    rows = [
        [name, words.percent(report[key]), words.percent(reference.get(key))]
        for name, key in (("Flagged", "flagged_share"), ("Most probably unknown", "unknown_share"))
    ]
    rows += [
        [f"Most probably {name}", words.percent(players / report["players"]), words.MISSING]
        for name, players in report["classes"].items()
        if name != "unknown"
    ]
    return theme.table(["Share of the players", "This snapshot", "Unlabelled players in training"], rows)


def _about_review(review: Mapping[str, Any], folder: str) -> str:
    unflagged = review["players"] - review["flagged"]
    quiet = f"; {words.count(unflagged)} of them below the threshold" if unflagged else ""
    return f"The {words.count(review['players'])} highest scores{quiet}. The whole list: {folder}/{review['files'][1]}"


def _review_table(first: Sequence[Mapping[str, Any]]) -> Any:
    if not first:
        return Markdown("Nobody: the review budget is less than one player.")
    rows = [
        [str(row["player_id"]), words.score(row["risk_score"], 4), row["class"], "; ".join(row["reasons"])]
        for row in first
    ]
    return theme.table(["Player", "Risk score", "Most probable class", "Why"], rows)


def _source_table(report: Mapping[str, Any]) -> Any:
    model, snapshot = report["model"], report["snapshot"]
    rows = [
        ["Run", report["run"]],
        ["Scores", report["folder"]],
        ["Model", f"version {model['version']} of {model['group']}, {model['release_id']}, from {model['run']}"],
        ["Archive (sha256)", model["sha256"]],
        ["Threshold", words.score(model["threshold"], 4)],
        ["Snapshot", f"{snapshot['name']}, fingerprint {snapshot['fingerprint']}"],
    ]
    return theme.table(["Lineage", ""], rows)
