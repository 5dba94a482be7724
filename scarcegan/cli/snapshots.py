"""`scarcegan snapshots`: publish a table of features, list what is published, and show one of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group
from rich.text import Text

from scarcegan import words
from scarcegan.cli.commands import Answer, Config, answers, say
from scarcegan.cli.tables import narrow, pairs
from scarcegan.project import command, located
from scarcegan.settings import Settings

if TYPE_CHECKING:
    from scarcegan.snapshots import Manifest, SnapshotStore

app = typer.Typer(name="snapshots", no_args_is_help=True, help="Publish, list and show snapshots of features.")
Folder = Annotated[
    str, typer.Option("--folder", help="Folder or s3:// prefix of the snapshots.", show_default="as in the settings")
]


@answers(app)
def publish(
    settings: Settings,
    table: Annotated[str, typer.Argument(help="A parquet or CSV file, or a folder of parts, local or s3://.")],
    name: Annotated[
        str, typer.Option(help="Name of the snapshot.", show_default="snapshots.prefix and a date in TABLE, or today's")
    ] = "",
    config: Config = None,
) -> Answer:
    """Publish a table of features, one row per player, as a snapshot, for ScoreFlow to score."""
    from scarcegan.workflow.features.table import publish_table

    manifest = publish_table(located(table, Path.cwd()), name, settings)
    lines = [f"note: {note}" for note in manifest.frame.notes]
    features = words.plural(len(manifest.frame.columns), "feature")
    counted = settings.words.counted(manifest.players)
    said = f"Snapshot {manifest.name} ({manifest.fingerprint}): {counted}, {features}"
    look_next = f"Look next: {command('score', str(config or ''))} --snapshot {manifest.name}"
    return Answer(facts_of(manifest), Group(*map(Text, [said, *lines, look_next])))


@answers(app, "list")
def list_snapshots(
    settings: Settings,
    cutoff: Annotated[str, typer.Option(help="Only this cut-off date, as in 2026-11-22.")] = "",
    folder: Folder = "",
) -> Answer:
    """List the snapshots by cut-off date."""
    store = _store(settings, folder)
    every = store.snapshots()
    found = [manifest for manifest in every if cutoff in ("", manifest.frame.cutoff)]
    say(*store.left_out, style="yellow")
    if not found:
        others = ", ".join(sorted({manifest.frame.cutoff for manifest in every}))
        none = f"none of '{cutoff}', but of {others}" if others else "`scarcegan features` or `snapshots publish`"
        return Answer([], Text(f"No snapshots in {store.folder} yet: {none}."))
    rows = []
    for one in found:
        counts = (one.frame.window_days, one.players, len(one.frame.columns))
        rows.append([one.name, one.frame.cutoff, *map(words.count, counts), one.fingerprint])
    table = narrow("name", "cut-off", "window", settings.words.rows, "features", "fingerprint", rows=rows)
    return Answer([facts_of(manifest) for manifest in found], table)


@answers(app)
def show(
    settings: Settings, name: Annotated[str, typer.Argument(help="Name of the snapshot.")], folder: Folder = ""
) -> Answer:
    """Show one snapshot: where it comes from, what was odd in its telemetry, what moved since the one before."""
    from scarcegan.data.distances import moves

    store = _store(settings, folder)
    manifest = store.describe(name)
    before = store.before(manifest)
    say(*store.left_out, style="yellow")
    moved = moves(before.statistics, manifest.statistics)[:10] if before else []
    previous = before.name if before else None
    facts = facts_of(manifest) | {"previous": previous}
    lines = [f"note: {note}" for note in manifest.frame.notes]
    lines += [f"moved since {previous}: {move.name} (PSI {words.score(move.psi)})" for move in moved]
    told = {key: words.count(one) if isinstance(one, int) else words.setting(one) for key, one in facts.items()}
    shown = pairs(f"Snapshot {name}", {key: text for key, text in told.items() if key != "notes"})
    return Answer(facts | {"moved_most": moved}, Group(shown, *map(Text, lines)))


def _store(settings: Settings, folder: str) -> "SnapshotStore":
    from scarcegan.snapshots import open_snapshots

    return open_snapshots(located(folder, Path.cwd()) if folder else settings.own_snapshots.folder)


def facts_of(manifest: "Manifest") -> dict[str, Any]:
    """Return what is told of a snapshot."""
    frame = {key: value for key, value in vars(manifest.frame).items() if key not in ("columns", "days_column")}
    held = {
        "players": manifest.players,
        "forgotten": len(manifest.forgotten),
        "features": len(manifest.frame.columns),
        "parts": len(manifest.parts),
    }
    return {"name": manifest.name, "fingerprint": manifest.fingerprint, **held, **frame}
