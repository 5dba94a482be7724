"""The card of ScoreFlow's `report`: how many are flagged, whether scores lie where they did, whom to look at first."""

from collections.abc import Mapping, Sequence
from typing import Any

from metaflow.cards import Markdown, Table, VegaChart

from cards import theme
from cards.charts import Axis, Line, Rule, banded_lines
from scarcegan import words
from scarcegan.workflow.scoring.records import ScoreReport


def score_card(report: ScoreReport, first: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Build the card of one scoring, of all shards together.

    `first` are the first rows of the moderators' list: player_id, risk_score, class, is_flagged, reasons.
    """
    plan, model, snapshot, review = report.plan, report.plan.model, report.plan.snapshot, report.review
    below = review.players - review.flagged
    unflagged = f"; {words.count(below)} of them are below the threshold" if below else ""
    listed = f"The {words.count(review.players)} highest scores{unflagged}."
    parts = [
        _headline(report),
        theme.heading("Do the scores lie where they did?"),
        _distribution_chart(report),
        _share_table(report),
        theme.heading("Whom to look at first", f"{listed} The whole list: {plan.folder}/{review.csv}"),
        _review_table(first),
        theme.heading("Where it comes from"),
        theme.facts(
            ("Run", plan.run),
            ("Scores", plan.folder),
            ("Model", f"version {model.version} of {model.group}, {model.release_id}, from {model.run}"),
            ("Archive (sha256)", model.sha256),
            ("Threshold", words.score(model.threshold, 4)),
            ("Snapshot", f"{snapshot.name}, fingerprint {snapshot.fingerprint}"),
        ),
    ]
    return theme.page(f"Scores: {snapshot.name}", parts)


def _headline(report: ScoreReport) -> Table:
    model, review = report.plan.model, report.review
    return theme.figures(
        ("Players", words.count(report.players), f"cut-off {report.plan.snapshot.cutoff}"),
        ("Flagged", words.count(report.flagged), words.percent(report.flagged_share)),
        ("To look at", words.count(review.players), f"budget {words.percent(review.budget)}"),
        ("Model", f"version {model.version}", model.definition),
    )


def _distribution_chart(report: ScoreReport) -> VegaChart:
    """Draw the share of players above each score, now and in training."""
    above = [1 - level for level in report.levels]
    lines = [Line("this snapshot", report.quantiles, above)]
    if report.reference:
        lines.append(Line("unlabelled players in training", report.reference.quantiles, above, dash="dashed"))
    reading = "Where the lines part, players or telemetry have changed since training."
    x = Axis("risk score (logarithmic)", log=True)
    y = Axis("players above it (logarithmic)", share=True, log=True)
    rule = Rule(report.plan.model.threshold, "threshold")
    return banded_lines("What share of the players has a higher score?", reading, x, y, lines, [rule])


def _share_table(report: ScoreReport) -> Table:
    rows = [
        [name, words.percent(getattr(report, key)), words.percent(getattr(report.reference, key, None))]
        for name, key in (("Flagged", "flagged_share"), ("Most probably unknown", "unknown_share"))
    ]
    rows += [
        [f"Most probably {name}", words.percent(players / report.players), words.MISSING]
        for name, players in report.classes.items()
        if name != "unknown"
    ]
    return theme.table(["Share of the players", "This snapshot", "Unlabelled players in training"], rows)


def _review_table(first: Sequence[Mapping[str, Any]]) -> Any:
    if not first:
        return Markdown("Nobody: the review budget is less than one player.")
    rows = [
        [str(row["player_id"]), words.score(row["risk_score"], 4), row["class"], "; ".join(row["reasons"])]
        for row in first
    ]
    return theme.table(["Player", "Risk score", "Most probable class", "Why"], rows)
