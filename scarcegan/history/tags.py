"""Tags of runs: `config:`, `data:` and `release:` say what a run is; `candidate` and `champion` follow the registry."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import metaflow

from scarcegan.history.client import reading
from scarcegan.problems import HistoryProblem
from scarcegan.registry.release import Release

CANDIDATE, CHAMPION = "candidate", "champion"
_FOLLOWING = frozenset({CANDIDATE, CHAMPION})


def tag_release(release: Release) -> list[str]:
    """Tag the run that has registered a release, as a candidate while a model of it waits for a decision.

    No tags are returned where it cannot be tagged from here (a job on another machine without metadata service).
    """
    lineage = release.lineage
    config, data = f"config:{PurePath(lineage.config).stem}", f"data:{lineage.data_fingerprint}"
    tags = [config, data, f"release:{release.release_id}"]
    if any(version.status == "PendingManualApproval" for version in release.versions):
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
