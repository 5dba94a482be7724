"""The command that a failed run prints is what people type in their project, not where pip has put the flow."""

import sys

import pytest

import endings


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The path of the flow as pip installs it, started in a folder with settings, by a venv on the PATH."""
    monkeypatch.setattr(endings, "is_installed", lambda _: True)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "python3"))
    monkeypatch.setattr(endings.shutil, "which", lambda _: str(tmp_path / "venv" / "python"))
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "retrain.toml").touch()
    monkeypatch.chdir(tmp_path)
    return "/venv/lib/python3.12/site-packages/flows/{}_flow.py"


def test_in_a_project_of_its_own_the_projects_script_goes_on(installed, tmp_path, monkeypatch):
    for name in ("retrain", "score"):
        (tmp_path / f"{name}_flow.py").touch()
        command = endings.resume_command(installed.format(name), ["run", "--set", "folds.k=2"], "17")
        assert command == f"python {name}_flow.py resume --origin-run-id 17"
    monkeypatch.chdir(tmp_path / "config")
    command = endings.resume_command(installed.format("retrain"), ["--datastore", "s3", "run"], "17")
    assert command == "python ../retrain_flow.py --datastore s3 resume --origin-run-id 17"


def test_without_scripts_the_command_of_the_package_goes_on(installed):
    arguments = ["--config", "config", "our.toml", "run", "--with", "batch"]
    command = endings.resume_command(installed.format("retrain"), arguments, "17")
    assert command == "scarcegan resume --origin-run-id 17 --with batch"


@pytest.mark.parametrize(("flow", "options"), [("score", []), ("retrain", ["--datastore", "s3"])])
def test_what_that_command_cannot_do_is_told_by_the_flows_path(installed, flow, options):
    command = endings.resume_command(installed.format(flow), [*options, "run"], "17")
    assert command.split()[:2] == ["python", installed.format(flow)]
