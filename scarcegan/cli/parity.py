"""`scarcegan parity OLD NEW --snapshot S`: would moderators see other players, and why?"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from scarcegan import words
from scarcegan.cli.answers import Answer, answers
from scarcegan.cli.tables import narrow
from scarcegan.registry import Registry
from scarcegan.settings import Settings

if TYPE_CHECKING:
    from scarcegan.workflow.scoring.records import Mover, ParityReport

SIDE = "Version number, as in 3 or v3, or a parquet or CSV file with player_id and risk_score."


@answers
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

    players = open_snapshots(settings.snapshots.folder).read(snapshot)
    found = compare(old, new, players, registry, settings.review_budget)
    moved = {"Move in": found.moved_in, "Move out": found.moved_out}
    tables = [_movers(title, movers) for title, movers in moved.items() if movers]
    return Answer(found.to_plain(), Group(*map(Text, _summary(found)), *tables))


def _summary(found: "ParityReport") -> list[str]:
    lines = [
        f"{found.old} and {found.new} on {found.snapshot}: {words.plural(found.players, 'player')}",
        f"Agreement at the budget: {words.percent(found.agreement)} of {words.plural(found.budget_players, 'player')}, "
        f"{words.count(found.moved_in_players)} move in and as many out",
        f"Rank correlation: {words.score(found.rank_correlation, 4)}; largest difference of a score: "
        f"{words.number(found.largest_difference)}",
    ]
    if left_out := found.only_in_snapshot:
        lines.append(f"{words.plural(left_out, 'player')} of the snapshot have no score in a file: left out")
    return lines


def _movers(title: str, movers: "Sequence[Mover]") -> Table:
    rows = (
        [str(mover.player_id)]
        + [words.score(score, 4) for score in (mover.old_score, mover.new_score)]
        + [words.count(rank) for rank in (mover.old_rank, mover.new_rank)]
        + ["; ".join(mover.why)]
        for mover in movers
    )
    return narrow("player", "old score", "new score", "old rank", "new rank", "why", title=title, rows=rows)
