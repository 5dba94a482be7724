"""`scarcegan snapshots`: list what FeaturesFlow has published, and show one of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group
from rich.text import Text

from scarcegan import words
from scarcegan.cli.commands import Answer, answers, warn
from scarcegan.cli.tables import narrow, pairs
from scarcegan.project import located

if TYPE_CHECKING:
    from scarcegan.snapshots import Manifest, SnapshotStore

app = typer.Typer(no_args_is_help=True, help="List and show the snapshots of features that FeaturesFlow published.")
Folder = Annotated[
    str, typer.Option("--folder", help="Folder or s3:// prefix of the snapshots.", show_default=".scarcegan/snapshots")
]


@answers(app, "list")
def list_snapshots(
    cutoff: Annotated[str, typer.Option(help="Only this cut-off date, as in 2026-11-22.")] = "", folder: Folder = ""
) -> Answer:
    """List the snapshots by cut-off date."""
    store = _store(folder)
    found = [manifest for manifest in store.snapshots() if cutoff in ("", manifest.frame.cutoff)]
    warn(store.left_out)
    rows = []
    for one in found:
        counts = (one.frame.window_days, one.players, len(one.frame.columns))
        rows.append([one.name, one.frame.cutoff, *map(words.count, counts), one.fingerprint])
    table = narrow("name", "cut-off", "window", "players", "features", "fingerprint", rows=rows)
    return Answer([_facts(manifest) for manifest in found], table)


@answers(app)
def show(name: Annotated[str, typer.Argument(help="Name of the snapshot.")], folder: Folder = "") -> Answer:
    """Show one snapshot: where it comes from, what was odd in its telemetry, what moved since the one before."""
    from scarcegan.data.distances import moves

    store = _store(folder)
    manifest = store.describe(name)
    before = store.before(manifest)
    warn(store.left_out)
    moved = moves(before.statistics, manifest.statistics)[:10] if before else []
    previous = before.name if before else None
    facts = _facts(manifest) | {"previous": previous}
    lines = [f"note: {note}" for note in manifest.frame.notes]
    lines += [f"moved since {previous}: {move.name} (PSI {words.score(move.psi)})" for move in moved]
    shown = pairs(f"Snapshot {name}", {key: words.setting(value) for key, value in facts.items() if key != "notes"})
    return Answer(facts | {"moved_most": moved}, Group(shown, *map(Text, lines)))


def _store(folder: str) -> "SnapshotStore":
    # pyarrow takes its time to load; the other commands do without.
    from scarcegan.snapshots import open_snapshots

    return open_snapshots(folder and located(folder, Path.cwd()))


def _facts(manifest: "Manifest") -> dict[str, Any]:
    frame = {key: value for key, value in vars(manifest.frame).items() if key not in ("columns", "days_column")}
    held = {"players": manifest.players, "features": len(manifest.frame.columns), "parts": len(manifest.parts)}
    return {"name": manifest.name, "fingerprint": manifest.fingerprint, **held, **frame}
