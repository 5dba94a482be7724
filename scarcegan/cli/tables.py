"""Registered models as tables for the terminal; every cell is plain text, whatever a description holds."""

from collections.abc import Iterable, Mapping, Sequence

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from scarcegan import words
from scarcegan.registry import Decision, ModelVersion
from scarcegan.registry.comparison import Comparison

NOTHING_YET = Text(
    "No registered models in this group yet: `make run` trains and registers four.\n"
    "Other configurations have groups of their own: add --config config/NAME.toml."
)
NO_CHAMPION = Text("Rolled back; no definition has a champion now.")

_STATUS = {
    "PendingManualApproval": ("pending", "yellow"),
    "Approved": ("approved", "green"),
    "Rejected": ("rejected", "red"),
}
_AGAINST = {"better": ("better", "green"), "tie": ("tie", ""), "worse": ("worse", "bold red")}
_RECALL_AGAINST = "recall_against_champion"
_ORIGIN = {"git_commit": "commit", "data_fingerprint": "data", "settings_fingerprint": "settings"}
_HEADLINES = 2


def overview(versions: Sequence[ModelVersion]) -> Group:
    """Return a table per release: one row per version, with the release's first metrics."""
    by_release: dict[str, list[ModelVersion]] = {}
    for version in versions:
        by_release.setdefault(version.release_id, []).append(version)
    return Group(*(_release(release) for release in by_release.values()))


def _release(release: Sequence[ModelVersion]) -> Table:
    first, metrics = release[0], list(release[-1].metrics)[:_HEADLINES]
    is_compared = any(against_champion(version) for version in release)
    table = narrow()
    table.title_style = "bold"
    table.title = Text(f"Release {first.release_id}, registered {words.moment(first.created_at)}")
    for name in ("version", "definition", "status", "bound"):
        table.add_column(name, no_wrap=True)
    if is_compared:
        table.add_column(Text("against champion"), min_width=8)
    # A header that breaks: eight columns fit 80 characters.
    for name in ("flags_from", *metrics):
        table.add_column(spaced(name), justify="right", min_width=6)
    for version in release:
        table.add_row(
            Text(str(version.version)),
            Text(version.definition),
            status(version),
            _constraint(version),
            *([against_champion(version)] if is_compared else []),
            words.number(version.threshold),
            *(words.metric_value(name, version.metrics.get(name)) for name in metrics),
        )
    return table


def facts(version: ModelVersion) -> Table:
    """Return everything about one version, a row per fact."""
    table = _two_columns(f"Version {version.version}: {version.definition}")
    table.add_row("status", status(version))
    table.add_row("description", Text(version.description))
    table.add_row("threshold", words.number(version.threshold))
    table.add_row("bound", _constraint(version))
    for name, value in version.metrics.items():
        table.add_row(Text(name), words.metric_value(name, value))
    for name in ("release_id", "run_pathspec", "origin_run_id"):
        table.add_row(name, Text(getattr(version, name)))
    for name, text in version.metadata.items():
        table.add_row(Text(name), Text(text))
    for name in ("created_at", "arn", "location", "sha256"):
        if getattr(version, name):
            table.add_row(name, Text(getattr(version, name), overflow="fold"))
    return table


def decisions(events: Iterable[Decision]) -> Table:
    """Return one row per decision, oldest first."""
    table = narrow()
    table.title = "\nDecisions"
    for name in ("when", "what", "who", "why"):
        table.add_column(name)
    for event in events:
        forced = " (forced)" if event.forced else ""
        table.add_row(
            Text(words.moment(event.at)), Text(event.status.lower() + forced), Text(event.who), Text(event.why)
        )
    if not table.row_count:
        table.add_row("none yet", "", "", "")
    return table


def side_by_side(comparisons: Sequence[Comparison]) -> Table:
    """Return one column per version and one row per metric, followed by the difference to the champion."""
    table = narrow()
    table.add_column()
    for item in comparisons:
        heading = Text(f"version {item.version.version}\n") + spaced(item.version.definition)
        table.add_column(heading, justify="right")
    table.add_row("status", *(status(item.version) for item in comparisons))
    table.add_row("champion", *(_champion(item) for item in comparisons))
    if any(_RECALL_AGAINST in item.version.metadata for item in comparisons):
        table.add_row("as evaluated", *(against_champion(item.version) for item in comparisons))
        table.add_row("in recall", *(Text(item.version.metadata.get(_RECALL_AGAINST, "")) for item in comparisons))
    table.add_row("bound", *(_constraint(item.version) for item in comparisons))
    table.add_row("threshold", *(words.number(item.version.threshold) for item in comparisons))
    for name in dict.fromkeys(name for item in comparisons for name in item.version.metrics):
        table.add_row(spaced(name), *(_difference(item, name) for item in comparisons))
    return table


def origin(version: ModelVersion) -> dict[str, str]:
    """Return where a version comes from: run, release, commit, data, settings, config, card; as far as known."""
    known = {"run": version.run_pathspec, "trained in run": version.origin_run_id, "release": version.release_id}
    known |= {word: version.metadata[key] for key, word in _ORIGIN.items() if key in version.metadata}
    return known | {key: version.metadata[key] for key in ("config", "card") if key in version.metadata}


def pairs(title: str, facts: Mapping[str, str]) -> Table:
    """Return a table of names and texts."""
    table = _two_columns(title)
    for name, text in facts.items():
        table.add_row(Text(name), Text(text, overflow="fold"))
    return table


def status(version: ModelVersion) -> Text:
    """Return the status in a word and a colour."""
    if version.is_champion:
        return Text("champion", style="bold green")
    return Text(*_STATUS[version.status])


def against_champion(version: ModelVersion) -> Text:
    """Return the evaluation's verdict against the champion of then; empty where there was none to compare with."""
    word = version.metadata.get("against_champion", "")
    return Text(*_AGAINST[word]) if word in _AGAINST else Text("" if word == "no champion" else word)


def narrow() -> Table:
    """Return an empty table for eight columns in 80 characters."""
    return Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, title_justify="left")


def _two_columns(title: str) -> Table:
    table = Table(box=None, show_header=False, title=Text(title), title_justify="left", padding=(0, 2, 0, 0))
    table.add_column(style="dim")
    table.add_column()
    return table


def _constraint(version: ModelVersion) -> Text:
    return Text("met") if version.constraint_met else Text("not met", style="red")


def _champion(item: Comparison) -> Text:
    return Text("none yet" if item.champion is None else f"version {item.champion.version}")


def _difference(item: Comparison, name: str) -> Text:
    text = Text(words.metric_value(name, item.version.metrics.get(name)))
    if name in item.differences and not item.version.is_champion:
        text.append(f" {words.difference(name, item.differences[name])}", style="dim")
    return text


def spaced(name: str) -> Text:
    """Return a name that may break between its words, so that tables fit a narrow terminal."""
    return Text(name.replace("_", " "))
