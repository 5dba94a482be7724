"""A retraining that drift asks for is started once, on the snapshot that was scored, and says why."""

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import metaflow
import pytest

from scarcegan.monitoring.drift import StartedRetraining
from scarcegan.monitoring.watch import retrainings_of
from scarcegan.problems import PreflightProblem, Problem, SettingsProblem
from scarcegan.settings import load
from scarcegan.snapshots import open_snapshots

HERE = Path(__file__).resolve().parent
TRIGGER = HERE.parents[1] / "flows" / "retrain_trigger.py"


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
    return retrainings_of(settings.registry.group, open_snapshots(settings.snapshots.folder))


def started_by(settings, snapshot):
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
def test_the_run_is_on_that_snapshot_with_that_configuration_and_tagged_with_its_cause(home, trigger):
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
    stub = HERE / "stub_retrain_flow.py"
    found = [trigger._run_before(run, "players-2026-01-01", stub) for run in (asking.pathspec, "StubAskingFlow/0")]
    assert found == [started.pathspec, None]  # what a resume looks for


@pytest.fixture
def trigger(monkeypatch):
    """The module, with a Runner that finds no run."""

    def refuse(*arguments, **options):
        raise RuntimeError("no run id")

    spec = importlib.util.spec_from_file_location("retrain_trigger", TRIGGER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "Runner", refuse)
    return module


def settings_of(tmp_path, source="snapshot"):
    return load({"data": {"source": source}, "snapshots": {"folder": str(tmp_path / "snapshots")}})


def test_what_could_not_be_started_may_be_started_later(trigger, tmp_path):
    settings = settings_of(tmp_path)
    with pytest.raises(Problem, match="got none: no run id"):
        trigger.start_retraining({"causes": ["recall"]}, "a", "ScoreFlow/1", "config.toml", settings)
    assert started_by(settings, "a") is None


@pytest.fixture
def state_machines(aws, aws_account, monkeypatch):
    """Step Functions, as the deployed ScoreFlow of prod sees it; returns a function that deploys another flow."""
    monkeypatch.setenv("SFN_STATE_MACHINE", "scarcegan.prod.ScoreFlow")
    definition = '{"StartAt": "start", "States": {"start": {"Type": "Pass", "End": true}}}'
    role = "arn:aws:iam::123456789012:role/states"
    client = aws("stepfunctions")
    return client, lambda name: client.create_state_machine(name=name, definition=definition, roleArn=role)


def test_a_deployed_scoring_starts_the_retraining_deployed_beside_it(trigger, tmp_path, state_machines):
    client, deploy = state_machines
    for environment in ("prod", "test.staging"):
        deploy(f"scarcegan.{environment}.RetrainFlow")
    settings = settings_of(tmp_path)
    pathspec = trigger.start_retraining({"causes": ["recall"]}, "a", "ScoreFlow/1", "config.toml", settings)
    [machine] = [one for one in client.list_state_machines()["stateMachines"] if ".prod." in one["name"]]
    [execution] = client.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
    assert pathspec == f"RetrainFlow/sfn-{execution['executionArn'].rpartition(':')[2]}"
    told = client.describe_execution(executionArn=execution["executionArn"])["input"]
    assert json.loads(json.loads(told)["Parameters"]) == {"snapshot": "a"}


def test_where_no_retraining_is_deployed_it_may_be_started_later(trigger, tmp_path, state_machines):
    settings = settings_of(tmp_path)
    with pytest.raises(Problem, match="doesn't exist"):
        trigger.start_retraining({"causes": ["recall"]}, "a", "ScoreFlow/1", "config.toml", settings)
    assert started_by(settings, "a") is None


def test_a_run_that_died_after_it_had_asked_is_not_asked_twice(trigger, tmp_path, state_machines):
    client, deploy = state_machines
    machine = deploy("scarcegan.prod.RetrainFlow")["stateMachineArn"]
    asked = ({"causes": ["recall"]}, "a", "ScoreFlow/1", "config.toml", settings_of(tmp_path))
    first = trigger.start_retraining(*asked)
    [execution] = client.list_executions(stateMachineArn=machine)["executions"]
    assert trigger.start_retraining(*asked) == first  # resumed while it still trains
    client.stop_execution(executionArn=execution["executionArn"])
    assert trigger.start_retraining(*asked) == first
    assert len(client.list_executions(stateMachineArn=machine)["executions"]) == 1


