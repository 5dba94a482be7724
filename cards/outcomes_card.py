"""The card of `scarcegan outcomes report`: what reviewers found out, by champion and over time."""

from collections.abc import Sequence
from typing import Any

from metaflow.cards import Markdown, Table, VegaChart

from cards import theme
from cards.charts import Axis, Mark, points
from scarcegan import words
from scarcegan.evaluation.figures import Interval
from scarcegan.outcomes.records import OutcomeReport, Production

FIGURES = {"recall": "Recall", "precision": "Precision", "prevalence": "Prevalence"}


def outcomes_card(report: OutcomeReport) -> list[Any]:
    """Build the card of what the outcomes of a registry group teach."""
    reviewed = words.count(report.settled + report.undecided)
    headline = theme.figures(
        ("Outcomes", words.count(report.outcomes), f"of {words.plural(report.reviewers, 'reviewer')}"),
        ("Settled", words.count(report.settled), f"of {reviewed} {report.words.rows}, once for each snapshot"),
        ("Champions", words.count(len(report.champions)), f"of {report.group}"),
    )
    about = (
        "Of the review list's top, estimated for everyone who was scored, with 95 % intervals: the audit sample, drawn "
        "at random, says what the top has missed."
    )
    parts = [
        Markdown(f"### {_verdict(report)}"),
        headline,
        *([theme.bullets(report.doubts, "Read with care:")] if report.doubts else []),
        theme.heading("By champion", about),
        _table(report.champions),
        theme.heading("Over time"),
        *(_chart(name, report.periods) for name in FIGURES if any(getattr(one, name) for one in report.periods)),
        _table(report.periods),
    ]
    return theme.page("Outcomes", parts)


def _verdict(report: OutcomeReport) -> str:
    """Say what is known of the latest champion whose misses are known, or else whose precision is."""
    known = [one for one in report.champions if one.precision]
    if not known:
        return "Nothing can be told of a model yet: review a list, and add the outcomes"
    last = max(known, key=lambda one: (one.recall is not None, one.version))
    their = report.words
    shown = (
        f"Version {last.version}: {words.share(last.precision)} of the {their.rows} on the list's top are {their.rare}"
    )
    if not last.recall:
        return f"{shown}; how many it misses cannot be told yet"
    return f"{shown}; of all {their.rare_rows} the top shows {words.share(last.recall)}"


def _chart(name: str, periods: Sequence[Production]) -> VegaChart:
    found: list[tuple[Production, Interval]] = [(one, getattr(one, name)) for one in periods if getattr(one, name)]
    marks = [
        Mark(f"{one.cutoffs[0]}, version {one.version}", figure.value, figure.low, figure.high, series=one.definition)
        for one, figure in found
    ]
    reading = "A point is a scored snapshot, the line its interval."
    return points(f"{FIGURES[name]} in production, period by period", reading, Axis(share=True), marks)


def _table(shown: Sequence[Production]) -> Table:
    columns = {
        "Model": lambda one: f"version {one.version}, {one.definition}",
        "Cut-off": lambda one: " to ".join(dict.fromkeys((one.cutoffs[0], one.cutoffs[-1]))),
        "Reviewed": lambda one: (
            f"{words.count(one.reviewed)} of {words.count(one.listed)}, "
            f"audit {words.count(one.drawn_reviewed)} of {words.count(one.drawn)}"
        ),
        "Prevalence": lambda one: words.share(one.prevalence),
        "Precision": lambda one: words.share(one.precision),
        "Recall": lambda one: words.share(one.recall),
        "Recall at the threshold": lambda one: (
            f"{words.share(one.recall_flagged)}, registered {words.percent(one.recall_registered)}"
            if one.recall_flagged
            else words.share(None)
        ),
        "Days to confirm": lambda one: one.confirmed,
    }
    return theme.listing(shown, columns)
