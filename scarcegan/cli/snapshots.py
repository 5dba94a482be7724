"""`scarcegan snapshots`: list what FeaturesFlow has published, and show one of them."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from scarcegan.project import located

if TYPE_CHECKING:
    from scarcegan.snapshots import Manifest, SnapshotStore

app = typer.Typer(no_args_is_help=True, help="List and show the snapshots of features that FeaturesFlow published.")
Folder = Annotated[
    str, typer.Option("--folder", help="Folder or s3:// prefix of the snapshots.", show_default=".scarcegan/snapshots")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_snapshots(
    cutoff: Annotated[str, typer.Option(help="Only this cut-off date.")] = "",
    folder: Folder = "",
    as_json: AsJson = False,
) -> None:
    """List the snapshots by cut-off date."""
    store = _store(folder)
    found = [manifest for manifest in store.snapshots() if cutoff in ("", manifest.frame.cutoff)]
    if as_json:
        typer.echo(json.dumps([_facts(manifest) for manifest in found], indent=1))
        return
    table = Table("Name", "Cut-off", "Window", "Players", "Features", "Fingerprint", box=None)
    for manifest in found:
        facts = _facts(manifest)
        shown = ("name", "cutoff", "window_days", "players", "features", "fingerprint")
        table.add_row(*(str(facts[key]) for key in shown))
    _console().print(table)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Name of the snapshot.")], folder: Folder = "", as_json: AsJson = False
) -> None:
    """Show one snapshot: where it comes from, what was odd in its telemetry, what moved since the one before."""
    from scarcegan.monitoring.distances import quantile_drift

    store = _store(folder)
    manifest = store.describe(name)
    before = store.before(manifest)
    moved = quantile_drift(before.statistics, manifest.statistics)[:10] if before else []
    facts = _facts(manifest) | {"previous": before.name if before else None, "moved_most": moved}
    if as_json:
        typer.echo(json.dumps(facts, indent=1))
        return
    console = _console()
    for key, value in facts.items():
        if key not in ("notes", "moved_most"):
            console.print(f"{key}: {value}", markup=False)
    for note in manifest.frame.notes:
        console.print(f"note: {note}", markup=False)
    for row in moved:
        console.print(f"moved since {facts['previous']}: {row['name']} (PSI {row['psi']:.2f})", markup=False)


def _store(folder: str) -> "SnapshotStore":
    # pyarrow takes its time to load; the other commands do without.
    from scarcegan.snapshots import open_snapshots

    return open_snapshots(folder and located(folder, Path.cwd()))


def _facts(manifest: "Manifest") -> dict[str, Any]:
    frame = {key: value for key, value in asdict(manifest.frame).items() if key not in ("columns", "days_column")}
    held = {"players": manifest.players, "features": len(manifest.frame.columns), "parts": len(manifest.parts)}
    return {"name": manifest.name, "fingerprint": manifest.fingerprint, **held, **frame}


def _console() -> Console:
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=240)