class Executing:
    """A Runner whose runs end with this code."""

    def __init__(self, returncode):
        self.returncode, self.run, self.asked = returncode, SimpleNamespace(pathspec="RetrainFlow/7", id="7"), []

    def __call__(self, *arguments, **options):
        return contextlib.nullcontext(SimpleNamespace(run=self._run))

    def _run(self, **given):
        self.asked.append(given)
        return SimpleNamespace(returncode=self.returncode, run=self.run)


def known_runs(monkeypatch, trigger, *found):
    """Let Metaflow know these runs of RetrainFlow, each a pathspec and a tag."""

    def runs():
        return [SimpleNamespace(pathspec=pathspec, id=pathspec.split("/")[1], tags={tag}) for pathspec, tag in found]

    monkeypatch.setattr(trigger, "Flow", lambda name, **options: {"RetrainFlow": SimpleNamespace(runs=runs)}[name])


def test_another_runs_retraining_is_not_started_again(trigger, tmp_path, capsys):
    settings = settings_of(tmp_path)
    record_of(settings).claim("a", StartedRetraining("a", "ScoreFlow/1"))
    assert trigger.start_retraining({"causes": []}, "a", "ScoreFlow/2", "config.toml", settings) is None
    assert "one was started by ScoreFlow/1" in capsys.readouterr().out


def resume_after_a_claim(trigger, tmp_path, monkeypatch, started_by):
    """Ask again for the retraining that ScoreFlow/1 has claimed; a run that `started_by` has started is known."""
    settings, runner = settings_of(tmp_path), Executing(0)
    monkeypatch.setattr(trigger, "Runner", runner)
    known_runs(monkeypatch, trigger, ("RetrainFlow/3", f"by:{started_by}"))
    record_of(settings).claim("a", StartedRetraining("a", "ScoreFlow/1"))
    return trigger.start_retraining({"causes": []}, "a", "ScoreFlow/1", "config.toml", settings), runner.asked


def test_a_claim_whose_run_died_before_the_start_is_made_good_by_its_resume(trigger, tmp_path, monkeypatch):
    started, asked = resume_after_a_claim(trigger, tmp_path, monkeypatch, "ScoreFlow/9")
    assert started == "RetrainFlow/7"
    assert [given["snapshot"] for given in asked] == ["a"]


def test_a_resume_finds_the_retraining_that_was_started_before(trigger, tmp_path, monkeypatch):
    started, asked = resume_after_a_claim(trigger, tmp_path, monkeypatch, "ScoreFlow/1")
    assert started == "RetrainFlow/3"
    assert asked == []


def test_a_retraining_that_fails_is_told_and_not_started_again(trigger, tmp_path, monkeypatch):
    settings = settings_of(tmp_path)
    monkeypatch.setattr(trigger, "Runner", Executing(1))
    with pytest.raises(Problem, match=r"RetrainFlow/7 .* failed.* resume --origin-run-id 7"):
        trigger.start_retraining({"causes": []}, "a", "ScoreFlow/1", "config.toml", settings)
    assert started_by(settings, "a") == "ScoreFlow/1"


def test_a_resume_inside_a_small_job_is_refused(trigger, tmp_path, monkeypatch):
    """It does not pass the check in `start`."""
    settings = settings_of(tmp_path)
    settings = settings.model_copy(
        update={"monitoring": settings.monitoring.model_copy(update={"start_retraining": True})}
    )
    monkeypatch.setenv("AWS_BATCH_JOB_ID", "1")
    with pytest.raises(PreflightProblem, match="in which all of RetrainFlow would run"):
        trigger.start_retraining({"causes": []}, "a", "ScoreFlow/1", "config.toml", settings)
    assert started_by(settings, "a") is None


def test_a_configuration_that_trains_on_no_snapshot_is_refused(trigger, tmp_path):
    settings = settings_of(tmp_path, "simulated")
    with pytest.raises(SettingsProblem, match=r"got data.source 'simulated': set data.source = 'snapshot'"):
        trigger.start_retraining({"causes": []}, "a", "ScoreFlow/1", "config.toml", settings)
    assert started_by(settings, "a") is None


def test_a_person_is_told_the_command_that_does_the_same(trigger):
    told = trigger.command({"causes": ["recall"]}, "players-2026-01-01", "ScoreFlow/1", "config/mine.toml")
    assert told == (
        "python flows/retrain_flow.py --config config config/mine.toml run --snapshot players-2026-01-01 "
        "--tag cause:drift --tag drift:recall --tag snapshot:players-2026-01-01 --tag by:ScoreFlow/1"
    )
