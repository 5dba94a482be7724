"""The card of `register`: the release that waits for a reviewer, where it comes from, how to decide on it."""

from collections.abc import Mapping, Sequence
from typing import Any

from metaflow.cards import Markdown, VegaChart

from cards import plain_figures, theme
from scarcegan import words

STATES = {"PendingManualApproval": "waits for approval", "Approved": "approved", "Rejected": "rejected"}
LINEAGE = {
    "run": "Run",
    "origin_run": "First run of these artifacts",
    "commit": "Code (git commit)",
    "config": "Configuration",
    "card": "Task with the evaluation card",
    "data_fingerprint": "Data fingerprint",
    "settings_fingerprint": "Settings fingerprint",
    "snapshot": "Snapshot trained on",
    "labels_known_by": "Labels known by",
}


def register_card(release: Mapping[str, Any], evaluation: Mapping[str, Any]) -> list[Any]:
    """Build the card of a release: the models, how they differ, the lineage and the commands to decide.

    Args:
        release: {"release_id", "registry", "versions": [{"version", "definition", "status", "threshold",
            "constraint_met", "against_champion", "recall_against_champion", "metrics", "created"}], "refused":
            [definition], "lineage": {name: value}, "commands": [str]}.
        evaluation: the artifact `evaluation`, for the intervals of the metrics.
    """
    test_set = evaluation["test_sets"][0]
    measured = {name: model["test"][test_set] for name, model in evaluation["models"].items()}
    versions = release["versions"]
    parts = [
        _summary(release),
        _version_table(versions),
        theme.heading("Which model is for which purpose?", f"Measured on test set `{test_set}`, with 95 % intervals."),
        *([_metric_chart(versions, measured)] if _shares(versions) else []),
        _metric_table(versions, measured),
        theme.heading("How to decide", "Approve or reject each model; every decision is kept with who, when and why."),
        Markdown("```\n" + "\n".join(release["commands"]) + "\n```"),
        theme.heading("Where it comes from"),
        theme.table(["Lineage", ""], [[LINEAGE.get(key, key), value] for key, value in release["lineage"].items()]),
    ]
    return theme.page(f"Release: {release['release_id'].removeprefix('release-')}", parts)


def _summary(release: Mapping[str, Any]) -> Markdown:
    versions = release["versions"]
    waiting = sum(version["status"] == "PendingManualApproval" for version in versions)
    missed = [f"`{version['definition']}`" for version in versions if not version["constraint_met"]]
    lines = [
        f"**{words.plural(len(versions), 'model')} registered, {waiting} waiting for approval.** "
        f"Registry: {release['registry']}"
    ]
    if missed:
        lines.append(f"**Constraint not met** by {', '.join(missed)}: approve with care.")
    worse = [f"`{version['definition']}`" for version in versions if version["against_champion"] == "worse"]
    if worse:
        lines.append(f"**Worse than the champion**: {', '.join(worse)}. Approving would replace a better model.")
    if release["refused"]:
        names = ", ".join(f"`{name}`" for name in release["refused"])
        lines.append(f"**Not registered**, because worse than the champion: {names}.")
    return Markdown("\n\n".join(lines))


def _version_table(versions: Sequence[Mapping[str, Any]]) -> Any:
    rows = [
        [
            version["definition"],
            str(version["version"]),
            STATES.get(version["status"], version["status"]),
            words.score(version["threshold"], 4),
            "met" if version["constraint_met"] else "NOT met",
            _against_champion(version),
            version["created"][:16].replace("T", " "),
        ]
        for version in versions
    ]
    return theme.table(
        ["Model", "Version", "State", "Threshold", "Constraint", "Against the champion", "Registered"], rows
    )


def _against_champion(version: Mapping[str, Any]) -> str:
    """Say the evaluation's verdict; the difference comes as `-0.0312 from -0.0510 to -0.0104`, in shares."""
    verdict, difference = version["against_champion"], version["recall_against_champion"]
    if not difference:
        return str(verdict or words.MISSING)
    value, low, high = (f"{100 * float(share):+.1f}" for share in difference.split()[::2])
    told = f"{verdict}, recall {value} [{low},{words.GAP}{high}] points"
    return told.replace("-", "\N{MINUS SIGN}")


def _metric_chart(versions: Sequence[Mapping[str, Any]], measured: Mapping[str, Any]) -> VegaChart:
    rows = [
        {
            "model": version["definition"],
            "metric": words.metric_name(name),
            **_interval(version, name, measured),
        }
        for version in versions
        for name in _shares(versions)
        if words.is_number(version["metrics"].get(name))
    ]
    models = [version["definition"] for version in versions]
    metrics = [words.metric_name(name) for name in _shares(versions)]
    value = theme.axis("value", None, share=True, scale={"domain": [0, 1]})
    encoding = {
        "y": {"field": "metric", "type": "nominal", "sort": metrics, "title": None, "axis": {"grid": True}},
        "yOffset": {"field": "model", "sort": models},
        "color": {"field": "model", "scale": theme.palette(models), "legend": {"title": None}},
    }
    point = {
        "x": value,
        "shape": {"field": "model", "scale": {"domain": models}, "legend": {"title": None}},
        "tooltip": [
            {"field": "model"},
            {"field": "metric"},
            *({"field": key, "format": ".3"} for key in ("value", "low", "high")),
        ],
    }
    layers = [
        {
            "mark": {"type": "rule", "strokeWidth": 2},
            "encoding": {"x": value | {"field": "low"}, "x2": {"field": "high"}},
        },
        {"mark": {"type": "point", "filled": True, "size": 80, "opacity": 1}, "encoding": point},
    ]
    return theme.chart(
        "What does each model find, and what does it cost the moderators?",
        {"encoding": encoding, "layer": layers},
        reading="One point per model, its 95 % interval as a line; rivals are on the card of the evaluate step.",
        rows=rows,
        height=13 * len(models) * len(metrics),
    )


def _interval(version: Mapping[str, Any], metric: str, measured: Mapping[str, Any]) -> dict[str, Any]:
    """Put the registered figure beside the interval that the evaluation found."""
    found = measured[version["definition"]][metric]
    return {"value": version["metrics"][metric], "low": found["low"], "high": found["high"]}


def _shares(versions: Sequence[Mapping[str, Any]]) -> list[str]:
    """List the metrics that lie between 0 and 1 in every model, in their order of appearance."""
    names = list(dict.fromkeys(name for version in versions for name in version["metrics"]))
    return [
        name
        for name in names
        if name in words.METRICS and all(0 <= version["metrics"].get(name, 0) <= 1 for version in versions)
    ]


def _metric_table(versions: Sequence[Mapping[str, Any]], measured: Mapping[str, Any]) -> Any:
    names = list(dict.fromkeys(name for version in versions for name in version["metrics"]))
    rows = [[words.metric_name(name), *(_figure(version, name, measured) for version in versions)] for name in names]
    return theme.table(["Metric", *(version["definition"] for version in versions)], rows)


def _figure(version: Mapping[str, Any], metric: str, measured: Mapping[str, Any]) -> str:
    if metric in words.METRICS and words.is_number(version["metrics"].get(metric)):
        return plain_figures.interval(metric, _interval(version, metric, measured))
    return words.metric_value(metric, version["metrics"].get(metric))
