"""`scarcegan models`: list, compare, approve, reject and roll back what the runs registered."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from scarcegan.cli import tables
from scarcegan.cli.chosen import (
    AsJson,
    Backend,
    Config,
    Folder,
    Force,
    Reason,
    Reference,
    References,
    Who,
    chosen_registry,
    print_json,
    user_name,
    version_number,
)
from scarcegan.cli.tags import champion_runs, follow
from scarcegan.problems import RegistryProblem
from scarcegan.registry import ModelVersion, Registry
from scarcegan.registry.comparison import compare as compare_versions

app = typer.Typer(
    no_args_is_help=True,
    help="List, compare, approve, reject and roll back registered models.",
    epilog="A run registers four models, one per business definition, all pending. You look (list, show, compare), "
    "then approve: that makes a model the champion, the one that scoring takes.",
)


def console() -> Console:
    """Return a console on stdout; a pipe has no width, so that tables stay whole there."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=240)


@app.command("list")
def list_versions(
    definition: Annotated[str, typer.Option(help="Only this business definition.")] = "",
    release: Annotated[str, typer.Option(help="Only this release.")] = "",
    as_json: AsJson = False,
    config: Config = None,
    backend: Backend = None,
    folder: Folder = None,
) -> None:
    """List the registered models, oldest first."""
    registry = chosen_registry(config, backend, folder)
    versions = registry.versions(release_id=release or None)
    _answer([version for version in versions if definition in ("", version.definition)], as_json)


@app.command()
def show(
    reference: Reference,
    as_json: AsJson = False,
    config: Config = None,
    backend: Backend = None,
    folder: Folder = None,
) -> None:
    """Show one model: its numbers, where it comes from, and every decision about it."""
    registry = chosen_registry(config, backend, folder)
    version = registry.show(version_number(reference))
    events = registry.events(version.version)
    if as_json:
        print_json([asdict(version) | {"events": [asdict(event) for event in events]}])
    else:
        console().print(tables.facts(version), tables.decisions(events))


@app.command()
def compare(
    references: Annotated[
        list[str] | None,
        typer.Argument(metavar="VERSION", help="Versions; without any: the release registered last."),
    ] = None,
    as_json: AsJson = False,
    config: Config = None,
    backend: Backend = None,
    folder: Folder = None,
) -> None:
    """Show models side by side, each with its difference to the champion of its definition."""
    registry = chosen_registry(config, backend, folder)
    known = registry.versions()
    if references:
        chosen = [registry.show(version_number(reference)) for reference in references]
    else:
        chosen = [version for version in known if version.release_id == known[-1].release_id]
    comparisons = compare_versions(chosen, known)
    if as_json:
        print_json([_as_row(item.version, item.champion, item.differences) for item in comparisons])
    elif comparisons:
        console().print(tables.side_by_side(comparisons))
    else:
        console().print(tables.NOTHING_YET)


@app.command()
def approve(
    references: References,
    reason: Reason,
    who: Who = "",
    force: Force = False,
    as_json: AsJson = False,
    config: Config = None,
    backend: Backend = None,
    folder: Folder = None,
) -> None:
    """Approve models: each becomes the champion of its business definition, and scoring takes it."""
    registry = chosen_registry(config, backend, folder)
    numbers = [version_number(reference) for reference in references]
    before = champion_runs(registry)
    approved = registry.approve(*numbers, who=who or user_name(), why=reason, force=force)
    _answer(approved, as_json)
    follow(registry, before, approved)


@app.command()
def reject(
    references: References,
    reason: Reason,
    who: Who = "",
    as_json: AsJson = False,
    config: Config = None,
    backend: Backend = None,
    folder: Folder = None,
) -> None:
    """Reject models; a rejected champion gives its place back to the one before."""
    registry = chosen_registry(config, backend, folder)
    numbers = [version_number(reference) for reference in references]
    before = champion_runs(registry)
    rejected = registry.reject(*numbers, who=who or user_name(), why=reason)
    _answer(rejected, as_json)
    follow(registry, before, rejected)


@app.command()
def rollback(
    reason: Reason,
    release: Annotated[str, typer.Option(help="Release to withdraw.", show_default="the one approved last")] = "",
    who: Who = "",
    force: Force = False,
    as_json: AsJson = False,
    config: Config = None,
    backend: Backend = None,
    folder: Folder = None,
) -> None:
    """Withdraw a release, restore the champions before it and list them."""
    registry = chosen_registry(config, backend, folder)
    before = champion_runs(registry)
    champions = registry.rollback(who=who or user_name(), why=reason, release_id=release or None, force=force)
    _answer(champions, as_json, nothing=tables.NO_CHAMPION)
    follow(registry, before, champions)


@app.command()
def champion(
    definition: Annotated[str, typer.Argument(help="Business definition, for instance review_budget.")],
    as_json: AsJson = False,
    config: Config = None,
    backend: Backend = None,
    folder: Folder = None,
) -> None:
    """Show the champion of a business definition."""
    _answer([_champion(chosen_registry(config, backend, folder), definition)], as_json)


@app.command("who-made")
def who_made(
    reference: Reference,
    as_json: AsJson = False,
    config: Config = None,
    backend: Backend = None,
    folder: Folder = None,
) -> None:
    """Tell where a model comes from: run, commit, data, settings, card."""
    version = chosen_registry(config, backend, folder).show(version_number(reference))
    origin = tables.origin(version)
    if as_json:
        print_json([{"version": version.version, **origin}])
    else:
        console().print(tables.pairs(f"Version {version.version} was made by", origin))


def _champion(registry: Registry, definition: str) -> ModelVersion:
    found = registry.champion(definition)
    if found is None:
        known = sorted({version.definition for version in registry.versions()})
        raise RegistryProblem(
            f"expected an approved model of '{definition}', got none (registered definitions: "
            f"{', '.join(known) or 'none'}): approve one with `scarcegan models approve VERSION --reason ...`"
        )
    return found


def _answer(versions: list[ModelVersion], as_json: bool, nothing: Text = tables.NOTHING_YET) -> None:
    if as_json:
        print_json([asdict(version) for version in versions])
    else:
        console().print(tables.overview(versions) if versions else nothing)


def _as_row(version: ModelVersion, champion: ModelVersion | None, differences: dict[str, float]) -> dict[str, object]:
    return asdict(version) | {"champion": champion and champion.version, "differences": differences}
