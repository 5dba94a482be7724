"""`scarcegan models`: list, compare, approve, reject and roll back what the runs registered."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Annotated

import typer
from rich.console import Console, Group

from scarcegan.cli import tables
from scarcegan.cli.commands import NUMBER, Answer, Force, Reason, Who, answers
from scarcegan.registry import ModelVersion, Registry
from scarcegan.registry.versions import compare as compare_versions

app = typer.Typer(
    no_args_is_help=True,
    help="List, compare, approve, reject and roll back registered models.",
    epilog="A run registers a model for each business definition, all pending. Look at them (list, show, compare), "
    "then approve: an approved model is the champion of its definition, the one that scoring takes.",
)


@answers(app, "list")
def list_versions(
    registry: Registry,
    definition: Annotated[str, typer.Option(help="Only this business definition.")] = "",
    release: Annotated[str, typer.Option(help="Only this release.")] = "",
) -> Answer:
    """List the registered models, oldest first."""
    versions = registry.versions(release_id=release or None)
    return _overview([version for version in versions if definition in ("", version.definition)])


@answers(app)
def show(registry: Registry, number: Annotated[int, NUMBER]) -> Answer:
    """Show one model: its numbers, where it comes from, and every decision about it."""
    version = registry.show(number)
    events = registry.events(version.version)
    return Answer([vars(version) | {"events": events}], Group(tables.facts(version), tables.decisions(events)))


@answers(app)
def compare(registry: Registry, numbers: Annotated[list[int] | None, NUMBER] = None) -> Answer:
    """Show models side by side, each with its difference to the champion of its definition.

    Without any version, those of the release that was registered last.
    """
    known = registry.versions()
    chosen = [registry.show(number) for number in numbers or ()]
    found = compare_versions(chosen or [one for one in known if one.release_id == known[-1].release_id], known)
    rows = [
        vars(one.version) | {"champion": one.champion and one.champion.version, "differences": one.differences}
        for one in found
    ]
    return Answer(rows, tables.side_by_side(found) if found else tables.NOTHING_YET)


@answers(app)
def approve(
    registry: Registry, numbers: Annotated[list[int], NUMBER], reason: Reason, who: Who, force: Force = False
) -> Answer:
    """Approve models: each becomes the champion of its business definition, and scoring takes it."""
    return _overview(_decided(registry, lambda: registry.approve(*numbers, who=who, why=reason, force=force)))


@answers(app)
def reject(registry: Registry, numbers: Annotated[list[int], NUMBER], reason: Reason, who: Who) -> Answer:
    """Reject models; a rejected champion gives its place back to the one before."""
    return _overview(_decided(registry, lambda: registry.reject(*numbers, who=who, why=reason)))


@answers(app)
def rollback(
    registry: Registry,
    reason: Reason,
    who: Who,
    release: Annotated[str, typer.Option(help="Release to withdraw.", show_default="the one approved last")] = "",
    force: Force = False,
) -> Answer:
    """Withdraw a release, restore the champions before it and list them."""
    withdrawn = release or None
    champions = _decided(registry, lambda: registry.rollback(who=who, why=reason, release_id=withdrawn, force=force))
    return _overview(champions) if champions else Answer([], tables.NO_CHAMPION)


@answers(app)
def champion(
    registry: Registry,
    definition: Annotated[str, typer.Argument(help="Business definition, for instance review_budget.")],
) -> Answer:
    """Show the champion of a business definition."""
    return _overview([registry.require_champion(definition)])


@answers(app, "who-made")
def who_made(registry: Registry, number: Annotated[int, NUMBER]) -> Answer:
    """Show where a model comes from: run, commit, data, settings, card."""
    version = registry.show(number)
    origin = tables.origin(version)
    shown = tables.pairs(f"Version {version.version} was made by", origin)
    return Answer([{"version": version.version, **origin}], shown)


def _decided(registry: Registry, decide: Callable[[], list[ModelVersion]]) -> list[ModelVersion]:
    """Take a decision, and move the tags `candidate` and `champion` of the runs that it touches.

    The decision holds, whether or not the runs can be tagged from here.
    """
    from scarcegan import history

    # Champions before and after count: one that loses its place loses its tag too.
    before = registry.versions()
    decided = decide()
    tags: defaultdict[str, set[str]] = defaultdict(set)
    for version in (after := registry.versions()):
        if version.is_champion:
            tags[version.run_pathspec].add(history.CHAMPION)
        if version.status == "PendingManualApproval":
            tags[version.run_pathspec].add(history.CANDIDATE)
    champions = (version for version in [*before, *after] if version.is_champion)
    touched = sorted({version.run_pathspec for version in [*champions, *decided]})
    if unreachable := history.follow_registry({run: tags[run] for run in touched}):
        Console(stderr=True, soft_wrap=True, highlight=False).print(
            f"Decided and kept on record. Not tagged, because Metaflow does not find them from here: "
            f"{', '.join(unreachable)}",
            style="yellow",
        )
    return decided


def _overview(versions: Sequence[ModelVersion]) -> Answer:
    shown = tables.overview(versions) if versions else tables.NOTHING_YET
    return Answer(versions, shown)
