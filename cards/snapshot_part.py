"""The data card's part on the snapshot: what it is, and how its features have moved since the previous one."""

from typing import Any

from metaflow.cards import Markdown, VegaChart

from cards import theme
from cards.charts import Axis, Mark, ranked_bars
from scarcegan import words
from scarcegan.snapshots.records import SnapshotReport

SHOWN = 15
STRONG = 0.25  # PSI from which a distribution counts as another one, a convention of credit scoring


def snapshot_part(snapshot: SnapshotReport) -> list[Any]:
    """Build the part on the snapshot that the players come from."""
    missing = snapshot.missing_days
    days = f"missing for everyone: {', '.join(missing)}" if missing else "no day is missing for everyone"
    window = words.plural(snapshot.window_days, "day")
    about = theme.heading("Snapshot", f"`{snapshot.name}`, {window}, {days}; code {snapshot.code_version[:8]}.")
    if not snapshot.previous:
        return [about, Markdown("There is no earlier snapshot of this kind: drift is not known yet.")]
    return [about, _summary(snapshot), _move_chart(snapshot)]


def _summary(snapshot: SnapshotReport) -> Markdown:
    strong = sum(move.psi > STRONG for move in snapshot.moves)
    previous = f"`{snapshot.previous}` (cut-off {snapshot.previous_cutoff})"
    if not strong:
        return Markdown(f"**No feature has moved far** since {previous}.")
    return Markdown(f"**{words.plural(strong, 'feature')} of {len(snapshot.moves)} moved far** since {previous}.")


def _move_chart(snapshot: SnapshotReport) -> VegaChart:
    marks = []
    for move in snapshot.moves[:SHOWN]:
        median = f"(median {words.number(move.median_before)} → {words.number(move.median_now)})"
        kind, color = ("moved far", theme.RED) if move.psi > STRONG else ("near where it was", theme.BLUE)
        marks.append(Mark(move.name, move.psi, label=f"{words.score(move.psi)}  {median}", series=kind, color=color))
    reading = f"The {len(marks)} that moved most; below 0.1 is stable, above {STRONG} another distribution."
    axis = Axis("population stability index over the earlier snapshot's deciles")
    return ranked_bars("Which features have moved since the previous snapshot?", reading, axis, marks)
