"""Features of two cut-offs in shards, one of which fails; then a retraining on a snapshot of them."""

import pandas as pd
import pytest

from scarcegan.datasets.simulated import write_telemetry
from scarcegan.settings import load
from scarcegan.snapshots import open_snapshots


@pytest.fixture(scope="module")
def chain(flow_folder):
    """Fail in one shard, resume; then train on the second snapshot."""
    folder = flow_folder.path
    small = {"players": 1500, "days": 60, "risky_share": 0.05, "labeled_risky": 20, "labeled_negatives": 40}
    write_telemetry(load({"data": {"path": f"{folder}/players"}, "simulated": small}))
    labels = pd.read_parquet(folder / "players/labels.parquet")
    labels = labels[~labels["population"].isin(["unlabeled", "test"])]
    labels.assign(since="2025-12-10", source="simulation").to_csv(folder / "labels.csv", index=False)
    source = {"path": f"{folder}/players/telemetry.parquet", "cutoffs": ["2025-12-20", "2026-01-01"], "shards": 2}
    flow_folder.configure(
        {
            "data": {"source": "snapshot"},
            "telemetry": source,
            "telemetry.roles": {"activity": "sessions", "loss": "losses"},
            "features": {"window_days": 45},
            "snapshots": {"folder": f"{folder}/snapshots"},
        }
    )
    # One task at a time, so that the three others have come to their end when the last one fails.
    broken = {"fault": "shard:2026-01-01:1", "expect": 1, "flow": "features_flow"}
    failed = flow_folder.launch("run", "--max-workers", "1", **broken)
    resumed = flow_folder.launch("resume", flow="features_flow")
    trained = flow_folder.launch("run", "--data", f"{folder}/labels.csv", "--snapshot", "players-2026-01-01")
    flows = ("FeaturesFlow", "FeaturesFlow", "RetrainFlow")
    return [
        (printed, flow_folder.run(run_id, flow))
        for (printed, run_id), flow in zip((failed, resumed, trained), flows, strict=True)
    ]


def test_a_failed_shard_says_why_and_publishes_nothing(chain):
    printed, run = chain[0]
    assert "shard 1 broken on purpose: mend it" in printed
    assert "Traceback" not in printed
    assert "publish" not in {step.id for step in run}


def test_a_resume_computes_only_the_shard_that_failed(chain):
    (_, failed), (_, resumed), _ = chain
    [again] = [task for task in resumed["extract"] if not task.origin_pathspec]
    kept = {task.origin_pathspec for task in resumed["extract"] if task.origin_pathspec}
    assert kept == {task.pathspec for task in failed["extract"] if task.successful}
    assert len(kept) == 3
    assert again["written"].data["cutoff"] == "2026-01-01"
    assert again["written"].data["part"]["file"].startswith("part-00001-")
    assert resumed["start"].task.origin_pathspec


def test_both_cutoffs_are_published(chain, flow_folder):
    printed, run = chain[1]
    store = open_snapshots(str(flow_folder.path / "snapshots"))
    assert store.names() == ["players-2025-12-20", "players-2026-01-01"]
    listed = run["end"].task["snapshots"].data
    for found, manifest in zip(listed, store.snapshots(), strict=True):
        assert (found["name"], found["fingerprint"]) == (manifest.name, manifest.fingerprint)
        assert len(manifest.parts) == 2
        assert manifest.frame.code_version == run["start"].task["commit"].data
        assert manifest.name in printed


def test_a_retraining_reads_the_snapshot_by_name(chain, flow_folder):
    _, run = chain[2]
    report = run["preprocess"].task["data_report"].data
    assert report["source"] == "snapshot"
    assert report["cutoff"] == "2026-01-01"
    beside = run["preprocess"].task["snapshot_report"].data
    assert (beside["previous"], beside["previous_cutoff"]) == ("players-2025-12-20", "2025-12-20")
    assert beside["moves"][0]["psi"] >= beside["moves"][-1]["psi"]
    assert len(run["end"].task["release"].data["versions"]) == 4
    players = run["end"].task["players"].data
    snapshot = open_snapshots(str(flow_folder.path / "snapshots")).read("players-2026-01-01")
    assert set(players["ids"]) <= set(snapshot.ids)
    assert set(players["feature_names"]) <= set(snapshot.manifest.frame.columns)
