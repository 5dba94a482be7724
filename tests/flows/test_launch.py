"""What a launch prepares, and what it cleans up: jobs of a failed run, and the exit code of a job that refused."""

import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from metaflow.exception import METAFLOW_EXIT_DISALLOW_RETRY

import endings
import launch
from scarcegan import machine
from scarcegan.machine import COMMIT, WORKERS, os_user
from scarcegan.problems import Problem

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
    monkeypatch.setattr(machine.getpass, "getuser", lambda: "ada")

    def prepare(*arguments, **environment):
        launch.prepare(arguments, environment, NOWHERE)
        assert environment.pop(COMMIT) == launch.code_version(launch.CODE)
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


@pytest.mark.parametrize(("arguments", "environment"), [
    (["run", "--max-workers", "0"], {}),
    (["resume", "--max-workers=-1"], {}),
    (["run", "--with", "batch", "--max-workers", "0"], {}),
    (["run"], {"METAFLOW_RUN_MAX_WORKERS": "0"}),
])  # fmt: skip
def test_no_worker_at_all_is_refused(prepared, arguments, environment):
    with pytest.raises(Problem, match="expected --max-workers of at least 1, got"):
        prepared(*arguments, **environment)


@pytest.mark.parametrize(
    "spec", ["batch:image=x,cpu=many", "resources:cpu=many", "timeout:seconds=many", "retry:times="]
)
def test_a_number_of_a_decorator_that_is_none_is_refused(prepared, spec):
    with pytest.raises(Problem, match=rf"expected a number for \w+ in --with {spec}, got '(many)?': mend it"):
        prepared("--with", spec, "run")
    prepared("--with", "batch:cpu=1.5,memory=4000,image=us.gcr.io/x:cpu-1", "run")


@pytest.mark.parametrize("given", [["--data", ""], ["--data="], ["--set", ""], ["--snapshot", ""]])
def test_an_empty_value_is_no_wish_for_what_the_file_says(prepared, given):
    with pytest.raises(Problem, match=rf"expected a value after {given[0].rstrip('=')}, got an empty text"):
        prepared("run", *given)
    prepared("run", "--namespace", "")


def test_what_the_user_has_set_stays(prepared):
    environment = prepared("run", METAFLOW_RUN_MAX_WORKERS="3", USERNAME="grace")
    assert (environment["METAFLOW_RUN_MAX_WORKERS"], environment["USERNAME"]) == ("3", "grace")


@pytest.mark.parametrize("place", ["batch", "batch:cpu=4"])
def test_a_run_on_batch_is_not_held_to_this_machines_cores(prepared, place):
    told = {"USERNAME": "ada", "PYDANTIC_DISABLE_PLUGINS": "1"}
    assert prepared("run", "--with", place) == prepared("run", f"--with={place}") == told


def test_root_is_named_after_its_machine(prepared, monkeypatch):
    monkeypatch.setattr(machine.getpass, "getuser", lambda: "root")
    monkeypatch.setattr(machine.socket, "gethostname", lambda: "box")
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


def test_the_code_is_named_after_the_commit_of_a_project_of_its_own(repository, tmp_path_factory, monkeypatch):
    commit = launch.git_commit(repository)
    monkeypatch.setattr(launch, "code_version", lambda _: "scarcegan-2.0")
    assert launch.running_code(repository) == f"{commit}+scarcegan-2.0"
    assert launch.running_code(tmp_path_factory.mktemp("without-git")) == "scarcegan-2.0"
    monkeypatch.setattr(launch, "CODE", repository)
    assert launch.running_code(repository) == "scarcegan-2.0"


def test_the_launch_notes_the_commit_and_the_settings_file(tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "ROOT", tmp_path)
    monkeypatch.setenv(COMMIT, "0a1b2c3")

    def noted(*arguments, command="run"):
        monkeypatch.setattr(sys, "argv", ["flow.py", *arguments, command])
        return launch.launch_notes(None)

    assert noted() == {"commit": "0a1b2c3", "config": "config/retrain.toml", "launched_by": ""}
    assert noted("--config", "config", f"{tmp_path}/config/lootbox.toml")["config"] == "config/lootbox.toml"
    assert noted("--config", "config", "/elsewhere/our.toml")["config"] == "/elsewhere/our.toml"
    (tmp_path / "config").mkdir()
    (tmp_path / "config/retrain.toml").write_text("")
    assert noted()["launched_by"] == os_user()
    assert {noted(command=one)["launched_by"] for one in ("resume", "spin", "create", "trigger")} == {os_user()}
    assert {noted(command=one)["launched_by"] for one in ("show", "card", "delete")} == {""}, "nobody is asked"
    monkeypatch.setattr("scarcegan.aws.sagemaker.caller", lambda: "arn:aws:sts::123456789012:assumed-role/a/rita")
    assert noted("--set", 'registry.kind="sagemaker"')["launched_by"] == "arn:aws:sts::123456789012:assumed-role/a/rita"


