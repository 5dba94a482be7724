"""What to look at first: `preflight` before a run, `report` before an approval, `parity` before a switch of models."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from scarcegan import history, words
from scarcegan.backends import open_registry
from scarcegan.cli.commands import Answer, Run, answers, write_page
from scarcegan.cli.tables import narrow
from scarcegan.data.records import DataReport
from scarcegan.evaluation.records import Evaluation
from scarcegan.history.records import Dossier
from scarcegan.problems import HistoryProblem
from scarcegan.registry import Registry
from scarcegan.registry.release import Release
from scarcegan.settings import Settings, load
from scarcegan.settings.markers_section import patterns_of
from scarcegan.settings.words_section import Words

if TYPE_CHECKING:
    from scarcegan.workflow.scoring.records import Mover, ParityReport

app = typer.Typer()
STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red"}
SIDE = "Version, as in 3 or v3, its ARN, or a parquet or CSV file with player_id and risk_score."


@answers(app)
def preflight(settings: Settings) -> Answer:
    """Check in seconds what a run with `--with batch` needs, and say what it is expected to cost."""
    # boto3 and pyarrow take their time to load; the other commands do without.
    from scarcegan.costs import estimate
    from scarcegan.preflight import before_launch

    findings = before_launch(settings, os.environ)
    expected = estimate(settings.resources, settings.prices, settings.folds, settings.train)
    rows = [(one.what, Text(one.state, style=STYLES[one.state]), one.found, one.advice) for one in findings]
    shown = Group(narrow("check", "", "found", "what to do", rows=rows), Text(expected.sentence))
    failed = any(finding.state == "failed" for finding in findings)
    return Answer({"findings": findings, "expected": expected}, shown, failed)


@answers(app)
def report(
    reference: Run,
    html: Annotated[Path | None, typer.Option(help="File to write.", show_default="report-RUN.html")] = None,
) -> Answer:
    """Write a run's report for reviewers, one page: purpose, data, metrics, limits, harms, lineage, approver."""
    from cards.review_report import review_report

    dossier = collect(reference)
    run = dossier.facts.run
    file = html or Path(f"report-{run}.html")
    return Answer({"run": run, "file": str(file)}, write_page(review_report(dossier), f"Review of run {run}", file))


def collect(reference: str) -> Dossier:
    """Return what the run, and the registry that its settings name, tell a reviewer.

    A `Problem` says that the run does not exist or was not evaluated, or what cannot be read.
    """
    facts = history.facts_of_run(reference)
    evaluation, release = history.artifact(facts.run, "evaluation"), history.artifact(facts.run, "release")
    if evaluation is None:
        raise HistoryProblem(
            f"expected an evaluated run, got {facts.run}, {facts.status} in {facts.step}: resume it or take another"
        )
    registered = release and Release.from_plain(release)
    decisions = {}
    if registered:
        registry = open_registry(load(history.artifact(facts.run, "settings")).registry)
        found = registry.versions(release_id=registered.release_id)
        decisions = {f"{one.version} ({one.definition})": registry.events(one.version) for one in found}
    data_report = DataReport.from_plain(history.artifact(facts.run, "data_report"))
    return Dossier(facts, data_report, Evaluation.from_plain(evaluation), registered, decisions)


@answers(app)
def parity(
    settings: Settings,
    registry: Registry,
    old: Annotated[str, typer.Argument(help=SIDE)],
    new: Annotated[str, typer.Argument(help=SIDE)],
    snapshot: Annotated[str, typer.Option(help="Snapshot of the players to compare on.")],
) -> Answer:
    """Compare two models, or a model with an older scores file, on one snapshot, at the settings' review budget."""
    from scarcegan.snapshots import open_snapshots
    from scarcegan.workflow.scoring.parity import parity as compare

    players = open_snapshots(settings.own_snapshots.folder).read(snapshot)
    markers = patterns_of(settings.markers, settings.telemetry.roles)
    found = compare(old, new, players, registry, settings.review_budget, markers)
    moved = {"Move in": found.moved_in, "Move out": found.moved_out}
    tables = [_movers(title, movers, settings.words.row) for title, movers in moved.items() if movers]
    return Answer(found, Group(*map(Text, _summary(found, settings.words)), *tables))


def _summary(found: "ParityReport", their: Words) -> list[str]:
    def counted(number: int) -> str:
        return words.plural(number, their.row, their.rows)

    lines = [
        f"{found.old} and {found.new} on {found.snapshot}: {counted(found.players)}",
        f"Agreement at the budget: {words.percent(found.agreement)} of {counted(found.budget_players)}, "
        f"{words.count(found.moved_in_players)} move in and as many out",
        f"Rank correlation: {words.score(found.rank_correlation, 4)}; largest difference of a score: "
        f"{words.number(found.largest_difference)}",
    ]
    if left_out := found.only_in_snapshot:
        lines.append(f"{counted(left_out)} of the snapshot have no score in a file: left out")
    return lines


def _movers(title: str, movers: "Sequence[Mover]", row: str) -> Table:
    rows = (
        [str(mover.player_id)]
        + [words.score(score, 4) for score in (mover.old_score, mover.new_score)]
        + [words.count(rank) for rank in (mover.old_rank, mover.new_rank)]
        + ["; ".join(mover.why)]
        for mover in movers
    )
    return narrow(row, "old score", "new score", "old rank", "new rank", "why", title=title, rows=rows)
