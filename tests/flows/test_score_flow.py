"""Scoring a snapshot in three shards: one is killed half-way, one fails for good, a resume ends it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from scarcegan import settings
from scarcegan.backends import open_registry
from scarcegan.data.scaling import Scaler
from scarcegan.registry import ModelToRegister
from scarcegan.serving.forward import Layer
from scarcegan.serving.model import Model
from scarcegan.serving.networks import Networks
from scarcegan.snapshots import open_snapshots
from scarcegan.storage import list_names

pytestmark = pytest.mark.slow

COLUMNS = ("bets_level", "bets_active_share", "night_level")


def small_model():
    rng = np.random.default_rng(2)
    sizes = ((len(COLUMNS), 6), (6, 5))
    layers = [
        Layer(rng.normal(size=(2, *size)).astype(np.float32), np.zeros((2, size[1]), np.float32)) for size in sizes
    ]
    knots = np.tile(np.linspace(0, 20, 9, dtype=np.float32), (len(COLUMNS), 1))
    part = Networks(Scaler("quantile_normal", knots, knots / 5 - 2), tuple(layers), 0.2)
    return Model(("dormant", "normal", "heavy", "risky", "unknown"), 3, COLUMNS, 0.5, "review_budget", (part,))


def features_of(players):
    return np.random.default_rng(0).gamma(2, 3, (players, len(COLUMNS))).astype(np.float32)


@pytest.fixture(scope="module")
def approved(flow_folder, publish_snapshot):
    """A snapshot of 300 players in three parts, and an approved model."""
    folder = flow_folder.path
    flow_folder.configure({"snapshots": {"folder": f"{folder}/snapshots"}, "scoring": {"folder": f"{folder}/scores"}})
    store = open_snapshots(str(folder / "snapshots"))
    publish_snapshot(store, "players-2026-01-01", "2026-01-01", features_of(300), COLUMNS, ids=np.arange(300), shards=3)
    archive = folder / "model.tar.gz"
    model = ModelToRegister(
        definition="review_budget",
        archive=archive,
        sha256=small_model().save(archive, {}),
        threshold=0.5,
        release_id="release-1",
        origin_run_id="1",
        run_pathspec="RetrainFlow/1",
    )
    registry = open_registry(settings.Registry(path=str(folder / "registry")))
    [version] = registry.register_release([model])
    registry.approve(version.version, who="rita", why="good")
    return flow_folder


@pytest.fixture(scope="module")
def chain(approved):
    """Kill shard 0 half-way (its retry ends it), break shard 2 for good; then resume."""
    faults = f"half:0:{approved.path}/killed;unscored:2"
    broken = approved.launch("run", "--max-workers", "1", fault=faults, expect=1, flow="score_flow")
    files = {path.name for path in approved.path.glob("scores/*/*/*")}
    resumed = approved.launch("resume", flow="score_flow")
    return broken, files, resumed


def test_a_broken_shard_says_why_and_nothing_is_reported(chain, approved):
    (printed, run_id), files, _ = chain
    assert "shard 2 broken on purpose: mend it" in printed
    assert "report" not in {step.id for step in approved.run(run_id, "ScoreFlow")}
    assert "report.json" not in files


@pytest.mark.reliability(
    case="A shard of ScoreFlow is killed",
    sees="no half file",
    resume="scores what is missing, into the same folder",
)
def test_a_shard_killed_half_way_leaves_no_half_file_and_its_retry_writes_it_once(chain, approved):
    (_, run_id), files, _ = chain
    assert (approved.path / "killed").exists()
    assert {name for name in files if name.endswith(".parquet")} == {"part-00000.parquet", "part-00001.parquet"}
    tasks = {task.index: task for task in approved.run(run_id, "ScoreFlow")["score"]}
    assert tasks[0].metadata_dict["attempt"] == "1"


def test_a_resume_scores_only_what_is_missing_into_the_same_folder(chain, approved):
    (_, first), _, (printed, second) = chain
    run = approved.run(second, "ScoreFlow")
    [again] = [task for task in run["score"] if not task.origin_pathspec]
    assert again["scored"].data["file"] == "part-00002.parquet"
    [folder] = approved.path.glob("scores/*/*")
    assert folder.name == f"v1-ScoreFlow-{first}"
    assert "300 players of players-2026-01-01 scored with version 1" in printed
    # Drafts of a killed process have hidden names, which no reader takes for scores.
    assert set(list_names(str(folder))) == {
        *(f"part-0000{number}.parquet" for number in range(3)),
        "review.parquet",
        "review.csv",
        "report.json",
    }


def test_everyone_is_scored_once_with_the_models_own_numbers(chain, approved):
    [folder] = approved.path.glob("scores/*/*")
    frame = pd.concat([pq.read_table(path).to_pandas() for path in sorted(folder.glob("part-*"))])
    assert sorted(frame["player_id"]) == list(range(300))
    wanted = small_model().risk(features_of(300))
    np.testing.assert_allclose(frame["risk_score"], wanted[frame["player_id"]], atol=1e-5)


def test_the_artifacts_tell_model_report_and_whom_to_look_at(chain, approved):
    _, _, (_, run_id) = chain
    task = approved.run(run_id, "ScoreFlow")["end"].task
    assert task["model_version"].data == 1
    report, flagged = task["score_report"].data, task["flagged"].data
    assert report["players"] == report["scored"]["players"] == 300
    assert len(flagged) == report["review"]["players"] == 3
    assert flagged["risk_score"].is_monotonic_decreasing
    assert list(Path(report["plan"]["folder"]).glob("review.csv"))


def test_a_version_that_is_not_there_is_refused_before_anything_is_scored(approved):
    printed, _ = approved.launch("run", "--version", "7", expect=1, flow="score_flow")
    assert "RegistryProblem in step start:" in printed
    assert "Traceback" not in printed
