"""The page of `scarcegan explain`: the record of one decision, for when a player contests it."""

from collections.abc import Sequence
from typing import Any

from metaflow.cards import Markdown, Table

from cards import theme
from scarcegan import words
from scarcegan.outcomes.records import Outcome
from scarcegan.serving.reasons import Marker
from scarcegan.workflow.scoring.records import DecisionRecord

FEATURES_SHOWN = 5


def decision_card(record: DecisionRecord) -> list[Any]:
    """Build the page of one decision."""
    their = record.words
    about = (
        f"What each marker of harm adds to the risk score, from the typical {their.row}'s "
        f"({words.score(record.typical_score, 4)}) on; together they are the score. Usual is what nine in ten "
        f"{their.rows} of the snapshot have. That is what the model looks at, not what makes {their.rows} {their.rare}."
    )
    changed = f"Within what {their.rows} of the snapshot have; scored by the model itself. It is no advice."
    parts = [
        theme.facts(*record.facts),
        theme.heading("Reasons", about),
        _reasons(record.markers),
        theme.heading("What would have to change", changed),
        Markdown(record.change_in_words),
        theme.heading("What people found out"),
        _outcomes(record.outcomes),
        theme.heading("Inputs", "Every feature of the model."),
        _inputs(record.markers),
    ]
    return theme.page(f"Decision record: {record.plan.snapshot.name}", parts)


def _reasons(markers: Sequence[Marker]) -> Table:
    raising = {one.name: [it.words for it in one.features if it.attribution > 0][:FEATURES_SHOWN] for one in markers}
    rows = [[one.name, words.signed(one.attribution), "; ".join(raising[one.name])] for one in markers]
    return theme.table(["Marker", "Adds", "What raises the score"], rows)


def _outcomes(outcomes: Sequence[Outcome]) -> Any:
    columns = {
        "When (UTC)": lambda one: words.moment(one.when),
        "Decision": lambda one: one.decision,
        "Reviewer": lambda one: one.reviewer,
        "Reason": lambda one: one.reason,
    }
    return theme.listing(outcomes, columns) if outcomes else Markdown("No outcomes yet.")


def _inputs(markers: Sequence[Marker]) -> Table:
    rows = [
        [
            words.feature_name(one.feature),
            marker.name,
            "missing" if one.value is None else words.feature_value(one.value),
            f"{words.feature_value(one.usual_low)} to {words.feature_value(one.usual_high)}",
            words.signed(one.attribution),
        ]
        for marker in markers
        for one in marker.features
    ]
    return theme.table(["Feature", "Marker", "Value", "Usual", "Adds"], rows)
