"""`scarcegan outcomes`: what people find out about players, how far they agree, and what it says of the model."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from scarcegan import words
from scarcegan.cli.commands import Answer, answers, place_of, user_name, write_page
from scarcegan.cli.tables import figure, fixed, narrow
from scarcegan.problems import DataProblem
from scarcegan.project import located
from scarcegan.registry import Registry
from scarcegan.settings import Settings

if TYPE_CHECKING:
    from scarcegan.outcomes.records import Production
    from scarcegan.outcomes.store import OutcomeStore

app = typer.Typer(
    name="outcomes", no_args_is_help=True, help="Keep what people find out about players, and learn from it."
)
File = Annotated[str, typer.Argument(metavar="FILE", help="Parquet or CSV, local or s3://.", show_default=False)]


def _option(what: str, default: str = "the table's column") -> Any:
    return typer.Option(help=what, show_default=default)


def _store(settings: Settings) -> "OutcomeStore":
    from scarcegan.outcomes.store import open_outcomes

    return open_outcomes(settings.outcomes, settings.registry.group)


@answers(app)
def add(
    settings: Settings,
    file: File = "",
    player: Annotated[str, typer.Option(help="Player of one outcome, without a FILE.", show_default=False)] = "",
    snapshot: Annotated[str, _option("Snapshot that was reviewed.")] = "",
    decision: Annotated[str, _option("What was decided, see outcomes.decisions.")] = "",
    reviewer: Annotated[str, _option("Who decided.", "the table's column, or you")] = "",
    when: Annotated[str, _option("When, ISO date or time, UTC without a zone.", "the table's column, or now")] = "",
    reason: Annotated[str, _option("Why.")] = "",
) -> Answer:
    """Add outcomes: those of a table (player_id, snapshot, decision, reviewer, when, reason), or one by options.

    All are added or none; the same again adds nothing. To correct an outcome, add another one of a later time.
    """
    import pandas as pd

    from scarcegan.data.ids import keyed_id
    from scarcegan.outcomes.checks import checked, read_outcomes
    from scarcegan.snapshots import open_snapshots

    if bool(file) == bool(player):
        raise DataProblem("expected either a FILE of outcomes or --player, the player of one: give one of both")
    now = pd.Timestamp.now("UTC").as_unit("us")
    alone = {} if file else {"reviewer": reviewer or user_name(), "when": when or now.isoformat()}
    player_id = player and keyed_id(player, settings.data.id_key)
    given = {"player_id": player_id, "snapshot": snapshot, "decision": decision, "reviewer": reviewer, "when": when}
    given = {name: value for name, value in (given | {"reason": reason} | alone).items() if value}
    location = file and located(file, Path.cwd())
    store, snapshots = _store(settings), open_snapshots(settings.own_snapshots.folder)
    table = read_outcomes(location, given, settings.data.id_key)
    added = store.add(checked(table, location, store, snapshots, settings.outcomes.decisions, now))
    told = f"Added {words.plural(added.added, 'outcome')}; {words.count(added.known)} known before."
    return Answer(added, Text(told))


@answers(app, "list")
def list_outcomes(
    settings: Settings,
    snapshot: Annotated[str, typer.Option(help="Only this snapshot.", show_default="all")] = "",
    with_design: Annotated[
        bool, typer.Option("--with-design", help="Show who was drawn for the audit: not for reviewers.")
    ] = False,
) -> Answer:
    """List outcomes by time."""
    from scarcegan.outcomes.labels import settled_labels
    from scarcegan.outcomes.store import written

    table = _store(settings).table()
    found = written(table[table["snapshot"] == snapshot] if snapshot else table)
    columns = ["player_id", "snapshot", "decision", "reviewer", "when", "reason"]
    if with_design:
        design = settled_labels(table, settings)[["player_id", "snapshot", "source", "inclusion"]]
        found = found.merge(design, on=["player_id", "snapshot"], how="left")
        columns += ["source", "inclusion"]
    rows = [[_cell(name, row[name]) for name in columns] for row in found.to_dict("records")]
    others = ", ".join(sorted(table["snapshot"].unique()))
    none = f"none of '{snapshot}', but of {others}" if others else "`scarcegan outcomes add`"
    shown: RenderableType = narrow(*columns, rows=rows) if rows else Text(f"No outcomes yet: {none}.")
    return Answer(found.to_dict("records"), shown)


@answers(app)
def agreement(settings: Settings) -> Answer:
    """Say how often reviewers of the same players decide alike."""
    from scarcegan.outcomes.consensus import agreement as compare

    found = compare(_store(settings).table(), settings.outcomes)
    rows = []
    for one in found:
        counts = [words.count(number) for number in (one.players, one.alike)]
        rows.append([*one.reviewers, *counts, words.share(one.share), words.score(one.kappa)])
    table = narrow("reviewer", "and", *map(figure, ("players", "alike", "share_alike", "kappa")), rows=rows)
    return Answer(found, table if found else Text("No two reviewers have reviewed the same player yet."))


@answers(app)
def export(
    settings: Settings,
    file: Annotated[str, typer.Argument(help="Parquet or CSV to write, local or s3://.")],
    labels: Annotated[bool, typer.Option("--labels", help="What reviewers settle on, instead of outcomes.")] = False,
) -> Answer:
    """Write all outcomes, or what reviewers settle on, as a table for other systems."""
    from scarcegan.outcomes.labels import settled_labels, write_table
    from scarcegan.outcomes.store import written

    store, location = _store(settings), place_of(file, "FILE")
    table = settled_labels(store.table(), settings) if labels else written(store.table())
    table = table.assign(group=store.group)
    write_table(table, location)
    # A player on whom reviewers have not settled is in the table without a label.
    what, count = ("label", int((table["label"] != "").sum())) if labels else ("outcome", len(table))
    told = f"Wrote {words.plural(count, what)}{f' in {len(table)} rows' * (count < len(table))} to {location}"
    return Answer({"file": location, "rows": len(table)}, Text(told))


@answers(app)
def report(
    settings: Settings,
    registry: Registry,
    html: Annotated[str, typer.Option(metavar="FILE", help="Page to write beside.", show_default="none")] = "",
) -> Answer:
    """Say what outcomes teach: prevalence, precision and recall in production, by champion and over time."""
    from cards.outcomes_card import outcomes_card
    from scarcegan.outcomes.report import outcome_report

    recalls = {one.version: one.metrics["recall"] for one in registry.versions() if "recall" in one.metrics}
    found = outcome_report(_store(settings), settings, recalls)
    said = [
        f"{words.plural(found.outcomes, 'outcome')} of {words.plural(found.reviewers, 'reviewer')}: "
        f"{words.count(found.settled)} settled, {words.count(found.undecided)} not"
    ]
    said += found.doubts
    tables = [_production("By champion", found.champions), _production("Over time", found.periods)]
    page = [write_page(outcomes_card(found), "Outcomes", html)] if html else []
    return Answer(found, Group(*map(Text, said), *(tables if found.champions else []), *page))


def _production(title: str, found: "Sequence[Production]") -> RenderableType:
    rows = [
        [
            str(one.version),
            "\nto ".join(dict.fromkeys((one.cutoffs[0], one.cutoffs[-1]))),
            f"{words.count(one.reviewed)}/{words.count(one.listed)}",
            f"{words.count(one.drawn_reviewed)}/{words.count(one.drawn)}",
            # Below its figure an interval is narrow enough for 80 characters.
            *(words.share(share).replace(" [", "\n[") for share in (one.prevalence, one.precision, one.recall)),
            one.confirmed.replace(" ", "\n"),
        ]
        for one in found
    ]
    names = ("version", "cut-off", "top", "audit", "prevalence", "precision", "recall", "days")
    about = f"\n{title}, with 95 % intervals; top and audit: reviewed of listed"
    return narrow(*map(fixed, names), title=about, rows=rows)


def _cell(name: str, value: Any) -> str:
    if name == "inclusion":
        return words.number(value)
    return words.moment(value) if name == "when" else str(value)
