import subprocess
from pathlib import Path

import pytest

from scarcegan import machine
from scarcegan.machine import (
    COMMIT_VARIABLE,
    WORKERS_VARIABLE,
    cores,
    git_commit,
    launch_notes,
    launched_commit,
    prepare_launch,
    threads_per_task,
)


@pytest.fixture
def four_cores(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(machine, "cores", lambda: 4)
    monkeypatch.setattr(machine.getpass, "getuser", lambda: "ada")


def launched(*arguments, **environment):
    prepare_launch(arguments, environment, Path("/nowhere"))
    assert environment.pop(COMMIT_VARIABLE) == "unknown"
    return environment


@pytest.mark.usefixtures("four_cores")
def test_a_local_run_starts_no_more_tasks_than_there_are_cores():
    for command in ("run", "resume"):
        environment = launched(command)
        assert environment["METAFLOW_RUN_MAX_WORKERS"] == environment["METAFLOW_RESUME_MAX_WORKERS"] == "4"
        assert environment[WORKERS_VARIABLE] == "4"


@pytest.mark.usefixtures("four_cores")
@pytest.mark.parametrize("arguments", [("run", "--max-workers", "2"), ("run", "--max-workers=2")])
def test_tasks_are_told_the_workers_that_were_asked_for(arguments):
    assert launched(*arguments)[WORKERS_VARIABLE] == "2"


@pytest.mark.usefixtures("four_cores")
def test_what_the_user_has_set_stays():
    environment = launched("run", METAFLOW_RUN_MAX_WORKERS="3", USERNAME="grace")
    assert environment["METAFLOW_RUN_MAX_WORKERS"] == "3"
    assert environment[WORKERS_VARIABLE] == "3"
    assert environment["USERNAME"] == "grace"


@pytest.mark.usefixtures("four_cores")
@pytest.mark.parametrize("place", ["batch", "batch:cpu=4", "kubernetes"])
def test_a_remote_run_is_not_held_to_this_machines_cores(place):
    assert launched("run", "--with", place) == {"USERNAME": "ada"}
    assert launched("run", f"--with={place}") == {"USERNAME": "ada"}


@pytest.mark.usefixtures("four_cores")
def test_a_local_run_tagged_batch_stays_local():
    assert launched("run", "--tag", "batch")[WORKERS_VARIABLE] == "4"


@pytest.mark.usefixtures("four_cores")
def test_a_resume_takes_the_workers_set_for_resumes():
    assert launched("resume", METAFLOW_RESUME_MAX_WORKERS="2")[WORKERS_VARIABLE] == "2"


def test_the_code_of_the_launch_is_named_unless_its_machine_knows_no_commit():
    assert launched_commit({COMMIT_VARIABLE: "mended"}, "first") == "mended"
    assert launched_commit({COMMIT_VARIABLE: "unknown"}, "first") == "first"
    assert launched_commit({}, "first") == "first"


def test_inside_the_repository_all_commands_share_the_datastore_at_its_root(tmp_path, monkeypatch):
    (tmp_path / "flows").mkdir()
    monkeypatch.chdir(tmp_path / "flows")
    prepare_launch(["run"], {}, tmp_path)
    assert (tmp_path / ".metaflow").is_dir()


def test_elsewhere_a_launch_makes_the_datastore_and_a_question_makes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    prepare_launch(["--help"], {}, Path("/nowhere"))
    assert not any(tmp_path.iterdir())
    prepare_launch(["run"], {}, Path("/nowhere"))
    assert (tmp_path / ".metaflow").is_dir()


def test_elsewhere_the_datastore_of_a_folder_above_is_shared(tmp_path, monkeypatch):
    (tmp_path / ".metaflow").mkdir()
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    prepare_launch(["resume"], {}, Path("/nowhere"))
    assert not any((tmp_path / "inner").iterdir())


@pytest.mark.usefixtures("four_cores")
def test_root_is_named_after_its_machine(monkeypatch):
    monkeypatch.setattr(machine.getpass, "getuser", lambda: "root")
    monkeypatch.setattr(machine.socket, "gethostname", lambda: "box")
    assert launched("run")["USERNAME"] == "root-box"


@pytest.mark.usefixtures("four_cores")
@pytest.mark.parametrize(
    ("tasks", "workers", "threads"), [(5, "4", 1), (5, "2", 2), (1, "4", 4), (2, "4", 2), (3, "4", 1), (9, "8", 1)]
)
def test_tasks_side_by_side_share_the_cores(tasks, workers, threads):
    assert threads_per_task(tasks, {WORKERS_VARIABLE: workers}, requested=1) == threads


@pytest.mark.usefixtures("four_cores")
def test_a_task_on_its_own_machine_takes_all_cores():
    assert threads_per_task(5, {}, requested=1) == 4


@pytest.mark.usefixtures("four_cores")
@pytest.mark.parametrize(("requested", "threads"), [(1, 1), (2, 2), (16, 4)])
def test_a_batch_job_takes_the_cores_it_asked_for(requested, threads):
    environment = {"AWS_BATCH_JOB_ID": "one", WORKERS_VARIABLE: "4"}
    assert threads_per_task(5, environment, requested) == threads


def test_there_is_at_least_one_core():
    assert cores() >= 1


@pytest.fixture
def repository(tmp_path):
    identity = ["-c", "user.name=ada", "-c", "user.email=ada@example.org"]
    (tmp_path / "model.py").write_text("alpha = 0.7\n")
    for command in (["init", "-q"], ["add", "model.py"], [*identity, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True, capture_output=True)
    return tmp_path


def test_a_clean_tree_is_named_by_its_commit(repository):
    head = ["git", "-C", str(repository), "rev-parse", "HEAD"]
    expected = subprocess.run(head, check=True, capture_output=True, text=True).stdout.strip()
    assert len(expected) == 40
    assert git_commit(repository) == expected


def test_changed_code_is_marked_and_new_files_are_not(repository):
    (repository / "notes.txt").write_text("todo\n")
    assert not git_commit(repository).endswith("-dirty")
    (repository / "model.py").write_text("alpha = 0.6\n")
    assert git_commit(repository).endswith("-dirty")


def test_outside_git_the_commit_is_unknown(tmp_path):
    assert git_commit(tmp_path) == "unknown"


def test_without_git_the_commit_is_unknown(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_commit(tmp_path) == "unknown"


def test_the_launch_notes_the_settings_file_and_the_commit(tmp_path):
    arguments = ["flow.py", "--config", "config", f"{tmp_path}/config/lootbox.toml", "run"]
    assert launch_notes(tmp_path, arguments) == {"commit": "unknown", "config": "config/lootbox.toml"}
    assert launch_notes(Path("/nowhere"), arguments)["config"] == f"{tmp_path}/config/lootbox.toml"
    assert launch_notes(tmp_path, ["flow.py", "run"])["config"] == "config/retrain.toml"
