"""The card on drift: what is decided and why, which signals are raised, what has moved, how the scores have moved."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from metaflow.cards import Table, VegaChart

from cards import theme
from cards.charts import Axis, Mark, ranked_bars
from cards.score_card import reference_in_words, score_chart, share_table
from scarcegan import words
from scarcegan.evaluation.figures import Interval
from scarcegan.monitoring.drift import DriftDecision, DriftReport, FeatureDrift

SHOWN = 15
# With fewer players labelled since, realised recall says little.
FEW = 10

_three = partial(words.score, decimals=3)
SIGNALS: dict[str, tuple[str, Callable[[float], str]]] = {  # what it is, and how its size is written
    "features": ("Share of features beyond their limits", words.percent),
    "classifier": ("AUC of a classifier, these {rows} against the reference's", _three),
    "score": ("Largest distance of the risk scores' distribution functions", _three),
    "unknown_share": ("Change of the share unknown", words.points),
    "recall": ("Realised recall below the registered one", words.points),
}


def drift_card(drift: DriftReport | None, decision: DriftDecision) -> list[Any]:
    """Build the card of a drift report (None where drift was not measured) and of what follows from it."""
    reasons = [*decision.reasons, decision.promise] if decision.promise else decision.reasons
    said = theme.bullets(reasons, f"{decision.action.capitalize()}, cut-off {decision.cutoff}:")
    if drift is None:
        return theme.page("Drift: not measured", [said])
    compared_with = reference_in_words(drift)
    about = f"Compared for version {decision.version}: {drift.current.who(drift.words)}. {compared_with}"
    parts = [
        said,
        _headline(drift),
        theme.heading("Signals", _limits_in_words(drift)),
        _signal_table(drift, decision),
        theme.heading("What has moved", about),
        _feature_chart(drift.features[:SHOWN]),
        _feature_table(drift.features[:SHOWN]),
        theme.heading("Risk scores", compared_with),
        score_chart(drift.score.now, drift.score.before, drift.score.threshold, drift.words),
        share_table(drift.score.now, drift.score.before, drift.words),
    ]
    return theme.page(f"Drift: {drift.current.name}", parts)


def _headline(drift: DriftReport) -> Table:
    moved = sum(row.flagged for row in drift.features)
    classifier, score, recall, unknown = drift.classifier, drift.score, drift.recall, drift.unknown_share
    boxes = [
        ("Features moved", f"{moved} of {len(drift.features)}", "beyond their limits"),
        ("Classifier", words.score(classifier.auc, 3), f"AUC, limit {words.score(classifier.limit, 3)}"),
        _share_box("flagged_share", score.now.flagged_share, score.before.flagged_share),
    ]
    if unknown:
        boxes.append(_share_box("unknown_share", unknown.now, unknown.before))
    if recall:
        few = "; too few to tell" if recall.risky < FEW and "recall" not in drift.beyond else ""
        found = f"{words.count(recall.found)} of {drift.words.counted(recall.risky)}"
        note = f"{found}, registered with {words.percent(recall.registered)}{few}"
        boxes.append(("Realised recall", words.percent(recall.value), note))
    return theme.figures(*boxes)


def _share_box(metric: str, now: Interval, before: Interval) -> tuple[str, str, str]:
    return words.metric_name(metric), words.percent(now.value), f"reference {words.percent(before.value)}"


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
        "Signal": lambda name: drift.words.fill(SIGNALS[name][0]),
        "Size": lambda name: SIGNALS[name][1](state[name].size),
        "Limit": lambda name: "beyond" if drift.signals[name].beyond else "within",
        "Counts from": lambda name: SIGNALS[name][1](state[name].least),
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
        "Median": lambda row: f"{words.feature_value(row.median_before)} → {words.feature_value(row.median_now)}",
    }
    return theme.listing(shown, columns)
