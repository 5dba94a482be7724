"""Who starts a run, under which name, and which code it is: what Batch and the record need is known at launch."""

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import launch
from scarcegan import __version__, machine
from scarcegan.aws.account import metaflow_variables
from scarcegan.machine import COMMIT, require_user
from scarcegan.problems import Problem, SettingsProblem

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def nobody(monkeypatch):
    """A user whose number has no entry in the machine's list of users."""

    def unknown():
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr(machine.getpass, "getuser", unknown)


@pytest.mark.reliability(
    case="The user has no entry in the machine's list",
    sees="what to export; nothing if METAFLOW_USER is set",
    resume="not needed: nothing was started",
)
@pytest.mark.usefixtures("nobody")
def test_a_user_without_a_passwd_entry_starts_if_the_environment_names_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    environment = {"METAFLOW_USER": "ci"}
    launch.prepare(["run"], environment, Path("/nowhere"))
    assert "USERNAME" not in environment
    with pytest.raises(Problem, match=r"this machine knows none .*: name one, as in `export METAFLOW_USER=ci`"):
        launch.prepare(["run"], {}, Path("/nowhere"))


@pytest.fixture
def refused(nobody, tmp_path, monkeypatch):
    """A run is typed in an empty folder by somebody without a name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["retrain_flow.py", "run"])
    for name in machine.USER_VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("refused")
def test_the_refusal_is_a_plain_message_and_nothing_is_made(tmp_path):
    with pytest.raises(SystemExit, match="expected a user name"):
        launch.launch(object)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("refused")
def test_a_flow_prints_in_a_terminal_of_any_encoding(monkeypatch):
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    monkeypatch.setattr(sys, "stdout", terminal)
    with pytest.raises(SystemExit, match="expected a user name"):
        launch.launch(object)
    sys.stdout.write("30\N{NO-BREAK SPACE}%")
    assert terminal.buffer.getvalue() == b"30?%"


@pytest.mark.reliability(
    case="AWS Batch does not take the user's name",
    sees="the `export` that mends it, at launch and in the preflight",
    resume="not needed: nothing was started",
)
@pytest.mark.parametrize("name", ["jane.doe", "Jane Doe", "jörg", "x" * 70, "-jane", "CORP\\jane"])
def test_a_name_that_batch_takes_in_no_jobs_name_is_refused_before_anything_runs(name):
    assert require_user({"USER": name}, on_batch=False) == name
    with pytest.raises(Problem, match=r"AWS Batch takes no other in the name of a job; `export METAFLOW_USER=") as told:
        require_user({"USER": name}, on_batch=True)
    fit = str(told.value).rpartition("METAFLOW_USER=")[2].rstrip("`")
    assert require_user({"USER": name, "METAFLOW_USER": fit}, on_batch=True) == fit


def test_the_name_that_is_made_for_root_is_one_that_batch_takes(monkeypatch):
    monkeypatch.setattr(machine.socket, "gethostname", lambda: "ip-10-0-0-1.ec2.internal")
    environment = {"USER": "root"}
    monkeypatch.setattr(machine.getpass, "getuser", lambda: "root")
    assert require_user(environment, on_batch=True) == "root-ip-10-0-0-1-ec2-internal"


def test_the_users_name_is_read_in_metaflows_order():
    names = {"USER": "d", "USERNAME": "c", "SUDO_USER": "root", "METAFLOW_USER": ""}
    assert require_user(names, on_batch=False) == "c"
    assert require_user(names | {"METAFLOW_USER": "a"}, on_batch=False) == "a"


@pytest.mark.reliability(
    case="A worktree's flow is started with another checkout's environment",
    sees="nothing: its own package runs, and its commit is recorded",
    resume="runs its own code as well",
)
def test_a_flow_runs_the_package_beside_it_and_not_another_checkouts(tmp_path):
    """The virtual environment has this checkout's package installed; the flow lies in a copy."""
    copy = tmp_path / "copy"
    shutil.copytree(ROOT / "flows", copy / "flows", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "scarcegan", copy / "scarcegan", ignore=shutil.ignore_patterns("__pycache__"))
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ask = "import sys; sys.path[0] = 'flows'; import launch, scarcegan; print(scarcegan.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", ask], cwd=copy, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(copy / "scarcegan" / "__init__.py")


def test_where_another_checkouts_package_is_loaded_already_nothing_starts(tmp_path):
    (tmp_path / "scarcegan").mkdir()
    with pytest.raises(Problem, match=rf"expected the package {tmp_path}/scarcegan beside the flow that runs, got "):
        launch.require_own_package(tmp_path)
    launch.require_own_package(ROOT)


def test_an_installed_package_is_named_by_its_version_and_not_by_a_repository_around_it(tmp_path, monkeypatch):
    monkeypatch.delenv("AWS_BATCH_JOB_ID", raising=False)
    assert launch.code_version(tmp_path) == f"scarcegan-{__version__}"
    installed = ROOT / ".venv" / "lib" / "python3" / "site-packages"
    assert launch.code_version(installed) == f"scarcegan-{__version__}"
    assert launch.code_version(ROOT) == launch.git_commit(ROOT)
    monkeypatch.setenv("AWS_BATCH_JOB_ID", "1")
    assert launch.code_version(tmp_path) == "unknown"  # it is told by its launch, see running_commit
    environment = {COMMIT: "0a1b"}
    monkeypatch.chdir(tmp_path)
    launch.prepare(["--help"], environment, tmp_path)
    assert environment[COMMIT] == "0a1b"


def test_a_configs_path_that_is_no_utf8_is_noted_readably(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["flow.py", "--config", "config", "/data/\udcff/c.toml", "run"])
    assert launch.launch_notes(None)["config"] == "/data/?/c.toml"


def test_a_folder_that_cannot_take_runs_is_told_in_words(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(30, "Read-only file system")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(Problem, match=rf"cannot make {tmp_path}/.metaflow, where Metaflow keeps runs: Read-only file"):
        launch.make_datastore(["run"], tmp_path)


def test_metaflows_own_settings_that_cannot_be_read_are_named(tmp_path):
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(SettingsProblem, match=rf"Metaflow's settings as JSON in {tmp_path}/config.json, got: "):
        metaflow_variables({"METAFLOW_HOME": str(tmp_path)})
