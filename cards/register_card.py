"""The card of `register`: the release that waits for a reviewer, where it comes from, how to decide on it."""

from collections.abc import Iterable
from typing import Any

from metaflow.cards import Markdown, Table

from cards import theme
from cards.charts import Axis, Mark, points
from cards.evaluation_parts import against_champion, basis, contestants, measure_table
from scarcegan import words
from scarcegan.evaluation.records import Evaluation
from scarcegan.registry.release import Lineage, Release

STATES = {"PendingManualApproval": "waits for approval", "Approved": "approved", "Rejected": "rejected"}
LINEAGE = {
    "run": "Run",
    "origin_run": "First run of these artifacts",
    "commit": "Code (git commit)",
    "config": "Configuration",
    "overrides": "Settings of this run alone (--set)",
    "card": "Task with the evaluation card",
    "data_fingerprint": "Data fingerprint",
    "settings_fingerprint": "Settings fingerprint",
    "snapshot": "Snapshot trained on",
    "labels_known_by": "Labels known by",
    "cost": "Cost",
}


def register_card(release: Release, evaluation: Evaluation) -> list[Any]:
    """Build the card of a release: the models, how they differ, how to decide on them, the lineage."""
    measured = (
        f"Measured on test set `{evaluation.test_sets[0]}`: "
        f"{evaluation.on_first_test_set(evaluation.headline).counted(evaluation.words)}. {basis(evaluation)}"
    )
    parts = [
        _summary(release, evaluation),
        *([theme.bullets(release.warnings, "Warnings")] if release.warnings else []),
        _version_table(release, evaluation),
        theme.heading("Which model is for which purpose?", measured),
        *_metrics(release, evaluation),
        theme.heading("How to decide", "Approve or reject each model; every decision is kept with who, when and why."),
        Markdown("```\n" + "\n".join(release.commands) + "\n```"),
        theme.heading("Where it comes from"),
        theme.bullets(f"`{one.definition}`: {evaluation.models[one.definition].made_of}." for one in release.versions),
        lineage_table(release.lineage),
    ]
    return theme.page(f"Release: {release.release_id.removeprefix('release-')}", parts)


def lineage_table(lineage: Lineage) -> Table:
    """List where a release comes from."""
    return theme.facts(*((name, getattr(lineage, key)) for key, name in LINEAGE.items()))


def _summary(release: Release, evaluation: Evaluation) -> Markdown:
    waiting = sum(one.status == "PendingManualApproval" for one in release.versions)
    missed = _names(one.definition for one in release.versions if one.bound and one.bound.state == "missed")
    unkept = _names(one.definition for one in release.versions if one.bound and not one.bound.is_promised)
    against = {name: verdict.against_champion for name, verdict in evaluation.verdicts.items()}
    registered = [one.definition for one in release.versions]
    worse = _names(name for name in registered if (compared := against[name]) and compared.verdict == "worse")
    refused = _names(release.refused)
    lines = [
        f"**{words.plural(len(release.versions), 'model')} registered, {waiting} waiting for approval.** "
        f"Registry: {release.registry}",
        f"**Bound missed on test {evaluation.words.rows}** by {missed}: approve with care." if missed else "",
        f"**Not promised**: the labels do not tell whether {unkept} will keep its bound." if unkept else "",
        f"**Worse than the champion**: {worse}. Approving would replace a better model." if worse else "",
        f"**Not registered**, because worse than the champion: {refused}." if refused else "",
    ]
    return Markdown("\n\n".join(filter(None, lines)))


def _names(definitions: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in definitions)


def _version_table(release: Release, evaluation: Evaluation) -> Table:
    their = evaluation.words
    columns = {
        "Model": lambda one: one.definition,
        "Version": lambda one: str(one.version),
        "State": lambda one: STATES.get(one.status, one.status),
        "Threshold": lambda one: words.number(one.threshold),
        f"Its bound on test {their.rows}": lambda one: words.bound_state(one.bound),
        "Against the champion": lambda one: against_champion(evaluation.verdicts[one.definition], their.rare),
        "Registered": lambda one: words.moment(one.created),
    }
    return theme.listing(release.versions, columns)


def _metrics(release: Release, evaluation: Evaluation) -> list[Any]:
    definitions = [one.definition for one in release.versions]
    metrics = list(dict.fromkeys(name for one in release.versions for name in one.metrics))
    found = [one for one in contestants(evaluation, evaluation.test_sets[0]) if one.name in definitions]
    marks = [
        Mark(words.metric_name(metric), at.value, at.low, at.high, series=one.name)
        for metric in metrics
        for one in found
        if metric not in words.SCORES and (at := getattr(one.measures, metric))
    ]
    question = f"What does each model find, and how many {evaluation.words.rows} does it flag?"
    reading = "Points: models; lines: 95 % intervals. Rivals are on the card of the evaluate step."
    chart = points(question, reading, Axis(share=True, low=0, high=1), marks)
    return [chart, measure_table(found, metrics)]
