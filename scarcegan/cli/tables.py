"""Registered models as tables for the terminal; every cell is plain text, whatever a description holds."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from rich import box
from rich.console import Group
from rich.table import Column, Table
from rich.text import Text

from scarcegan import words
from scarcegan.registry import Decision, ModelVersion
from scarcegan.registry.versions import BesideChampion, DecisionOnRecord
from scarcegan.settings.words_section import USUAL, Words

NOTHING_YET = Text(
    "No registered models in this group yet: `scarcegan run` trains and registers four.\n"
    "Other configurations have groups of their own: add --config config/NAME.toml."
)
NO_CHAMPION = Text("Rolled back; no definition has a champion now.")

_STATUS = {
    "PendingManualApproval": ("pending", "yellow"),
    "Approved": ("approved", "green"),
    "Rejected": ("rejected", "red"),
}
_AGAINST = {
    "better": ("better", "green"),
    "tie": ("tie", ""),
    "worse": ("worse", "bold red"),
    "too few flagged": ("too few to tell", ""),
    "too few risky": ("too few to tell", ""),
    "no rival": ("not comparable", ""),
}
# What `who-made` calls the facts that a version's metadata hold.
_ORIGIN = {"git_commit": "commit", "data_fingerprint": "data", "settings_fingerprint": "settings"}
_ORIGIN |= {"config": "config", "overrides": "set", "card": "card", "launched_by": "launched by"}
WORDS = ("rows", "rare")  # facts of a version whose words are its own
_SHARES = ("fold_spread_recall", "prevalence", "families")  # facts in which each number that ends a phrase is a share


def overview(versions: Sequence[ModelVersion]) -> Group:
    """Return a table per release, one row per version, with the release's first metrics; below it the warnings."""
    shown: list[Table | Text] = []
    for release in dict.fromkeys(version.release_id for version in versions):
        own = [one for one in versions if one.release_id == release]
        warnings = dict.fromkeys(warning for one in own for warning in one.warnings)
        registered = f"Release {release}, registered {words.moment(own[0].created_at)}"
        told = [Text(f"Warning: {warning}", style="yellow") for warning in warnings]
        shown += [Text(registered, style="bold"), _release(own), *told]
    return Group(*shown)


def _release(release: Sequence[ModelVersion]) -> Table:
    metrics = list(release[-1].metrics)[:2]
    is_compared = any(_against_champion(version) for version in release)
    against = [Column(Text("against champion"), min_width=8)] if is_compared else []
    columns = [*map(fixed, ("version", "definition", "status", "bound")), *against]
    rows = [
        [
            str(version.version),
            version.definition,
            _status(version),
            _bound(version),
            *([_against_champion(version)] if is_compared else []),
            words.number(version.threshold),
            *(words.metric_value(name, version.metrics.get(name)) for name in metrics),
        ]
        for version in release
    ]
    return narrow(*columns, *map(figure, ("flags_from", *metrics)), rows=rows)


def facts(version: ModelVersion) -> Table:
    """Return everything about one version, a row per fact."""
    told: dict[str, str | Text] = {"status": _status(version), "description": version.description}
    told |= {"warnings": Text("\n".join(version.warnings), style="yellow")}
    told |= {"threshold": words.number(version.threshold), "bound": words.bound(version.bound, _their(version).rows)}
    told |= {name: words.metric_value(name, value) for name, value in version.metrics.items()}
    told |= {name: getattr(version, name) for name in ("release_id", "run_pathspec", "origin_run_id")}
    told |= {**version.metadata, **{name: _in_percent(version, name) for name in _SHARES}}
    told |= {"created_at": words.moment(version.created_at)}
    told |= {name: getattr(version, name) for name in ("arn", "location", "sha256")}
    return pairs(f"Version {version.version}: {version.definition}", told)


def decisions(events: Iterable[Decision]) -> Table:
    """Return one row per decision, oldest first."""
    rows = [
        (words.moment(one.at), _what(one.status, one.forced, one.until), _who(one.who, one.identity), one.why)
        for one in events
    ]
    return narrow("when", "what", "who", "why", title="\nDecisions", rows=rows or [("none yet",)])


def record(told: Iterable[DecisionOnRecord]) -> Table:
    """Return one row per decision of a group, with the champions before and after it."""
    rows = [
        (
            words.moment(one.at),
            _what(one.decision, one.forced, one.until),
            f"{one.version} ({one.definition})",
            " to ".join(words.MISSING if it is None else str(it) for it in (one.champion_before, one.champion_after)),
            _who(one.who, one.identity),
            one.why,
        )
        for one in told
    ]
    return narrow("when", "what", "version", "champion", "who", "why", rows=rows or [("none yet",)])


def _what(status: str, forced: bool, until: str) -> str:
    return status.lower() + (" (forced)" if forced else "") + (f"\nuntil {until}" if until else "")


