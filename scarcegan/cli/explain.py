"""`scarcegan explain`: the record of one decision, for when a player contests it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from scarcegan import words
from scarcegan.cli.commands import Answer, answers, write_page
from scarcegan.cli.tables import figure, narrow, pairs
from scarcegan.registry import Registry
from scarcegan.settings import Settings

if TYPE_CHECKING:
    from scarcegan.workflow.scoring.records import DecisionRecord

app = typer.Typer()
FEATURES_SHOWN = 3


@answers(app)
def explain(
    settings: Settings,
    registry: Registry,
    player: Annotated[str, typer.Argument(help="Id of the player.")],
    snapshot: Annotated[str, typer.Option(help="Snapshot that was scored.")],
    version: Annotated[
        str, typer.Option(help="Version whose decision it is, as in 3 or v3.", show_default="the one that has scored")
    ] = "",
    html: Annotated[Path | None, typer.Option(help="Page to write beside.", show_default="none")] = None,
) -> Answer:
    """Tell the decision on one player: model, score, reasons, what would have to change, what people found out."""
    from scarcegan.data.ids import keyed_id
    from scarcegan.workflow.scoring.decision_record import explain_player

    number = registry.number_of(version) if version else None
    found = explain_player(keyed_id(player, settings.data.id_key), snapshot, settings, registry, number)
    shown = [pairs("Decision record", dict(found.facts)), *_tables(found)]
    if html:
        from cards.decision_card import decision_card

        shown.append(write_page(decision_card(found), "Decision record", html))
    return Answer(found, Group(*shown))


def _tables(found: "DecisionRecord") -> list[Table | Text]:
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
