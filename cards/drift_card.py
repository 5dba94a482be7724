"""The card on drift: what is decided and why, which signals are raised, what has moved, how the scores have moved."""

from collections.abc import Sequence
from typing import Any

from metaflow.cards import Table, VegaChart

from cards import theme
from cards.charts import Axis, Line, Mark, Rule, banded_lines, ranked_bars
from scarcegan import words
from scarcegan.monitoring.drift import DriftDecision, DriftReport, FeatureDrift, ScoreDrift

SHOWN = 15
SIGNALS = {
    "features": "Share of features beyond their limits",
    "classifier": "AUC of a classifier, these players against the reference's",
    "score": "Distance of the risk scores' distributions",
    "unknown_share": "Change of the share 'unknown'",
    "recall": "Recall below what was promised",
}


def drift_card(drift: DriftReport | None, decision: DriftDecision) -> list[Any]:
    """Build the card of a drift report (None where drift was not measured) and of what follows from it."""
    said = theme.bullets(decision.reasons, f"{decision.action.capitalize()}, cut-off {decision.cutoff}:")
    if drift is None:
        return theme.page("Drift: not measured", [said])
    current, reference = drift.current, drift.reference
    about = (
        f"`{current.name}` beside `{reference.name}` (cut-off {reference.cutoff}), the reference of version "
        f"{decision.version}; {words.count(current.compared)} and {words.count(reference.compared)} players."
    )
    parts = [
        said,
        _headline(drift),
        theme.heading("Signals", _limits_in_words(drift)),
        _signal_table(drift, decision),
        theme.heading("What has moved", about),
        _feature_chart(drift.features[:SHOWN]),
        _feature_table(drift.features[:SHOWN]),
        theme.heading("Risk scores"),
        _score_chart(drift.score),
    ]
    return theme.page(f"Drift: {current.name}", parts)


def _headline(drift: DriftReport) -> Table:
    moved = sum(row.flagged for row in drift.features)
    classifier, score, recall, unknown = drift.classifier, drift.score, drift.recall, drift.unknown_share
    boxes = [
        ("Features moved", f"{moved} of {len(drift.features)}", "beyond their limits"),
        ("Classifier", words.score(classifier.auc, 3), f"AUC, limit {words.score(classifier.limit, 3)}"),
        ("Flagged", words.percent(score.flagged_now), f"{words.percent(score.flagged_before)} of the reference"),
    ]
    if unknown:
        boxes.append(("Unknown", words.percent(unknown.now), f"{words.percent(unknown.before)} before"))
    if recall:
        boxes.append(("Recall", words.percent(recall.value), f"{words.percent(recall.promised)} promised"))
    return theme.figures(*boxes)


def _limits_in_words(drift: DriftReport) -> str:
    source = (
        f"{drift.pairs} past pairs of snapshots, which tell what is usual from one to the next"
        if drift.pairs
        else "chance alone: there are too few past pairs of snapshots to tell what is usual"
    )
    return (
        f"Limits come from {source}; a stable snapshot exceeds each with a probability of "
        f"{words.percent(drift.false_alarms)}. A signal is raised beyond its limit and from the size that counts."
    )


def _signal_table(drift: DriftReport, decision: DriftDecision) -> Table:
    state = decision.signals
    columns = {
        "Signal": lambda name: SIGNALS[name],
        "Size": lambda name: words.score(state[name].size, 3),
        "Limit": lambda name: "beyond" if drift.signals[name].beyond else "within",
        "Counts from": lambda name: words.score(state[name].least),
        "Raised": lambda name: "yes" if state[name].raised else "no",
        "In a row": lambda name: words.count(state[name].periods),
        "Retrains after": lambda name: (
            words.plural(after, "period") if (after := state[name].retrain_after) else "never"
        ),
    }
    return theme.listing(state, columns)


def _feature_chart(shown: Sequence[FeatureDrift]) -> VegaChart:
    kinds = {True: ("moved", theme.RED), False: ("within its limits", theme.BLUE)}
    marks = [
        Mark(row.name, row.ks, limit=row.ks_limit, series=kind, color=color)
        for row in shown
        for kind, color in (kinds[row.flagged],)
    ]
    reading = f"The {len(marks)} that moved most beside their limits (grey ticks). Moved: beyond one of its limits."
    axis = Axis("largest distance of the distribution functions")
    return ranked_bars("Which features have moved?", reading, axis, marks)


def _feature_table(shown: Sequence[FeatureDrift]) -> Table:
    columns = {
        "Feature": lambda row: f"{row.name} (moved)" if row.flagged else row.name,
        "Distance / limit": lambda row: f"{words.score(row.ks, 3)} / {words.score(row.ks_limit, 3)}",
        "PSI / limit": lambda row: f"{words.score(row.psi, 3)} / {words.score(row.psi_limit, 3)}",
        "Missing": lambda row: f"{words.percent(row.missing_before)} → {words.percent(row.missing_now)}",
        "Median": lambda row: f"{words.number(row.median_before)} → {words.number(row.median_now)}",
    }
    return theme.listing(shown, columns)


def _score_chart(score: ScoreDrift) -> VegaChart:
    lines = [
        Line("reference", score.scores, score.above_before, dash="dashed"),
        Line("this snapshot", score.scores, score.above_now),
    ]
    reading = "Where the lines part, players or telemetry have changed since the reference."
    x, y = Axis("risk score", low=0, high=1), Axis("share of players (logarithmic)", share=True, log=True)
    rule = Rule(score.threshold, f"threshold {words.score(score.threshold, 3)}")
    return banded_lines("How many players have at least this score?", reading, x, y, lines, [rule])
