"""`scarcegan models`: list, compare, approve, reject and roll back what the runs registered."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group
from rich.text import Text

from scarcegan import words
from scarcegan.cli import tables
from scarcegan.cli.commands import VERSION, Answer, Config, Force, Reason, Who, answers, place_of, say
from scarcegan.problems import RegistryProblem, require_known
from scarcegan.registry import ModelVersion, Registry, rules
from scarcegan.registry.versions import PENDING, DecisionOnRecord
from scarcegan.registry.versions import compare as compare_versions
from scarcegan.settings import Settings
from scarcegan.storage import write_bytes

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")]
app = typer.Typer(
    name="models",
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
    versions, of_group = registry.versions(), f"group '{registry.group}'"
    require_known(f"a definition that has models in {of_group}", definition, registry.definitions(), RegistryProblem)
    releases = list(dict.fromkeys(version.release_id for version in versions))
    require_known(f"a release of {of_group}", release, releases, RegistryProblem)
    shown = [one for one in versions if definition in ("", one.definition) and release in ("", one.release_id)]
    return Answer(shown, tables.overview(shown) if shown else tables.NOTHING_YET)


@answers(app)
def show(registry: Registry, reference: Annotated[str, VERSION]) -> Answer:
    """Show one model: its numbers, where it comes from, and every decision about it."""
    version = registry.show(registry.number_of(reference))
    events = registry.events(version.version)
    return Answer(vars(version) | {"events": events}, Group(tables.facts(version), tables.decisions(events)))


@answers(app)
def compare(registry: Registry, references: Annotated[list[str] | None, VERSION] = None) -> Answer:
    """Show models side by side, each with its difference to the champion of its definition.

    Without any version, those of the release that was registered last.
    """
    known = registry.versions()
    chosen = [registry.show(registry.number_of(one)) for one in references or ()]
    found = compare_versions(chosen or [one for one in known if one.release_id == known[-1].release_id], known)
    rows = [
        vars(one.version) | {"champion": one.champion and one.champion.version, "differences": one.differences}
        for one in found
    ]
    return Answer(rows, tables.side_by_side(found) if found else tables.NOTHING_YET)


@answers(app)
def approve(
    settings: Settings,
    registry: Registry,
    references: Annotated[list[str], VERSION],
    reason: Reason,
    who: Who,
    force: Force = False,
    until: Annotated[
        str, typer.Option(help="Last day of the approval, as in 2027-01-31.", show_default="registry.approval_days")
    ] = "",
    dry_run: DryRun = False,
    config: Config = None,
) -> Answer:
    """Approve models: each becomes the champion of its business definition, and scoring takes it.

    A model that misses its bound, is worse than the champion or learnt from suspect data, and a release that is
    incomplete, are approved with --force alone.
    """
    numbers = [registry.number_of(one) for one in references]
    if not force:
        _check_scope(registry, config)
        _check_doubts([registry.show(number) for number in numbers])
    return _decided(
        settings, registry, lambda at: at.approve(*numbers, who=who, why=reason, force=force, until=until), dry_run
    )


@answers(app)
def reject(
    settings: Settings,
    registry: Registry,
    references: Annotated[list[str], VERSION],
    reason: Reason,
    who: Who,
    config: Config = None,
) -> Answer:
    """Reject models; a rejected champion gives its place back to the one before."""
    numbers = [registry.number_of(one) for one in references]
    _check_scope(registry, config)
    return _decided(settings, registry, lambda at: at.reject(*numbers, who=who, why=reason))


@answers(app)
def rollback(
    settings: Settings,
    registry: Registry,
    reason: Reason,
    who: Who,
    release: Annotated[str, typer.Option(help="Release to withdraw.", show_default="the one approved last")] = "",
    force: Force = False,
    dry_run: DryRun = False,
    config: Config = None,
) -> Answer:
    """Withdraw a release, restore the champions before it and list them."""
    if not force:
        _check_scope(registry, config)
    withdrawn = release or None
    return _decided(
        settings, registry, lambda at: at.rollback(who=who, why=reason, release_id=withdrawn, force=force), dry_run
    )


@answers(app)
def decisions(
    registry: Registry,
    export: Annotated[
        str, typer.Option(metavar="FILE", help="Write them, as .csv or .jsonl, local or s3://.", show_default="no file")
    ] = "",
) -> Answer:
    """List all decisions, oldest first: who decided what, when and why, and which champion gave way to which."""
    found = registry.decisions()
    written = [Text(f"Wrote {words.plural(len(found), 'decision')} to {_export(found, export)}")] if export else []
    return Answer(found, Group(tables.record(found), *written))


@answers(app)
def repair(
    registry: Registry,
    reference: Annotated[str, VERSION],
    file: Annotated[Path, typer.Argument(help="A copy of its archive, from a backup or another machine's cache.")],
) -> Answer:
    """Put a model's archive back that is missing or damaged; only the very bytes that were registered are taken."""
    found = registry.repair(registry.number_of(reference), file)
    return Answer(found, Text(f"Version {found.version} is whole: sha256 {found.sha256}, {found.location}"))


@answers(app)
def champion(
    registry: Registry,
    definition: Annotated[str, typer.Argument(help="Business definition, for instance review_budget.")],
) -> Answer:
    """Show the champion of a business definition."""
    found = registry.require_champion(definition)
    return Answer(found, tables.overview([found]))


