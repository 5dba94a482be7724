"""Runs through Metaflow's Client API, on local and S3 datastores alike: found, read and tagged.

Which metadata and datastore are read is Metaflow's own configuration (its profile, or the `.metaflow` folder above
the working directory). Tags `config:`, `data:` and `release:` say what a run is; `candidate` and `champion` follow the
registry.
"""

import glob
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import PurePath
from textwrap import shorten
from traceback import walk_tb
from typing import Any

import metaflow
from metaflow import exception
from metaflow.cards import get_cards
from metaflow.plugins.cards.card_client import Card
from metaflow.plugins.datastores.local_storage import LocalStorage
from metaflow.plugins.metadata_providers import local

from scarcegan.problems import HistoryProblem
from scarcegan.registry.release import Release
from scarcegan.registry.versions import PENDING

FLOW = "RetrainFlow"
CANDIDATE, CHAMPION = "candidate", "champion"
_FOLLOWING = frozenset({CANDIDATE, CHAMPION})


class _Below:
    """How Metaflow looks for files in its datastore: where that lies, a `[` is a letter and begins no pattern."""

    @staticmethod
    def iglob(pattern: str) -> Iterator[str]:
        root = LocalStorage.datastore_root or ""
        return glob.iglob(pattern.replace(root, glob.escape(root), 1))


local.glob = _Below  # type: ignore[assignment]


@contextmanager
def reading(namespace: str | None = None) -> Iterator[None]:
    """Read one namespace (`user:ada`), or all; the notebook's own choice is put back afterwards.

    A `HistoryProblem` says what Metaflow cannot read.
    """
    try:
        before = metaflow.get_namespace()
    except exception.MetaflowUnknownUser:  # root has no namespace of its own
        before = None
    metaflow.namespace(namespace)
    try:
        yield
    except (exception.MetaflowException, OSError) as error:  # of requests, too: no metadata service answers
        told = shorten(getattr(error, "message", None) or str(error), 200)
        raise HistoryProblem(
            f"expected runs in {metaflow.get_metadata()}, got: {told}; check METAFLOW_PROFILE and the connection"
        ) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        frames = [frame for frame, _ in walk_tb(error.__traceback__)]
        if not (isinstance(error, ValueError) or frames[-1].f_globals["__name__"].startswith("metaflow.")):
            raise  # a defect of ours, and no file of another shape
        # Metaflow does not say which of its files it is; the function that reads it calls it so, or a task is read.
        known = [frame.f_locals for frame in frames]
        places = [one.get("filepath") for one in known]
        places += [getattr(one.get("self"), "pathspec", None) for one in reversed(known)]
        raise HistoryProblem(
            f"expected JSON in {next(filter(None, places), 'a file of Metaflow')}, got: {error}; restore the file, or "
            "move its run's folder away"
        ) from error
    finally:
        metaflow.namespace(before)


def find_runs(tags: Sequence[str] = (), namespace: str | None = None) -> list[metaflow.Run]:
    """Return all runs with these tags, newest first; none is no error."""
    with reading(namespace):
        return sorted(runs_of(FLOW, tags), key=created_at, reverse=True)


def runs_of(flow: str, tags: Sequence[str] = ()) -> list[metaflow.Run]:
    """Return the runs of a flow with these tags, in Metaflow's order; none of a flow that has never run there."""
    try:
        return list(metaflow.Flow(flow).runs(*tags))
    except (exception.MetaflowNotFound, exception.MetaflowNamespaceMismatch):
        return []


def created_at(run: metaflow.Run) -> datetime:
    """Return when a run began, in UTC: its first step tells, as Metaflow's local metadata date a tagged run anew."""
    begun: datetime = [*tasks_of(run, "start"), run][0].created_at
    return begun.astimezone(UTC)  # Metaflow tells this machine's time, without a zone