@pytest.fixture
def stopped(monkeypatch):
    """The runs whose jobs Metaflow was told to stop; run 17 is launched."""
    stopped = []
    monkeypatch.setattr(endings, "current", SimpleNamespace(get=lambda _: "17"))
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setattr(launch.Batch, "kill_jobs", lambda _, *run, user, echo: stopped.append((*run, user)))
    return stopped


@pytest.fixture
def launched(monkeypatch, bucket):
    """Launch a flow, of which nothing runs, on a datastore on S3."""
    monkeypatch.setattr(launch, "prepare", lambda *_: None)
    monkeypatch.setattr(launch, "DEFAULT_DATASTORE", "s3")

    def launched(root, *arguments):
        monkeypatch.setattr(launch, "DATASTORE_SYSROOT_S3", root)
        monkeypatch.setattr(sys, "argv", ["retrain_flow.py", *arguments])
        launch.launch(type("RetrainFlow", (), {"__init__": lambda _: sys.exit("it runs")}))

    return launched


@pytest.mark.reliability(
    case="The datastore on S3 cannot be written: no credentials, a token that has expired, no such bucket",
    sees="at the launch, what S3 says; Metaflow alone would try for an hour without a word",
    resume="not needed",
)
@pytest.mark.parametrize("command", ["run", "resume"])
def test_a_datastore_that_cannot_be_written_is_told_before_metaflow_tries(launched, command):
    with pytest.raises(SystemExit, match=r"cannot write s3://nobodys/metaflow/RetrainFlow/.*NoSuchBucket"):
        launched("s3://nobodys/metaflow", command)
    with pytest.raises(SystemExit, match=r"cannot write s3://others/RetrainFlow/.*NoSuchBucket"):
        launched("s3://models/metaflow", "--datastore-root", "s3://others", command)


def test_who_only_asks_needs_no_datastore_that_can_be_written(launched):
    with pytest.raises(SystemExit, match="it runs"):
        launched("s3://nobodys/metaflow", "card", "list")


def test_a_datastore_that_can_be_written_is_as_empty_as_before(bucket, monkeypatch):
    monkeypatch.setattr(launch, "DEFAULT_DATASTORE", "s3")
    monkeypatch.setattr(launch, "DATASTORE_SYSROOT_S3", "s3://models/metaflow")
    launch.require_datastore("RetrainFlow", ["run"])
    assert list(bucket.objects.all()) == []


@pytest.mark.parametrize("ending", [SystemExit(1), KeyboardInterrupt(), RuntimeError("S3 is gone")])
def test_a_run_that_ends_early_stops_its_own_jobs(stopped, ending):
    with pytest.raises(type(ending)), launch.no_stray_jobs("RetrainFlow", BATCH):
        raise ending
    assert stopped == [("RetrainFlow", "17", None)]


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
    monkeypatch.setattr(endings, "current", SimpleNamespace(get=lambda _: None))
    with pytest.raises(SystemExit), launch.no_stray_jobs("RetrainFlow", BATCH):
        raise SystemExit(1)
    assert stopped == []


@pytest.fixture
def wait(monkeypatch):
    """Wait for a job that ends with an exit code, as Metaflow's `batch step` does."""

    def wait(code):
        def crash(_):
            raise launch.BatchException("Essential container in task exited")

        monkeypatch.setattr(launch.Batch, "wait", crash if code else lambda _: None)
        monkeypatch.setattr(launch.BatchJob, "attempts", launch.BatchJob.attempts)  # put back afterwards
        launch.pass_on_refusals()
        launch.Batch.wait(SimpleNamespace(job=SimpleNamespace(status_code=code)))

    return wait


def test_the_wait_for_a_job_ends_as_a_refusing_job_did(wait):
    with pytest.raises(SystemExit) as ended:
        wait(METAFLOW_EXIT_DISALLOW_RETRY)
    assert ended.value.code == METAFLOW_EXIT_DISALLOW_RETRY


@pytest.mark.parametrize("code", [137, 1])
def test_the_wait_for_a_job_that_died_or_failed_is_left_to_metaflow(wait, code):
    with pytest.raises(launch.BatchException):
        wait(code)


def test_a_job_of_step_functions_ends_where_its_step_refused(wait):
    wait(0)
    job = launch.BatchJob(None).attempts(3)
    refused = {"onExitCode": str(METAFLOW_EXIT_DISALLOW_RETRY), "action": "EXIT"}
    assert job.payload["retryStrategy"] == {"attempts": 3, "evaluateOnExit": [refused]}


def test_the_wait_for_a_job_that_went_well_ends_well(wait):
    wait(0)
