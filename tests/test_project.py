import hashlib
import tomllib
from pathlib import Path

import pytest

from scarcegan import settings
from scarcegan.backends import open_registry
from scarcegan.problems import RegistryProblem, SettingsProblem
from scarcegan.project import flow_command, located, project_root
from scarcegan.snapshots import open_snapshots
from scarcegan.starting.project import open_project


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """A working directory that is not the project, a home and two variables."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/rita")
    monkeypatch.setenv("TELEMETRY_OF_TEST", "s3://bucket")
    monkeypatch.setenv("DISK_OF_TEST", "/disk")
    monkeypatch.delenv("NOBODYS", raising=False)


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("s3://bucket/in", "s3://bucket/in"),
        ("/data/in", "/data/in"),
        ("~/in", "/home/rita/in"),
        ("${DISK_OF_TEST}/in", "/disk/in"),
        ("$TELEMETRY_OF_TEST/daily.parquet", "s3://bucket/daily.parquet"),
        ("in/../data", f"{project_root()}/data"),
    ],
)
def test_a_path_in_the_settings_means_the_same_from_everywhere(path, location):
    assert located(path) == location


@pytest.mark.reliability(
    case="A setting names an address of another kind: `gs://`, `file://`, `s3a://`",
    sees="that it is no local path and no `s3://`; no folder of that name",
    resume="not needed: nothing was started",
)
@pytest.mark.parametrize(
    "path",
    ["gs://bucket/players", "file:///data/players", "S3://bucket/x", "s3a://bucket/x", "s3:/bucket/x", "s3:///x"],
)
def test_an_address_of_another_kind_is_no_folder_of_that_name(path):
    with pytest.raises(SettingsProblem, match=rf"expected a local path or s3://bucket/prefix, got '{path}'"):
        located(path)


def test_a_local_registry_on_s3_is_refused():
    with pytest.raises(RegistryProblem, match=r"registry\.path, got 's3://bucket/registry': name one, or set"):
        open_registry(settings.Registry(path="s3://bucket/registry"))


def test_a_path_typed_at_a_prompt_counts_from_the_working_directory(tmp_path):
    assert located("in", Path.cwd()) == str(tmp_path / "in")


def test_a_variable_that_is_not_set_is_refused_by_name():
    with pytest.raises(SettingsProblem, match=r"a value of \$NOBODYS, which the path '\$NOBODYS/in' names: set the"):
        located("$NOBODYS/in")
    with pytest.raises(SettingsProblem, match=r"'/data/US\$sales' names: set the variable, or, .* link to it under a"):
        located("/data/US$sales")


@pytest.mark.parametrize("take", [located, lambda path: open_project(Path(path))])
def test_a_home_that_nobody_knows_is_refused_by_name(take):
    with pytest.raises(SettingsProblem, match=r"a home folder for '~nobodys', .* write the whole path, or \./~nobodys"):
        take("~nobodys/in")


def test_what_the_project_keeps_is_the_same_from_every_working_directory():
    assert (project_root() / "pyproject.toml").is_file()
    assert open_registry(settings.Registry()).folder == project_root() / ".scarcegan" / "registry"
    own = settings.Settings().own_snapshots.folder
    assert open_snapshots(own).folder == str(project_root() / ".scarcegan" / "snapshots" / settings.Registry().group)


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The package in site-packages, with no repository around it."""
    monkeypatch.setattr("scarcegan.project._CODE", tmp_path / "site-packages")


@pytest.fixture
def project(tmp_path):
    """A project of its own, with a folder in it."""
    (tmp_path / "ours" / "config").mkdir(parents=True)
    (tmp_path / "ours" / "config" / "retrain.toml").touch()
    return tmp_path / "ours"


def test_a_plain_install_has_its_project_in_the_working_directory(tmp_path, installed):
    assert project_root() == tmp_path


@pytest.mark.parametrize("place", [".", "config"])
def test_a_project_of_its_own_is_the_project_from_every_folder_in_it(project, monkeypatch, place):
    monkeypatch.chdir(project / place)
    assert project_root() == project
    assert located("data") == f"{project}/data"
    assert open_registry(settings.Registry()).folder == project / ".scarcegan" / "registry"


def test_a_flow_is_called_by_the_script_of_the_project_where_it_has_one(project, monkeypatch):
    assert flow_command("retrain") == "python flows/retrain_flow.py"
    (project / "retrain_flow.py").touch()
    monkeypatch.chdir(project)
    assert flow_command("retrain") == "python retrain_flow.py"


def test_the_licence_is_the_one_that_packages_name():
    """The text of apache.org to the byte: licence scanners go by it."""
    text = (project_root() / "LICENSE").read_bytes()
    assert hashlib.sha256(text).hexdigest() == "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
    assert tomllib.loads((project_root() / "pyproject.toml").read_text())["project"]["license"] == "Apache-2.0"