def find_run(reference: str | metaflow.Run) -> metaflow.Run:
    """Return the run that `RetrainFlow/12` or `12` names, of any namespace; a `HistoryProblem` if there is none."""
    if not isinstance(reference, str):
        return reference
    pathspec = reference if "/" in reference else f"{FLOW}/{reference}"
    with reading():
        try:
            if pathspec.endswith("/"):  # Metaflow fails over a run without a name
                raise exception.MetaflowInvalidPathspec(pathspec)
            return metaflow.Run(pathspec)
        except (exception.MetaflowNotFound, exception.MetaflowInvalidPathspec) as error:
            raise HistoryProblem(
                f"expected a run of {metaflow.get_metadata()}, got '{reference}', which is not there: "
                "see `scarcegan runs list`"
            ) from error


def card(run: str | metaflow.Run, step: str) -> Card:
    """Return the card of a step's first task; a notebook shows it as a cell's last value."""
    found = find_run(run)
    with reading():
        cards = [one for task in tasks_of(found, step) for one in get_cards(task)]
    if not cards:
        raise HistoryProblem(
            f"expected a card of step '{step}' in run {found.id}, got none: preprocess, train, select, evaluate, "
            "register and end make one when they run"
        )
    return cards[0]


def tasks_of(run: metaflow.Run, step: str) -> list[metaflow.Task]:
    """Return the tasks of a step; none if the run has not come so far."""
    try:
        return list(run[step])
    except KeyError:
        return []


def state_of(run: metaflow.Run) -> tuple[str, str]:
    """Return `finished`, `failed` or `unfinished`, and the step where it stopped or stands.

    `unfinished`: no task has failed. The run goes on, or was ended from outside: Metaflow does not note that.
    """
    with reading():
        # By what tasks have noted: Metaflow's own `successful` unpickles an artifact.
        if any(task.metadata_dict.get("attempt_ok") == "True" for task in tasks_of(run, "end")):
            return "finished", "end"
        # Metaflow lists the latest step first.
        steps = [step.id for step in run]
        failed = [step for step in steps if any(map(_has_failed, tasks_of(run, step)))]
        return ("failed", failed[0]) if failed else ("unfinished", steps[0] if steps else "start")


def _has_failed(task: metaflow.Task) -> bool:
    """Tell whether the latest attempt of a task ended without success."""
    noted = task.metadata_dict
    return noted.get("attempt_ok") == "False" and noted.get("attempt") == noted.get("attempt-done")


def last_words(run: metaflow.Run, step: str) -> str:
    """Return the last lines that the failed task of a step wrote on stderr."""
    with reading():
        failed = [task for task in tasks_of(run, step) if _has_failed(task)]
        lines = failed[0].stderr.strip().splitlines() if failed else []
        # The message comes last, below any traceback.
        return "\n".join(lines[-4:])


def tag_release(release: Release) -> list[str]:
    """Tag the run that has registered a release, as a candidate while a model of it waits for a decision.

    No tags are returned where it cannot be tagged from here (a job on another machine without metadata service).
    """
    lineage = release.lineage
    config, data = f"config:{PurePath(lineage.config).stem}", f"data:{lineage.data_fingerprint}"
    tags = [config, data, f"release:{release.release_id}"]
    if any(version.status == PENDING for version in release.versions):
        tags.append(CANDIDATE)
    return tags if _retag(lineage.run, add=tags) else []


def follow_registry(states: Mapping[str, set[str]]) -> list[str]:
    """Give runs, by pathspec, those of the tags `candidate` and `champion` that are theirs; take the others away.

    A run is a candidate while a model of it waits for a decision, and champion while one of them is. Runs that cannot
    be reached from here are returned; the registry holds without their tags.
    """
    return [run for run, wanted in states.items() if not _retag(run, add=wanted, remove=_FOLLOWING - wanted)]


def _retag(pathspec: str, add: Any, remove: Any = ()) -> bool:
    try:
        with reading():
            run = metaflow.Run(pathspec)
            run.replace_tags(list(set(remove) & run.user_tags), list(add))
    except HistoryProblem:
        return False
    return True