def _who(who: str, identity: str) -> str:
    return who if identity in ("", who) else f"{who}\n({identity})"


def side_by_side(comparisons: Sequence[BesideChampion]) -> Table:
    """Return one column per version and one row per metric, followed by the difference to the champion."""
    versions = [item.version for item in comparisons]
    headings = [Text(f"version {version.version}\n") + spaced(version.definition) for version in versions]
    champions, against = ([one.champion for one in comparisons], [one.against_champion for one in versions])
    table = narrow("", *(Column(heading, justify="right") for heading in headings))
    table.add_row("status", *map(_status, versions))
    table.add_row("champion", *(f"version {one.version}" if one else "none yet" for one in champions))
    if any(against):
        table.add_row("as evaluated", *map(_against_champion, versions))
        gains = (words.gain(one) if one else "" for one in against)
        # The interval goes below the difference, so that four versions fit 80 characters.
        table.add_row("difference", *(text.replace(" [", "\n[") for text in gains))
    table.add_row("bound", *map(_bound, versions))
    their = _their(versions[0])
    tested = {"test_players": f"test {their.rows}", "risky_test_players": f"{their.rare} test {their.rows}"}
    mixed = [_in_percent(version, "families").replace("% ", "%\n") or words.MISSING for version in versions]
    table.add_row("families", *mixed)
    for name, told in tested.items():
        table.add_row(told, *(version.metadata.get(name, words.MISSING) for version in versions))
    table.add_row("threshold", *(words.number(version.threshold) for version in versions))
    for name in dict.fromkeys(name for version in versions for name in version.metrics):
        table.add_row(spaced(name), *(_beside_champion(item, name) for item in comparisons))
    return table


def origin(version: ModelVersion) -> dict[str, str]:
    """Return where a version comes from: run, release, commit, data, settings, config, card; as far as known."""
    known = {"run": version.run_pathspec, "trained in run": version.origin_run_id, "release": version.release_id}
    return known | {word: version.metadata[key] for key, word in _ORIGIN.items() if key in version.metadata}


def pairs(title: str, facts: Mapping[str, str | Text]) -> Table:
    """Return a table of names and texts; what has no text is left out."""
    told = ((name, text) for name, text in facts.items() if text)
    table = narrow(Column(style="dim"), "", rows=told)
    table.title, table.show_header, table.box, table.padding = Text(title), False, None, (0, 2, 0, 0)
    return table


def _in_percent(version: ModelVersion, fact: str) -> str:
    """Write shares as everywhere; registries, which take no %, hold them as in `linear 0.5 small boosting 0.2`."""
    told = version.metadata.get(fact, "")
    return re.sub(r"(?<!\S)[01](?:\.\d+)?(?= \D|$)", lambda share: words.percent(float(share[0])), told)


def _their(version: ModelVersion) -> Words:
    """Return the words that a version was registered with."""
    try:
        return Words.model_validate({name: version.metadata[name] for name in WORDS if name in version.metadata})
    except ValidationError:  # somebody has edited them
        return USUAL


def _status(version: ModelVersion) -> Text:
    return Text("champion", style="bold green") if version.is_champion else Text(*_STATUS[version.status])


def _against_champion(version: ModelVersion) -> Text:
    """Return the evaluation's verdict against the champion of then; empty where there was none to compare with."""
    against = version.against_champion
    return Text(*_AGAINST[against.verdict]) if against else Text()


def narrow(*columns: Column | str, title: str = "", rows: Iterable[Iterable[Any]] = ()) -> Table:
    """Return a table, its cells as they are typed and never cut; eight columns fit 80 characters."""
    wide = [Column(one) if isinstance(one, str) else one for one in columns]
    for column in wide:
        column.overflow = "fold"
    table = Table(*wide, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.title = Text(title, style="bold") if title else None
    for row in rows:
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    return table


def fixed(name: str) -> Column:
    """Return a column whose cells stay on one line."""
    return Column(name, no_wrap=True)


def figure(name: str) -> Column:
    """Return a column of figures, narrow because its heading may break between its words."""
    return Column(spaced(name), justify="right", min_width=6)


def spaced(name: str) -> Text:
    """Return a name that may break between its words."""
    return Text(name.replace("_", " "))


def _bound(version: ModelVersion) -> Text:
    """Return what test players said of the bound; empty where there is none, or nobody has judged it there."""
    state = version.bound.state if version.bound else ""
    told = Text(state, style={"missed": "red", "kept": "green"}.get(state, ""))
    return told if version.bound is None or version.bound.is_promised else told.append("\nnot promised", style="dim")


def _beside_champion(item: BesideChampion, name: str) -> Text:
    text = Text(words.metric_value(name, item.version.metrics.get(name)))
    if name in item.differences and not item.version.is_champion:
        text.append(f" {words.difference(name, item.differences[name])}", style="dim")
    return text
