"""`scarcegan parity OLD NEW --snapshot S`: would moderators see other players, and why?"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from scarcegan.cli.chosen import Backend, Config, Folder, chosen_registry, settings_of
from scarcegan.cli.models import console

if TYPE_CHECKING:
    from scarcegan.workflow.scoring.records import Mover, ParityReport

SIDE = "Version number, or a parquet or CSV file with player_id and risk_score."


def parity(
    old: Annotated[str, typer.Argument(help=SIDE)],
    new: Annotated[str, typer.Argument(help=SIDE)],
    snapshot: Annotated[str, typer.Option(help="Snapshot of the players to compare on.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    config: Config = None,
    backend: Backend = None,
    folder: Folder = None,
) -> None:
    """Compare two models, or a model with an older scores file, on one snapshot, at the settings' review budget."""
    from scarcegan.snapshots import open_snapshots
    from scarcegan.workflow.scoring.parity import parity as compare

    settings = settings_of(config)
    players = open_snapshots(settings.snapshots.folder).read(snapshot)
    found = compare(old, new, players, chosen_registry(config, backend, folder), settings.review_budget)
    if as_json:
        typer.echo(json.dumps(found.to_plain(), indent=1, ensure_ascii=False))
        return
    out = console()
    for line in _summary(found):
        out.print(Text(line))
    for title, movers in (("Move in", found.moved_in), ("Move out", found.moved_out)):
        if movers:
            out.print(_movers(title, movers))


def _summary(found: "ParityReport") -> list[str]:
    correlation = "none" if found.rank_correlation is None else f"{found.rank_correlation:.4f}"
    lines = [
        f"{found.old} and {found.new} on {found.snapshot}: {found.players:,} players",
        f"Agreement at the budget: {found.agreement:.1%} of {found.budget_players:,} players, "
        f"{found.moved_in_players:,} move in and as many out",
        f"Rank correlation: {correlation}; largest difference of a score: {found.largest_difference:.2g}",
    ]
    if found.only_in_snapshot:
        lines.append(f"{found.only_in_snapshot:,} players of the snapshot have no score in a file: left out")
    return lines


def _movers(title: str, movers: "Sequence[Mover]") -> Table:
    table = Table("Player", "Old score", "New score", "Old rank", "New rank", "Why", title=title, box=None)
    for mover in movers:
        scores = (f"{score:.4f}" for score in (mover.old_score, mover.new_score))
        ranks = (f"{rank:,}" for rank in (mover.old_rank, mover.new_rank))
        table.add_row(*map(Text, (str(mover.player_id), *scores, *ranks, "; ".join(mover.why))))
    return table
