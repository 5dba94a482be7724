"""What nobody needs any more: runs behind no release, and what killed or refused runs have left behind."""

import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import metaflow
from metaflow.metaflow_config import DATASTORE_SYSROOT_S3, DEFAULT_DATASTORE
from metaflow.plugins.datastores.local_storage import LocalStorage

from scarcegan.history.client import reading, runs_of, state_of
from scarcegan.problems import HistoryProblem
from scarcegan.project import located
from scarcegan.registry import Registry
from scarcegan.settings import Retention, Settings
from scarcegan.settings.data_sections import SORTED_TELEMETRY
from scarcegan.settings.steps import STEPS
from scarcegan.storage import Stored, contents, find_bytes, is_s3, join
from scarcegan.storage.leftover import DAY_SECONDS, Leftover, by_folder, drafts, leftover

PINNED = "pinned"
# Tells the definitions of what is deployed of a flow, as text.
Deployed = Callable[[str], Iterable[str]]
# Nothing that somebody may still work on is touched, however short a time is asked for.
LEAST_SECONDS = DAY_SECONDS


def leftovers(
    settings: Settings, registry: Registry, now: float, days: int, *, deployed: Deployed, removing: bool = True
) -> list[Leftover]:
    """Return what was last written to more than so many days ago and may be removed.

    Runs of releases that are not rejected as a whole, pinned runs, those on hold and those that may still go on are
    kept, the first no longer than `retention.runs`; so are all archives, published snapshots and scores. A run's
    artifacts and code packages go with the last run that has them, packages not while something `deployed` has them.

    Raises:
        HistoryProblem: it is not known which runs are needed; or `removing`, while a run may go on.
    """
    before = now - days * DAY_SECONDS
    places = [_local(settings.registry.path, "registry"), located(settings.own_scoring.folder)]
    places += [_local("", "checkpoints"), _local("", "simulated"), _local("", "archives")]
    places += [_local(settings.outcomes.folder, "outcomes")]
    snapshots = located(settings.own_snapshots.folder)
    beside = [*_unpublished(snapshots), *(one for place in {*places, snapshots} for one in drafts(place))]
    old = [one for one in beside if one.written < min(before, now - LEAST_SECONDS)]
    runs = _runs(settings.retention, registry, before, now, removing, deployed)
    return [*runs, *sorted(old, key=lambda one: one.folder)]


def _local(chosen: str, name: str) -> str:
    return located(chosen or f".scarcegan/{name}")


def _unpublished(snapshots: str) -> Iterator[Leftover]:
    """Yield the sorted copies of telemetry and the parts without a manifest: of runs that were refused or killed."""
    for name, files in by_folder(contents(snapshots)).items():
        if name.startswith(SORTED_TELEMETRY):
            yield leftover("sorted telemetry", join(snapshots, name), files)
        elif all(re.fullmatch(r"[^._][^/]*/part-[^/]*\.parquet", file.name) for file in files):  # and no manifest
            yield leftover("unpublished parts", join(snapshots, name), files)


def _runs(
    retention: Retention, registry: Registry, before: float, now: float, removing: bool, deployed: Deployed
) -> Iterator[Leftover]:
    """Yield the runs that nobody needs, or that were kept for as long as the settings say, but for those on hold.

    Each comes with the artifacts and code packages that no other run shares, and their checkpoints. With them go those
    that a killed task has left before it noted them.
    """
    root, idle = _datastore(), now - LEAST_SECONDS
    kept_since = now - retention.runs * DAY_SECONDS if retention.runs else 0.0
    waiting, rejected = _of_releases(registry)
    for flow in STEPS if root else ():
        base = join(root, flow)
        folders = by_folder(contents(base))
        blobs = {file.name.rpartition("/")[2]: file for file in folders.pop("data", [])}
        with reading():
            known = {run.id: run for run in runs_of(flow)}
        written = {run: max(file.written for file in files) for run, files in folders.items()}
        if removing:
            _require_rest(flow, [known[run] for run in folders if run in known and written[run] >= idle])
        dead = {
            run: files
            for run, files in folders.items()
            # Of a run that Metaflow does not list from here nobody can tell whether it is pinned.
            if run in known and not retention.holds_on(known[run].pathspec)
            if _is_beyond(known[run], files, min(kept_since, idle))
            or (
                written[run] < (before if known[run].finished else min(before, idle))
                and not _is_needed(known[run], waiting, rejected)
            )
        }
        packages = {run: _package(base, files) for run, files in folders.items()}
        held = {run: _artifacts(base, files) | packages[run] for run, files in folders.items()}
        shared = set().union(*(held[run] for run in folders.keys() - dead.keys()))
        shared |= _in_use(set().union(*(packages[run] for run in dead)) - shared, flow, deployed)
        for run, files in dead.items():
            own = [blobs[name] for key in held[run] - shared for name in (key, f"{key}_meta") if name in blobs]
            first, size = [join(base, one.name) for one in own], sum(one.size for one in own)
            yield leftover("run", join(base, run), files, first, size)
            shared |= held[run]
            yield from _beside(root, flow, run)
        old = {name: file for name, file in blobs.items() if file.written < min(before, idle)}
        yield from _of_no_run(base, old, set().union(*held.values()), flow, deployed)