@answers(app, "who-made")
def who_made(registry: Registry, reference: Annotated[str, VERSION]) -> Answer:
    """Show where a model comes from: run, commit, data, settings, card."""
    version = registry.show(registry.number_of(reference))
    origin = tables.origin(version)
    shown = tables.pairs(f"Version {version.version} was made by", origin)
    return Answer({"version": version.version, **origin}, shown)


def _check_scope(registry: Registry, config: Path | None) -> None:
    """Refuse a decision in a group that nobody has named while another one has the latest release: kept for good."""
    newest = registry.newest_group()
    if config is None and newest != registry.group:
        raise RegistryProblem(
            f"expected --config, as the latest release of this registry is of group '{newest}', got none, which means "
            f"group '{registry.group}': add --config with the settings file of the group that you mean"
        )


def _check_doubts(chosen: Sequence[ModelVersion]) -> None:
    found = [(one, why) for one in chosen for why in rules.doubts(one)]
    if found:
        told = [f"version {one.version} ({one.definition}): {why}" for one, why in found]
        lines = ["expected models that nothing speaks against, got:", *told, "Add --force to approve them still."]
        raise RegistryProblem("\n".join(lines))


def _export(found: Sequence[DecisionOnRecord], file: str) -> str:
    """Write decisions as a table or as lines of JSON, by the name of the file, whole or not at all."""
    import pandas as pd

    rows = [one.to_plain() for one in found]
    location = place_of(file, "--export")
    if location.endswith(".jsonl"):
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    elif location.endswith(".csv"):
        columns = [field.name for field in fields(DecisionOnRecord)]
        text = pd.DataFrame(rows, columns=columns, dtype=object).to_csv(index=False, lineterminator="\r\n")
    else:
        raise RegistryProblem(f"expected a .csv or .jsonl file to write, got {location}: name one of both")
    write_bytes(location, text.encode())
    return location


def _decided(
    settings: Settings, registry: Registry, decide: Callable[[Registry], list[ModelVersion]], dry_run: bool = False
) -> Answer:
    """Take a decision, say what it changed, and move the tags `candidate` and `champion` of the runs that it touches.

    The decision holds, whether or not the runs can be tagged or somebody told from here. As a dry run it is taken on a
    copy in memory.
    """
    at = registry.rehearsal() if dry_run else registry
    before = at.versions()
    decided = decide(at)
    after = at.read_back()
    shown = tables.overview(decided) if decided else tables.NO_CHAMPION
    changes = list(_changes(registry.group, before, after, "would be" if dry_run else "is now"))
    if dry_run:
        changes.insert(0, "Nothing is decided: a dry run. It would be so:")
    else:
        _tag(before, after, decided)
        _tell(settings, before, after, changes)
    return Answer(decided, Group(shown, *map(Text, changes)))


def _tell(
    settings: Settings, before: Sequence[ModelVersion], after: Sequence[ModelVersion], changes: Sequence[str]
) -> None:
    from scarcegan.notices import Notice, tell

    # Not by their order: in SageMaker's registry a decision in the place of another one moves those in between.
    decided_at = {one.version: one.decided_at for one in before}
    touched = [one for one in after if one.decided_at != decided_at[one.version]]
    said = [
        f"{one.decided_by} ({one.decided_as}): version {one.version} ({one.definition}) of {one.release_id} is "
        f"{one.status.lower()}: {one.reason}"
        for one in touched
    ]
    about = ", ".join(sorted({one.release_id for one in touched}))
    tell(settings.notify, Notice("decision", "\n".join([*said, *changes]), about))


def _changes(group: str, before: Sequence[ModelVersion], after: Sequence[ModelVersion], verb: str) -> Iterator[str]:
    """Name the group, and say of each definition whose champion changes which release gives way to which."""
    yield f"Group {group}:"
    was, now = ({one.definition: one for one in known if one.is_champion} for known in (before, after))
    pairs = {definition: (_release(was.get(definition)), _release(now.get(definition))) for definition in was | now}
    changed = [f"  {name}: champion {verb} {new}; before: {old}" for name, (old, new) in pairs.items() if old != new]
    yield from changed or ["  all champions are as before"]


def _release(version: ModelVersion | None) -> str:
    return f"version {version.version} of {version.release_id}" if version else "none"


def _tag(before: Sequence[ModelVersion], after: Sequence[ModelVersion], decided: Sequence[ModelVersion]) -> None:
    from scarcegan import history

    # Champions before and after count: one that loses its place loses its tag too.
    tags: defaultdict[str, set[str]] = defaultdict(set)
    for version in after:
        if version.is_champion:
            tags[version.run_pathspec].add(history.CHAMPION)
        if version.status == PENDING:
            tags[version.run_pathspec].add(history.CANDIDATE)
    champions = (version for version in [*before, *after] if version.is_champion)
    touched = sorted({version.run_pathspec for version in [*champions, *decided]})
    if unreachable := history.follow_registry({run: tags[run] for run in touched}):
        left = ", ".join(unreachable)
        told = f"Decided and kept on record. Not tagged, because Metaflow does not find them from here: {left}"
        say(told, style="yellow")
