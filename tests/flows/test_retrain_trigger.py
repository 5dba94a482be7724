"""A retraining that drift asks for is started once, on the snapshot that was scored, and says why."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import metaflow
import pytest
import retrain_trigger
from retrain_trigger import Retraining

from scarcegan.machine import this_process
from scarcegan.monitoring.drift import StartedRetraining
from scarcegan.monitoring.watch import retrainings_of
from scarcegan.problems import PreflightProblem, Problem, SettingsProblem
from scarcegan.settings import load

HERE = Path(__file__).resolve().parent


@pytest.fixture
def home(tmp_path):
    (tmp_path / ".metaflow").mkdir()
    return tmp_path


def ask(home):
    """Run the flow that asks for a retraining; returns the process and the settings."""
    text = f'[data]\nsource = "snapshot"\n[snapshots]\nfolder = "{home}/snapshots"\n[registry]\ngroup = "shelf"\n'
    (home / "tiny.toml").write_text(text)
    command = [sys.executable, str(HERE / "stub_asking_flow.py"), "--config", "config", str(home / "tiny.toml"), "run"]
    done = subprocess.run(
        command, cwd=home, env=os.environ | {"USERNAME": "tester"}, capture_output=True, text=True, check=False
    )
    return done, load({"snapshots": {"folder": f"{home}/snapshots"}, "registry": {"group": "shelf"}})


def record_of(settings):
    return retrainings_of(settings.snapshots, settings.registry.group)


def started_by(settings, snapshot="a"):
    found = record_of(settings).find(snapshot, StartedRetraining)
    return found and found.by


def runs(home, flow):
    metaflow.metadata(f"local@{home}")
    metaflow.namespace(None)
    try:
        return list(metaflow.Flow(flow))
    except metaflow.exception.MetaflowNotFound:
        return []


@pytest.mark.slow
def test_the_run_is_on_that_snapshot_with_that_configuration_and_tagged_with_its_cause(home):
    done, settings = ask(home)
    assert done.returncode == 0, done.stdout + done.stderr
    (asking,), (started,) = runs(home, "StubAskingFlow"), runs(home, "StubRetrainFlow")
    assert asking.data.retraining == started.pathspec
    assert (started.data.trained_on, started.data.group) == ("players-2026-01-01", "shelf")
    tags = {"cause:drift", "drift:classifier", "drift:recall", "snapshot:players-2026-01-01"}
    assert tags | {f"by:{asking.pathspec}"} <= started.user_tags
    assert started_by(settings, "players-2026-01-01") == asking.pathspec
    again, _ = ask(home)  # another scoring of the same snapshot
    assert again.returncode == 0, again.stdout + again.stderr
    assert runs(home, "StubAskingFlow")[0].data.retraining is None
    assert len(runs(home, "StubRetrainFlow")) == 1
    # What a resume looks for.
    stub = HERE / "stub_retrain_flow.py"
    wanted = Retraining("a", (), "", "", flow=stub)
    found = [wanted._found(StartedRetraining("a", run)) for run in (asking.pathspec, "StubAskingFlow/0")]
    assert [run and run.pathspec for run in found] == [started.pathspec, None]


@pytest.fixture(autouse=True)
def runner(monkeypatch):
    """A function that sets how a run ends; until it is called, Runner finds no run."""

    def refuse(*arguments, **options):
        raise RuntimeError("no run id")

    monkeypatch.setattr(retrain_trigger, "Runner", refuse)
    return lambda executing: monkeypatch.setattr(retrain_trigger, "Runner", executing)


def settings_of(tmp_path, source="snapshot", **sections):
    return load({"data": {"source": source}, "snapshots": {"folder": str(tmp_path / "snapshots")}} | sections)


@pytest.fixture
def settings(tmp_path):
    return settings_of(tmp_path)


def wanted(asked_by="ScoreFlow/1"):
    return Retraining("a", ("recall",), asked_by, "config.toml")


def test_what_could_not_be_started_may_be_started_later(settings):
    with pytest.raises(Problem, match="got none: no run id"):
        wanted().start(settings)
    assert started_by(settings) is None


@pytest.fixture
def state_machines(aws, aws_account, monkeypatch):
    """Step Functions, as the deployed ScoreFlow of prod sees it; returns a function that deploys another flow."""
    monkeypatch.setenv("SFN_STATE_MACHINE", "scarcegan.prod.ScoreFlow")
    definition = '{"StartAt": "start", "States": {"start": {"Type": "Pass", "End": true}}}'
    role = "arn:aws:iam::123456789012:role/states"
    client = aws("stepfunctions")
    return client, lambda name: client.create_state_machine(name=name, definition=definition, roleArn=role)


def test_a_deployed_scoring_starts_the_retraining_deployed_beside_it(settings, state_machines):
    client, deploy = state_machines
    for environment in ("prod", "test.staging"):
        deploy(f"scarcegan.{environment}.RetrainFlow")
    pathspec = wanted().start(settings)
    [machine] = [one for one in client.list_state_machines()["stateMachines"] if ".prod." in one["name"]]
    [execution] = client.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
    assert pathspec == f"RetrainFlow/sfn-{execution['executionArn'].rpartition(':')[2]}"
    told = client.describe_execution(executionArn=execution["executionArn"])["input"]
    assert json.loads(json.loads(told)["Parameters"]) == {"snapshot": "a"}


@pytest.mark.usefixtures("state_machines")
def test_where_no_retraining_is_deployed_it_may_be_started_later(settings):
    with pytest.raises(Problem, match="doesn't exist"):
        wanted().start(settings)
    assert started_by(settings) is None


def test_a_run_that_died_after_it_had_asked_is_not_asked_twice(settings, state_machines):
    client, deploy = state_machines
    machine = deploy("scarcegan.prod.RetrainFlow")["stateMachineArn"]
    first = wanted().start(settings)
    [execution] = client.list_executions(stateMachineArn=machine)["executions"]
    assert wanted().start(settings) == first  # resumed while it still trains
    client.stop_execution(executionArn=execution["executionArn"])
    assert wanted().start(settings) == first
    assert len(client.list_executions(stateMachineArn=machine)["executions"]) == 1


class Executing:
    """A Runner whose runs end with this code."""

    def __init__(self, returncode):
        self.returncode, self.run, self.asked = returncode, SimpleNamespace(pathspec="RetrainFlow/7", id="7"), []

    def __call__(self, *arguments, **options):
        return contextlib.nullcontext(SimpleNamespace(run=self._run))

    def _run(self, **given):
        self.asked.append(given["snapshot"])
        return SimpleNamespace(returncode=self.returncode, run=self.run)


def test_another_runs_retraining_is_not_started_again(settings, monkeypatch, capsys):
    known_runs(monkeypatch, None)
    record_of(settings).claim("a", StartedRetraining("a", "ScoreFlow/1"))
    assert wanted("ScoreFlow/2").start(settings) is None
    assert "one was started by ScoreFlow/1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("known_run_by", "returned", "asked"),
    [("ScoreFlow/9", "RetrainFlow/7", ["a"]), ("ScoreFlow/1", "RetrainFlow/3", [])],
    ids=["the run died before the start", "the retraining was started before"],
)
def test_a_resume_after_a_claim_starts_what_was_not_started(
    settings, runner, monkeypatch, known_run_by, returned, asked
):
    known = SimpleNamespace(pathspec="RetrainFlow/3", id="3", tags={f"by:{known_run_by}"})
    flows = {"RetrainFlow": SimpleNamespace(runs=lambda: [known])}
    monkeypatch.setattr(retrain_trigger, "Flow", lambda name, **options: flows[name])
    monkeypatch.setattr(retrain_trigger, "state_of", lambda run: ("finished", "end"))
    runner(executing := Executing(0))
    record_of(settings).claim("a", StartedRetraining("a", "ScoreFlow/1"))
    assert wanted().start(settings) == returned
    assert executing.asked == asked


def known_runs(monkeypatch, state, by="ScoreFlow/1"):
    """Let Metaflow know one retraining that a run has started, in this state."""
    runs = [SimpleNamespace(pathspec="RetrainFlow/3", id="3", tags={f"by:{by}"})] if state else []
    monkeypatch.setattr(retrain_trigger, "Flow", lambda name, **options: SimpleNamespace(runs=lambda: runs))
    monkeypatch.setattr(retrain_trigger, "state_of", lambda run: (state, "train"))


def a_dead_process():
    done = subprocess.Popen([sys.executable, "-c", "pass"])
    done.wait()
    host, _, began = this_process().split(" ")
    return f"{host} {done.pid} {began}"


RESUME = "resume --origin-run-id 3`"


@pytest.mark.reliability(
    case="ScoreFlow dies while its retraining runs",
    sees="in the next scoring: that it runs, has finished or failed, and how to resume it",
    resume="the printed command goes on with it",
)
@pytest.mark.parametrize(
    ("state", "process", "told"),
    [
        ("unfinished", this_process, "RetrainFlow/3, started by ScoreFlow/1, is unfinished\n"),
        ("unfinished", a_dead_process, "the process that waited for it is gone: unless it still runs, `python"),
        ("unfinished", lambda: "elsewhere 1 2", RESUME),
        ("failed", a_dead_process, "is failed in step train: `python"),
        ("failed", a_dead_process, RESUME),
        ("finished", a_dead_process, "RetrainFlow/3, started by ScoreFlow/1, is finished\n"),
    ],
)
def test_the_next_scoring_says_what_became_of_a_retraining(settings, monkeypatch, capsys, state, process, told):
    known_runs(monkeypatch, state)
    record_of(settings).claim("a", StartedRetraining("a", "ScoreFlow/1", process()))
    assert wanted("ScoreFlow/2").start(settings) is None
    assert told in capsys.readouterr().out


@pytest.mark.reliability(
    case="ScoreFlow dies before its retraining has begun",
    sees="nothing: the next scoring starts it",
    resume="starts it as well",
)
def test_a_retraining_whose_starter_died_before_it_began_is_started_by_the_next_scoring(settings, runner, monkeypatch):
    known_runs(monkeypatch, None)
    runner(executing := Executing(0))
    record_of(settings).claim("a", StartedRetraining("a", "ScoreFlow/1", a_dead_process()))
    assert wanted("ScoreFlow/2").start(settings) == "RetrainFlow/7"
    assert executing.asked == ["a"]
    found = record_of(settings).find("a", StartedRetraining)
    assert (found.by, found.state, found.run) == ("ScoreFlow/2", "finished", "RetrainFlow/7")


@pytest.mark.parametrize("state", ["finished", "failed"])
def test_the_record_tells_of_a_retraining_whose_runs_cannot_be_found_from_here(settings, monkeypatch, capsys, state):
    known_runs(monkeypatch, None)
    ended = StartedRetraining("a", "ScoreFlow/1", a_dead_process(), state, "RetrainFlow/3")
    record_of(settings).claim("a", ended)
    assert wanted("ScoreFlow/2").start(settings) is None
    assert f"RetrainFlow/3, started by ScoreFlow/1, is {state}" in capsys.readouterr().out


def test_one_that_may_still_begin_is_not_started_twice(settings, monkeypatch, capsys):
    known_runs(monkeypatch, None)
    record_of(settings).claim("a", StartedRetraining("a", "ScoreFlow/1", this_process()))
    assert wanted("ScoreFlow/2").start(settings) is None
    assert "one was started by ScoreFlow/1" in capsys.readouterr().out


def test_a_retraining_that_fails_is_told_and_not_started_again(settings, runner):
    runner(Executing(1))
    with pytest.raises(Problem, match=r"RetrainFlow/7 .* failed.* resume --origin-run-id 7"):
        wanted().start(settings)
    found = record_of(settings).find("a", StartedRetraining)
    assert (found.by, found.state, found.run) == ("ScoreFlow/1", "failed", "RetrainFlow/7")


def test_a_resume_inside_a_small_job_is_refused(tmp_path, monkeypatch):
    """It does not pass the check in `start`."""
    settings = settings_of(tmp_path, monitoring={"start_retraining": True})
    monkeypatch.setenv("AWS_BATCH_JOB_ID", "1")
    with pytest.raises(PreflightProblem, match="in which all of RetrainFlow would run"):
        wanted().start(settings)
    assert started_by(settings) is None


def test_a_configuration_that_trains_on_no_snapshot_is_refused(tmp_path):
    settings = settings_of(tmp_path, "simulated")
    with pytest.raises(SettingsProblem, match=r"got data.source 'simulated': set data.source = 'snapshot'"):
        wanted().start(settings)
    assert started_by(settings) is None


def test_a_person_is_told_the_command_that_does_the_same():
    assert Retraining("players-2026-01-01", ("recall",), "ScoreFlow/1", "config/mine.toml").command == (
        "python flows/retrain_flow.py --config config config/mine.toml run --snapshot players-2026-01-01 "
        "--tag cause:drift --tag drift:recall --tag snapshot:players-2026-01-01 --tag by:ScoreFlow/1"
    )
