"""What a launch prepares, and what it cleans up: jobs of a failed run, and the exit code of a job that refused."""

import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from metaflow.exception import METAFLOW_EXIT_DISALLOW_RETRY
from metaflow.plugins.aws.batch import batch_client

import launch
from scarcegan.machine import COMMIT, WORKERS

NOWHERE = Path("/nowhere")
BATCH, LOCAL = ["run", "--with", "batch"], ["run"]


@pytest.fixture
def no_datastore_above(monkeypatch):
    """Whatever lies above the temporary folder, Metaflow finds no datastore."""
    monkeypatch.setattr(launch.LocalStorage, "get_datastore_root_from_config", lambda *_, **__: None)


@pytest.fixture
def prepared(monkeypatch, tmp_path, no_datastore_above):
    """The environment that Ada's launch in an empty folder prepares, on a machine of four cores."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(launch, "cores", lambda: 4)
    monkeypatch.setattr(launch.getpass, "getuser", lambda: "ada")

    def prepare(*arguments, **environment):
        launch.prepare(arguments, environment, NOWHERE)
        assert environment.pop(COMMIT) == "unknown"
        return environment

    return prepare


@pytest.mark.parametrize("command", ["run", "resume"])
def test_a_local_run_starts_no_more_tasks_than_there_are_cores(prepared, command):
    environment = prepared(command)
    assert environment["METAFLOW_RUN_MAX_WORKERS"] == environment["METAFLOW_RESUME_MAX_WORKERS"] == "4"
    assert environment[WORKERS] == "4"


@pytest.mark.parametrize(
    ("arguments", "environment", "workers"),
    [
        (["run", "--max-workers", "2"], {}, "2"),
        (["run", "--max-workers=2"], {}, "2"),
        (["run"], {"METAFLOW_RUN_MAX_WORKERS": "3"}, "3"),
        (["resume"], {"METAFLOW_RESUME_MAX_WORKERS": "2"}, "2"),
        (["run", "--tag", "batch"], {}, "4"),
    ],
)
def test_tasks_are_told_the_workers_that_were_asked_for(prepared, arguments, environment, workers):
    assert prepared(*arguments, **environment)[WORKERS] == workers


def test_what_the_user_has_set_stays(prepared):
    environment = prepared("run", METAFLOW_RUN_MAX_WORKERS="3", USERNAME="grace")
    assert (environment["METAFLOW_RUN_MAX_WORKERS"], environment["USERNAME"]) == ("3", "grace")


@pytest.mark.parametrize("place", ["batch", "batch:cpu=4"])
def test_a_run_on_batch_is_not_held_to_this_machines_cores(prepared, place):
    assert prepared("run", "--with", place) == prepared("run", f"--with={place}") == {"USERNAME": "ada"}


def test_root_is_named_after_its_machine(prepared, monkeypatch):
    monkeypatch.setattr(launch.getpass, "getuser", lambda: "root")
    monkeypatch.setattr(launch.socket, "gethostname", lambda: "box")
    assert prepared("run")["USERNAME"] == "root-box"


def test_inside_the_repository_all_commands_share_the_datastore_at_its_root(tmp_path, monkeypatch):
    (tmp_path / "flows").mkdir()
    monkeypatch.chdir(tmp_path / "flows")
    launch.prepare(["run"], {}, tmp_path)
    assert (tmp_path / ".metaflow").is_dir()


def test_elsewhere_a_launch_makes_the_datastore_and_a_question_makes_nothing(prepared, tmp_path):
    prepared("--help")
    assert not any(tmp_path.iterdir())
    prepared("run")
    assert (tmp_path / ".metaflow").is_dir()


def test_elsewhere_the_datastore_of_a_folder_above_is_shared(tmp_path, monkeypatch):
    (tmp_path / ".metaflow").mkdir()
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    launch.prepare(["resume"], {}, NOWHERE)
    assert not any((tmp_path / "inner").iterdir())


@pytest.fixture
def repository(tmp_path):
    identity = ["-c", "user.name=ada", "-c", "user.email=ada@example.org"]
    (tmp_path / "model.py").write_text("alpha = 0.7\n")
    for command in (["init", "-q"], ["add", "model.py"], [*identity, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True, capture_output=True)
    return tmp_path


def test_a_clean_tree_is_named_by_its_commit_and_a_changed_one_is_marked(repository):
    head = ["git", "-C", str(repository), "rev-parse", "HEAD"]
    commit = subprocess.run(head, check=True, capture_output=True, text=True).stdout.strip()
    (repository / "notes.txt").write_text("a new file changes no code\n")
    assert launch.git_commit(repository) == commit
    (repository / "model.py").write_text("alpha = 0.6\n")
    assert launch.git_commit(repository) == f"{commit}-dirty"


def test_without_git_the_commit_is_unknown(tmp_path, monkeypatch):
    assert launch.git_commit(tmp_path) == "unknown"  # not a repository
    monkeypatch.setenv("PATH", str(tmp_path))
    assert launch.git_commit(tmp_path) == "unknown"


def test_the_launch_notes_the_commit_and_the_settings_file(tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "ROOT", tmp_path)
    monkeypatch.setenv(COMMIT, "0a1b2c3")

    def noted(*arguments):
        monkeypatch.setattr(sys, "argv", ["flow.py", *arguments, "run"])
        return launch.launch_notes(None)

    assert noted() == {"commit": "0a1b2c3", "config": "config/retrain.toml"}
    assert noted("--config", "config", f"{tmp_path}/config/lootbox.toml")["config"] == "config/lootbox.toml"
    assert noted("--config", "config", "/elsewhere/our.toml")["config"] == "/elsewhere/our.toml"


@pytest.fixture
def run_17(monkeypatch):
    monkeypatch.setattr(launch, "current", SimpleNamespace(get=lambda _: "17"))
    monkeypatch.setattr(signal, "signal", lambda *_: None)


@pytest.fixture
def stopped(run_17, monkeypatch):
    """Jobs that were told to stop; those of runs 17 and 171 are running."""
    names = {
        "a": "ada-RetrainFlow-17-train-4-0",
        "b": "ada-RetrainFlow-17-train-5-1",
        "c": "bob-RetrainFlow-171-start-1-0",
    }
    stopped = []

    class Client:
        def unfinished_jobs(self):
            return [{"jobId": key, "jobName": name} for key, name in names.items()]

        def attach_job(self, key):
            return SimpleNamespace(kill=lambda: stopped.append(key))

    monkeypatch.setattr(batch_client, "BatchClient", Client)
    return stopped


@pytest.mark.parametrize("ending", [SystemExit(1), KeyboardInterrupt(), RuntimeError("S3 is gone")])
def test_a_run_that_ends_early_stops_its_own_jobs(stopped, ending, capsys):
    with pytest.raises(type(ending)), launch.no_stray_jobs("RetrainFlow", BATCH):
        raise ending
    assert stopped == ["a", "b"]
    assert "Stopped 2 AWS Batch jobs of run 17 that were still running." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "ending"),
    [
        (BATCH, SystemExit(0)),
        (BATCH, SystemExit(None)),
        (LOCAL, KeyboardInterrupt()),
        (["--with", "batch", "step", "train"], KeyboardInterrupt()),
    ],
    ids=["success", "success without a code", "local run", "task"],
)
def test_others_stop_no_jobs(stopped, arguments, ending):
    with pytest.raises(type(ending)), launch.no_stray_jobs("RetrainFlow", arguments):
        raise ending
    assert stopped == []


def test_a_launch_that_made_no_run_has_no_jobs(stopped, monkeypatch):
    monkeypatch.setattr(launch, "current", SimpleNamespace(get=lambda _: None))
    with pytest.raises(SystemExit), launch.no_stray_jobs("RetrainFlow", BATCH):
        raise SystemExit(1)
    assert stopped == []


WAIT = ["batch", "step", "train", "--run-id", "17", "--task-id", "4", "--retry-count", "0", "--queue", "gpu"]


@pytest.fixture
def job_ended_with(monkeypatch):
    """Let the job that is waited for have an exit code."""

    def end(code):
        class Batch:
            def list_jobs(self, jobQueue, filters):
                assert jobQueue == "gpu"
                assert filters == [{"name": "JOB_NAME", "values": ["ada-RetrainFlow-17-train-4-0"]}]
                return {"jobSummaryList": [{"jobId": "1", "container": {"exitCode": code} if code else {}}]}

        monkeypatch.setattr(launch, "get_username", lambda: "ada")
        monkeypatch.setattr(launch, "get_aws_client", lambda _: Batch())

    return end


@pytest.mark.parametrize(
    ("job", "ends_with"), [(METAFLOW_EXIT_DISALLOW_RETRY, METAFLOW_EXIT_DISALLOW_RETRY), (137, 1), (1, 1), (None, 1)]
)
def test_the_wait_for_a_job_ends_as_a_refusing_job_did(job_ended_with, job, ends_with):
    job_ended_with(job)
    with pytest.raises(SystemExit) as ended, launch.refusal_passed_on("RetrainFlow", WAIT):
        raise SystemExit(1)
    assert ended.value.code == ends_with


@pytest.mark.parametrize("arguments", [["run"], ["step", "train"], WAIT])
def test_a_command_that_went_well_looks_for_no_job(arguments):
    with pytest.raises(SystemExit) as ended, launch.refusal_passed_on("RetrainFlow", arguments):
        raise SystemExit(0)
    assert ended.value.code == 0