def _beside(root: str, flow: str, run: str) -> Iterator[Leftover]:
    """Yield what a run has left apart from its folder in the datastore."""
    places = {
        located(f".scarcegan/checkpoints/{flow}/{run}"): "checkpoints",
        join(root, f"{flow}/checkpoints/{run}"): "checkpoints",
        join(root, f"mf.cards/{flow}/runs/{run}"): "cards",
    }
    for place, what in places.items():
        if left := contents(place):
            yield leftover(what, place, left)


def _of_no_run(
    base: str, blobs: Mapping[str, Stored], noted: set[str], flow: str, deployed: Deployed
) -> Iterator[Leftover]:
    """Yield the artifacts, and code packages, that no task has noted, as it was killed before.

    Only on S3 there are packages that something deployed starts with before there is a run.
    """
    lost = {name.removesuffix("_meta") for name in blobs} - noted
    lost -= _in_use(lost, flow, deployed) if is_s3(base) else set()
    for name in sorted(blobs):
        if name.removesuffix("_meta") in lost:
            place = join(base, blobs[name].name)
            yield leftover("artifact of no run", place, [blobs[name]], [place])


def _is_beyond(run: metaflow.Run, files: Iterable[Stored], since: float) -> bool:
    # The oldest file tells: a tag that is set or taken away writes another one.
    return PINNED not in run.tags and min(file.written for file in files) < since


def _is_needed(run: metaflow.Run, waiting: set[str], rejected: set[str]) -> bool:
    # The tag tells of a release in a registry or group that is not asked here.
    is_released = any(tag.startswith("release:") for tag in run.tags)
    return PINNED in run.tags or run.pathspec in waiting or (is_released and run.pathspec not in rejected)


def _require_rest(flow: str, lately: Sequence[metaflow.Run]) -> None:
    """Refuse while a run may go on: it may share an artifact with an old run, and note that only at a task's end."""
    going = [run.id for run in lately if state_of(run)[0] == "unfinished"]
    if going:
        raise HistoryProblem(
            f"expected no run of {flow} that may go on, got {', '.join(going)}, written to within a day: prune when it "
            "has ended, or a day after it was killed"
        )


def _of_releases(registry: Registry) -> tuple[set[str], set[str]]:
    """Return the pathspecs of runs behind releases of which a version is approved or may still be; and the others."""
    versions = registry.versions()
    if registry.left_out:
        raise HistoryProblem(
            f"expected to read all versions of {registry.group}, as their runs are kept, got: "
            f"{'; '.join(registry.left_out)}: mend or remove them first"
        )
    waiting, rejected = set[str](), set[str]()
    for version in versions:
        origin = f"{version.run_pathspec.split('/')[0]}/{version.origin_run_id}"
        (rejected if version.status == "Rejected" else waiting).update((origin, version.run_pathspec))
    return waiting, rejected


def _artifacts(base: str, files: Iterable[Stored]) -> set[str]:
    """Return the digests of all artifacts of a run's tasks, by which Metaflow names their files.

    A job on AWS Batch without metadata service also leaves what it has noted.
    """
    read = _notes(base, files, ".data.json", ".local_metadata")
    return {str(key) for one in read for key in (one.get("objects", {}).values() if isinstance(one, dict) else [one])}


def _notes(base: str, files: Iterable[Stored], *endings: str) -> Iterator[Any]:
    """Yield what Metaflow has noted of a run's tasks in the datastore, one by one."""
    for file in files:
        if file.name.endswith(endings):
            # A task whose note was cut short by a kill, or is gone meanwhile, has no artifacts for Metaflow either.
            with suppress(ValueError):
                yield json.loads(find_bytes(join(base, file.name)) or b"")


def _package(base: str, files: Iterable[Stored]) -> set[str]:
    """Return the digest of the code package that a run's tasks were started with; none of a run without one.

    All tasks of a run have the same, but for those that a resume has taken over, which note none.
    """
    told = (one.get("code_package_sha") for one in _notes(base, files, ".task_begin"))
    return set(itertools.islice(filter(None, told), 1))


def _in_use(packages: set[str], flow: str, deployed: Deployed) -> set[str]:
    """Return the code packages that something deployed starts its runs with; not asked where nothing would be lost."""
    definitions = list(deployed(flow)) if packages else []
    return {one for one in packages if any(one in definition for definition in definitions)}


def _datastore() -> str:
    """Return where Metaflow keeps artifacts; empty where there is no place yet."""
    if DEFAULT_DATASTORE == "s3":
        return str(DATASTORE_SYSROOT_S3)
    return LocalStorage.get_datastore_root_from_config(lambda *_, **__: None, create_on_absent=False) or ""
