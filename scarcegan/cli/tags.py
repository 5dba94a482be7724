"""The tags `candidate` and `champion` of runs, kept in step with the registry's decisions."""

from collections.abc import Iterable

from rich.console import Console

from scarcegan.registry import ModelVersion, Registry


def champion_runs(registry: Registry) -> set[str]:
    """Return the pathspecs of the runs whose models are champions."""
    return {version.run_pathspec for version in registry.versions() if version.is_champion}


def follow(registry: Registry, before: set[str], decided: Iterable[ModelVersion]) -> None:
    """Move the tags of the runs that a decision touched; the decision holds, whether or not that can be done from here.

    Args:
        registry: after the decision.
        before: champion runs before it.
        decided: the versions it was about.
    """
    from scarcegan import history

    versions = registry.versions()
    champions = {version.run_pathspec for version in versions if version.is_champion}
    waiting = {version.run_pathspec for version in versions if version.status == "PendingManualApproval"}
    touched = before | champions | {version.run_pathspec for version in decided}
    states = {
        run: {tag for tag, runs in ((history.CHAMPION, champions), (history.CANDIDATE, waiting)) if run in runs}
        for run in sorted(touched)
    }
    unreachable = history.follow_registry(states)
    if unreachable:
        Console(stderr=True, soft_wrap=True, highlight=False).print(
            f"Decided and kept on record. Not tagged, because Metaflow does not find them from here: "
            f"{', '.join(unreachable)}",
            style="yellow",
        )
