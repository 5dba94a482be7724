import hashlib
import tomllib
from pathlib import Path

import pytest

from scarcegan import settings
from scarcegan.backends import open_registry
from scarcegan.problems import SettingsProblem
from scarcegan.project import located, project_root
from scarcegan.snapshots import open_snapshots


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


def test_a_path_typed_at_a_prompt_counts_from_the_working_directory(tmp_path):
    assert located("in", Path.cwd()) == str(tmp_path / "in")


def test_a_variable_that_is_not_set_is_refused_by_name():
    with pytest.raises(SettingsProblem, match=r"a value of \$NOBODYS, which the path '\$NOBODYS/in' names: set the"):
        located("$NOBODYS/in")


def test_what_the_project_keeps_is_the_same_from_every_working_directory():
    assert (project_root() / "pyproject.toml").is_file()
    assert open_registry(settings.Registry()).folder == project_root() / ".scarcegan" / "registry"
    assert open_snapshots("").folder == str(project_root() / ".scarcegan" / "snapshots")


def test_a_plain_install_has_its_project_in_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.setattr("scarcegan.project.__file__", str(tmp_path / "site-packages/scarcegan/project.py"))
    assert project_root() == tmp_path


def test_the_licence_is_the_one_that_packages_name():
    """The text of apache.org to the byte: licence scanners go by it."""
    text = (project_root() / "LICENSE").read_bytes()
    assert hashlib.sha256(text).hexdigest() == "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
    assert tomllib.loads((project_root() / "pyproject.toml").read_text())["project"]["license"] == "Apache-2.0"
