"""Features of two cut-offs in shards, one of which fails."""

import pytest

from scarcegan.snapshots import open_snapshots


def test_a_failed_shard_says_why_and_publishes_nothing(features_chain):
    printed, run = features_chain[0]
    assert "shard 1 broken on purpose: mend it" in printed
    assert "Traceback" not in printed
    assert "publish" not in {step.id for step in run}


@pytest.mark.reliability(
    case="A shard of FeaturesFlow fails",
    sees="why, and that nothing is published",
    resume="computes that shard, then publishes",
)
def test_a_resume_computes_only_the_shard_that_failed(features_chain):
    (_, failed), (_, resumed) = features_chain
    [again] = [task for task in resumed["extract"] if not task.origin_pathspec]
    kept = {task.origin_pathspec for task in resumed["extract"] if task.origin_pathspec}
    assert kept == {task.pathspec for task in failed["extract"] if task.successful}
    assert len(kept) == 3
    assert again["written"].data["cutoff"] == "2026-01-01"
    assert again["written"].data["part"]["file"].startswith("part-00001-")
    assert resumed["start"].task.origin_pathspec


def test_both_cutoffs_are_published(features_chain, snapshots_folder):
    printed, run = features_chain[1]
    store = open_snapshots(str(snapshots_folder.path / "snapshots"))
    assert store.names() == ["players-2025-12-20", "players-2026-01-01"]
    listed = run["end"].task["snapshots"].data
    for found, manifest in zip(listed, store.snapshots(), strict=True):
        assert (found["name"], found["fingerprint"]) == (manifest.name, manifest.fingerprint)
        assert len(manifest.parts) == 2
        assert manifest.frame.code_version == run["start"].task["commit"].data
        assert manifest.name in printed
