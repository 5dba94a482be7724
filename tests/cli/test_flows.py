"""`scarcegan run` and its like become the process of a flow, in the project that they are typed in."""

import sys

import pytest
from typer.testing import CliRunner

from scarcegan.cli import app
from scarcegan.project import flow_file


@pytest.fixture
def started(monkeypatch):
    """Every command line that the test's process would have become."""
    lines = []
    monkeypatch.setattr("os.execv", lambda program, line: lines.append([program, *line]))
    return lines


@pytest.mark.parametrize(
    ("command", "flow", "words"),
    [
        (["run"], "retrain", ["run"]),
        (["run", "--with", "batch", "--tag", "a"], "retrain", ["run", "--with", "batch", "--tag", "a"]),
        (["run", "--config", "our.toml"], "retrain", ["--config", "config", "our.toml", "run"]),
        (["resume", "--origin-run-id", "17"], "retrain", ["resume", "--origin-run-id", "17"]),
        (["score", "--snapshot", "ours"], "score", ["run", "--snapshot", "ours"]),
        (["features", "--max-workers=1"], "features", ["run", "--max-workers=1"]),
    ],
)
def test_a_command_starts_its_flow_and_passes_on_what_it_does_not_know(started, command, flow, words):
    assert CliRunner().invoke(app, command).exit_code == 0
    assert started == [[sys.executable, sys.executable, str(flow_file(flow)), *words]]
    assert flow_file(flow).is_file()


def test_outside_a_project_nothing_starts_and_the_way_to_one_is_named(started, refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("scarcegan.project._CODE", tmp_path / "site-packages")
    refused(CliRunner().invoke(app, ["run"]), "scarcegan new DIR --from TABLES")
    assert started == []
