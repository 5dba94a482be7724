"""A fold that fails for good, then a broken evaluation, on a snapshot: each resume does only what is missing."""

import pytest

from scarcegan.backends import open_registry
from scarcegan.settings import load
from scarcegan.snapshots import open_snapshots

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def chain(features_chain, snapshots_folder):
    """Run with a collapsing fold, resume into a broken evaluation, resume to the end."""
    trained_on = ("--data", f"{snapshots_folder.path}/labels.csv", "--snapshot", "players-2026-01-01")
    collapsed = snapshots_folder.launch("run", *trained_on, fault="collapse:1", expect=1)
    crashed = snapshots_folder.launch("resume", fault="evaluate", expect=1)
    # Metaflow resumes the latest `run` unless told which one; a failed resume has to be named.
    finished = snapshots_folder.launch("resume", "--origin-run-id", crashed[1])
    return [(printed, snapshots_folder.run(run_id)) for printed, run_id in (collapsed, crashed, finished)]


def cloned(run):
    """Return step -> ids of the tasks that were taken over from an earlier run."""
    tasks = {step.id: [task for task in step if task.origin_pathspec] for step in run}
    return {step: [task.origin_pathspec for task in found] for step, found in tasks.items() if found}


def test_the_first_cause_stands_in_the_log_without_a_traceback(chain):
    printed, _ = chain[0]
    assert "TrainingCollapsed in step train:" in printed
    assert "fold 1 collapsed on purpose: lower train.learning_rate" in printed
    assert "Traceback" not in printed


def test_somebody_is_told_of_the_mistake_and_how_to_find_the_run(chain, snapshots_folder):
    run = chain[0][1]
    [notice] = [one for one in snapshots_folder.notices("step refused") if one["about"] == run.pathspec]
    assert notice["told"].startswith("TrainingCollapsed in step train:")


def test_a_mistake_is_not_retried(chain):
    assert "This failed task will not be retried" in chain[0][0]


@pytest.mark.reliability(
    case="One fold fails",
    sees="its message, and that the run has failed",
    resume="keeps the finished folds, does the failed one again",
)
def test_resume_keeps_the_finished_fold_and_redoes_the_failed_one(chain):
    (_, first), (_, second), _ = chain
    [kept] = [task for task in second["train"] if task.origin_pathspec]
    [redone] = [task for task in second["train"] if not task.origin_pathspec]
    assert kept["fold"].data == 0
    assert kept.origin_pathspec in {task.pathspec for task in first["train"]}
    assert redone["fold"].data == 1
    # It goes on from the checkpoint of the failed run: its rounds are not done again.
    assert "Iteration=20;" not in redone.stdout
    assert redone["progress"].data["iteration"] == list(range(5, 41, 5))
    assert set(cloned(second)) == {"start", "preprocess", "train"}


def test_after_a_failed_evaluation_only_evaluation_and_registration_are_left(chain):
    _, last = chain[2]
    assert {step: len(tasks) for step, tasks in cloned(last).items()} == {
        "start": 1,
        "preprocess": 1,
        "train": 2,
        "select": 1,
    }
    assert {step.id for step in last} - set(cloned(last)) == {"evaluate", "register", "end"}


def test_what_was_taken_over_keeps_its_usage(chain):
    (_, first), _, (_, last) = chain
    kept = next(task for task in first["train"] if task.successful)
    told = last["end"].task["usage"].data
    assert kept["usage"].data[-1] in told
    assert [one["step"] for one in told].count("train") == 2


def test_the_whole_chain_registers_one_release_of_its_first_run(chain, snapshots_folder):
    settings = load({"registry": {"path": str(snapshots_folder.path / "registry")}})
    versions = open_registry(settings.registry).versions()
    assert len(versions) == 4
    assert {version.origin_run_id for version in versions} == {chain[0][1].id}


def test_a_retraining_reads_the_snapshot_by_name(chain, snapshots_folder):
    _, run = chain[2]
    report = run["preprocess"].task["data_report"].data
    assert report["source"] == "snapshot"
    assert report["cutoff"] == "2026-01-01"
    beside = run["preprocess"].task["snapshot_report"].data
    assert (beside["previous"], beside["previous_cutoff"]) == ("players-2025-12-20", "2025-12-20")
    assert beside["moves"][0]["psi"] >= beside["moves"][-1]["psi"]
    assert len(run["end"].task["release"].data["versions"]) == 4
    players = run["end"].task["players"].data
    snapshot = open_snapshots(str(snapshots_folder.path / "snapshots")).read("players-2026-01-01")
    assert set(players["ids"]) <= set(snapshot.ids)
    assert set(players["feature_names"]) <= set(snapshot.manifest.frame.columns)
    lineage = run["end"].task["release"].data["lineage"]
    assert (lineage["snapshot"], lineage["snapshot_origin"]) == ("players-2026-01-01", snapshot.manifest.origin)


def test_an_unknown_key_starts_nothing(flow_folder):
    config = flow_folder.path / "tiny.toml"
    good = config.read_text()
    config.write_text(good.replace("iterations = 40", "iteratons = 40"))
    try:
        (flow_folder.path / "run-id").write_text("none")
        printed, run_id = flow_folder.launch("run", expect=1)
    finally:
        config.write_text(good)
    assert "unknown key 'train.iteratons': did you mean 'train.iterations'?" in printed
    assert "Traceback" not in printed
    assert run_id == "none"
