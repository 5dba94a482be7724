"""What to look at first: `preflight` before a run, `report` before an approval, `parity` before a switch of models.

And `explain` when a player contests a decision.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from textwrap import shorten
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from scarcegan import history, words
from scarcegan.cli.commands import Answer, Run, answers, write_page
from scarcegan.cli.tables import figure, narrow, pairs
from scarcegan.history.records import Dossier
from scarcegan.problems import RegistryProblem
from scarcegan.registry import ModelVersion, Registry
from scarcegan.registry.release import Lineage, Release
from scarcegan.settings import Settings
from scarcegan.settings.words_section import Words

if TYPE_CHECKING:
    from scarcegan.workflow.scoring.records import DecisionRecord, Mover, ParityReport

app = typer.Typer()
STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red"}
FEATURES_SHOWN = 3  # of each marker
SIDE = "Version, as in 3 or v3, its ARN, or a parquet or CSV file with player_id and risk_score."


@answers(app)
def preflight(settings: Settings) -> Answer:
    """Check in seconds what a run with `--with batch` needs, and say what it is expected to cost."""
    from scarcegan.costs import estimate
    from scarcegan.preflight import before_launch

    findings = before_launch(settings, os.environ)
    expected = estimate(settings.resources, settings.prices, settings.folds, settings.train)
    retell = settings.words.retell
    rows = [(one.what, Text(one.state, style=STYLES[one.state]), retell(one.found)) for one in findings]
    advice = [Text(f"{one.what}: {retell(one.advice)}") for one in findings if one.advice]
    shown = Group(narrow("check", "", "found", rows=rows), *advice, Text(expected.sentence))
    failed = any(finding.state == "failed" for finding in findings)
    return Answer({"findings": findings, "expected": expected}, shown, failed)


@answers(app)
def report(
    registry: Registry,
    reference: Run,
    html: Annotated[str, typer.Option(metavar="FILE", help="File to write.", show_default="report-RUN.html")] = "",
) -> Answer:
    """Write a run's report for reviewers, one page: purpose, data, metrics, limits, harms, lineage, approver.

    It comes from the registry alone: what the models' archives, and beside them quality by attributes, keep.
    """
    from cards.review_report import review_report

    dossier = collect(registry, reference)
    file = html or f"report-{dossier.run}.html"
    page = write_page(review_report(dossier), f"Review of run {dossier.run}", file)
    return Answer({"run": dossier.run, "file": file}, page)


def collect(registry: Registry, reference: str) -> Dossier:
    """Return what the registry tells a reviewer of the run `RetrainFlow/12`, or `12`, that has registered a release.

    None of the run's own artifacts is read. A `Problem` says that there is no such release, or what cannot be read.
    """
    known = registry.versions()
    of_run = [one for one in known if reference in (one.run_pathspec, one.run_pathspec.split("/")[-1])]
    if not of_run:
        others = ", ".join(dict.fromkeys(one.run_pathspec.split("/")[-1] for one in reversed(known))) or "none"
        raise RegistryProblem(
            f"expected a run that has registered a release in group '{registry.group}' ({shorten(others, 200)}), got "
            f"'{reference}': check --config; `scarcegan runs show` tells of other runs"
        )
    return of_release(registry, [one for one in of_run if one.release_id == of_run[-1].release_id])


def of_release(registry: Registry, found: Sequence[ModelVersion]) -> Dossier:
    """Return what the registry tells of the release that these versions are; raises as `collect` does."""
    from scarcegan.workflow.retraining.review import groups_of, read_review

    first = found[0]
    review = read_review(registry.fetch(first.sha256), first.sha256)
    evaluation = replace(review.evaluation, attribute_groups=groups_of(first, registry))
    commit = first.metadata.get("git_commit", "")
    origin = {"run": first.run_pathspec, "origin_run": first.origin_run_id, "commit": commit}
    lineage = Lineage.from_plain({**first.metadata, **origin})
    release = Release.of(found, review.evaluation.models, lineage, warnings=first.warnings)
    decisions = {f"{one.version} ({one.definition})": registry.events(one.version) for one in found}
    return Dossier(
        run=first.run_pathspec.split("/")[-1],
        created=first.created_at,
        user=lineage.launched_by or "an unknown user",
        settings=history.flat(review.settings),
        data_report=review.data_report,
        evaluation=evaluation,
        release=release,
        decisions=decisions,
    )


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
    found = compare(old, new, players, registry, settings)
    moved = {"Move in": found.moved_in, "Move out": found.moved_out}
    tables = [_movers(title, movers, settings.words.row) for title, movers in moved.items() if movers]
    return Answer(found, Group(*map(Text, _summary(found, settings.words)), *tables))


def _summary(found: "ParityReport", their: Words) -> list[str]:
    lines = [
        f"{found.old} and {found.new} on {found.snapshot}: {their.counted(found.players)}",
        f"Agreement at the budget: {words.percent(found.agreement)} of {their.counted(found.budget_players)}, "
        f"{words.count(found.moved_in_players)} move in and as many out",
        f"Rank correlation: {words.score(found.rank_correlation, 4)}; largest difference of a score: "
        f"{words.number(found.largest_difference)}",
    ]
    if left_out := found.only_in_snapshot:
        lines.append(f"{their.counted(left_out)} of the snapshot have no score in a file: left out")
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


@answers(app)
def explain(
    settings: Settings,
    registry: Registry,
    player: Annotated[str, typer.Argument(help="Id of the player.")],
    snapshot: Annotated[str, typer.Option(help="Snapshot that was scored.")],
    version: Annotated[
        str, typer.Option(help="Version whose decision it is, as in 3 or v3.", show_default="the one that has scored")
    ] = "",
    html: Annotated[str, typer.Option(metavar="FILE", help="Page to write beside.", show_default="none")] = "",
) -> Answer:
    """Tell the decision on one player: model, score, reasons, what would have to change, what people found out."""
    from scarcegan.data.ids import keyed_id
    from scarcegan.workflow.scoring.decision_record import explain_player

    number = registry.number_of(version) if version else None
    found = explain_player(keyed_id(player, settings.data.id_key), snapshot, settings, registry, number)
    shown = [pairs("Decision record", dict(found.facts)), *_reasons(found)]
    if html:
        from cards.decision_card import decision_card

        shown.append(write_page(decision_card(found), "Decision record", html))
    return Answer(found, Group(*shown))


def _reasons(found: "DecisionRecord") -> list[Table | Text]:
    reasons = []
    for marker in found.markers:
        told = [one.words for one in marker.features if one.attribution > 0][:FEATURES_SHOWN]
        reasons.append([marker.name, words.signed(marker.attribution), "\n".join(told)])
    title = f"\nReasons, from the typical score {words.score(found.typical_score, 4)} on"
    table = narrow("marker", figure("adds"), "what raises the score most", title=title, rows=reasons)
    parts: list[Table | Text] = [table, Text(f"What would have to change: {found.change_in_words}")]
    if outcomes := [[words.moment(one.when), one.decision, one.reviewer, one.reason] for one in found.outcomes]:
        parts.append(narrow("when", "decision", "reviewer", "reason", title="\nOutcomes", rows=outcomes))
    return parts
