"""`scarcegan run --json` and its like: one answer on stdout, what the run says on stderr, the run's exit code."""

import json
import os
import signal
import subprocess
import sys

import card_samples
import numpy as np
import pytest
import recorded_runs
from history_samples import steps_of
from typer.testing import CliRunner

from scarcegan.cli import app
from scarcegan.snapshots import SnapshotStore

# A flow: it says something, writes down which run it is, and ends.
FLOW = """import sys, time
options = sys.argv[1:]
print("says", *options[:-1], flush=True)
print("complains", file=sys.stderr, flush=True)
open(options[options.index("--run-id-file") + 1], "w").write("{run}")
time.sleep({seconds})
sys.exit({code})
"""


@pytest.fixture
def flow(tmp_path, monkeypatch):
    """Put a script in the place of every flow, in a project of its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "retrain.toml").touch()
    script = tmp_path / "any_flow.py"
    monkeypatch.setattr("scarcegan.project.flow_file", lambda _: script)

    def write(run, code=0, seconds=0):
        script.write_text(FLOW.format(run=run, code=code, seconds=seconds))
        return script

    return write


@pytest.fixture
def scarcegan(flow):
    """Run a command."""
    return lambda *arguments: CliRunner().invoke(app, arguments)


@pytest.fixture
def record(recorder, monkeypatch, tmp_path):
    """Write a run of a flow as Metaflow leaves it."""

    def record(name, run, steps):
        monkeypatch.setattr(recorded_runs, "FLOW", name)
        recorded_runs.Recorder(tmp_path).run(run, steps)

    return record


@pytest.mark.parametrize("command", ["run", "resume"])
def test_a_training_answers_with_what_runs_show_answers(scarcegan, flow, recorder, command, capfd):
    recorder.run("first", steps_of("first"))
    flow("first")
    answer = scarcegan(command, "--tag", "nightly", "--json")
    assert answer.exit_code == 0
    assert json.loads(answer.stdout) == json.loads(scarcegan("runs", "show", "first", "--json").stdout)
    said = capfd.readouterr()
    assert said.out == ""
    assert f"says {command} --tag nightly --run-id-file" in said.err
    assert "complains" in said.err


def test_a_scoring_answers_with_its_report_and_what_follows_from_drift(scarcegan, flow, record):
    report, decision = card_samples.score_report(), card_samples.decision()
    made = {"score_report": report.to_plain(), "decision": decision.to_plain()}
    record("ScoreFlow", "fifth", {"start": [{}], "report": [made]})
    flow("fifth")
    told = json.loads(scarcegan("score", "--json").stdout)
    assert (told["players"], told["flagged"], told["folder"]) == (report.players, report.flagged, report.plan.folder)
    assert told["review"]["csv"] == report.review.csv
    assert told["decision"]["action"] == decision.action


def test_features_answer_with_a_list_of_snapshots(scarcegan, flow, record, tmp_path, publish_snapshot):
    made = publish_snapshot(SnapshotStore(str(tmp_path)), "first", "2026-01-01", np.ones((5, 2), np.float32), "ab")
    record("FeaturesFlow", "sixth", {"start": [{}], "publish": [{"snapshots": [made.to_plain()]}]})
    flow("sixth")
    told = json.loads(scarcegan("features", "--json").stdout)
    assert told == json.loads(scarcegan("snapshots", "list", "--folder", str(tmp_path), "--json").stdout)


@pytest.mark.parametrize("code", [1, 2])
def test_a_run_that_fails_answers_nothing_and_keeps_its_exit_code(scarcegan, flow, code):
    flow("third", code=code)
    answer = scarcegan("run", "--json")
    assert (answer.exit_code, answer.stdout) == (code, "")


def test_a_file_for_the_runs_id_is_refused_beside_it(scarcegan, flow, refused):
    flow("first")
    refused(scarcegan("run", "--json", "--run-id-file=mine"), "expected --json or --run-id-file, got both")


def test_a_flow_is_told_when_the_command_is_ended(flow, tmp_path):
    script = flow("first", seconds=60)
    start = (
        "import sys, scarcegan.project as project\n"
        f"project.flow_file = lambda _: {str(script)!r}\n"
        "print(project.run_flow('retrain', ['--run-id-file', 'id']), flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", start], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as command:
        command.stderr.readline()
        os.kill(command.pid, signal.SIGTERM)
        assert int(command.stdout.read()) == -signal.SIGTERM
