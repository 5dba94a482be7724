"""What each step of a flow gets without asking: resources, queue, image, metering, plain refusals."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from metaflow.datastore.spin_datastore import SpinTaskDatastore
from metaflow.exception import METAFLOW_EXIT_DISALLOW_RETRY

from project_flow import NothingStarted, ProjectFlow, refuses_plainly, sections_of
from scarcegan.machine import COMMIT
from scarcegan.problems import DataProblem, Outage, SettingsProblem, StorageOutage
from scarcegan.settings.steps import STEPS

ROOT = Path(__file__).resolve().parents[2]
# Runs a flow's own command line up to its decorators, in a process of its own: Metaflow keeps global state.
SHOW = """
import json, sys
from metaflow import decorators
from retrain_flow import RetrainFlow

def show(flow, *_, **__):
    asked = {step.__name__: {deco.name: deco.attributes for deco in step.decorators} for step in flow}
    wraps = {step.__name__: [wrap.decorator_name for wrap in step.wrappers] for step in flow}
    print("ASKED" + json.dumps([asked, wraps], default=str))
    sys.exit()

started = decorators._init_step_decorators
def init(flow, *rest, **named):
    started(flow, *rest, **named)
    show(flow)
decorators._init_step_decorators = init
RetrainFlow()
"""


def asked(folder, *options, config=""):
    """Return each step's decorators with their attributes."""
    return decorated(folder, *options, config=config)[0]


def decorated(folder, *options, config=""):
    (folder / "own.toml").write_text(config)
    environment = dict(
        os.environ,
        PYTHONPATH=os.pathsep.join([str(ROOT / "flows"), str(ROOT)]),
        METAFLOW_DATASTORE_SYSROOT_S3="s3://models/metaflow",
        METAFLOW_BATCH_JOB_QUEUE="everybodys",
        METAFLOW_BATCH_CONTAINER_IMAGE="plain",
        METAFLOW_DEFAULT_DATASTORE="s3" if options else "local",
        AWS_ACCESS_KEY_ID="testing",
        AWS_SECRET_ACCESS_KEY="testing",
        AWS_DEFAULT_REGION="eu-west-1",
        AWS_ENDPOINT_URL="http://127.0.0.1:9",
        USERNAME="tester",
    )
    command = [sys.executable, "-c", SHOW, "--config", "config", "own.toml", "run", *options]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    [line] = [line for line in done.stdout.splitlines() if line.startswith("ASKED")] or [pytest.fail(done.stderr)]
    return json.loads(line.removeprefix("ASKED"))


CONFIG = """
[resources.train]
cpu = 8
queue = "fast-gpus"
image = "gpu-image:1"
[resources.small]
memory_mb = 2_048
"""


@pytest.fixture(scope="module")
def on_batch(tmp_path_factory):
    return asked(tmp_path_factory.mktemp("batch"), "--with", "batch", config=CONFIG)


def test_every_step_asks_for_something(on_batch):
    assert all({"resources", "batch"} <= set(decorators) for decorators in on_batch.values())


def test_training_gets_its_gpu_its_queue_and_its_image(on_batch):
    batch = on_batch["train"]["batch"]
    chosen = {key: batch[key] for key in ("cpu", "memory", "gpu", "queue", "image")}
    assert chosen == {"cpu": "8", "memory": "15000", "gpu": "1", "queue": "fast-gpus", "image": "gpu-image:1"}


def test_every_job_has_a_time_limit(on_batch):
    assert {step: decorators["timeout"]["seconds"] for step, decorators in on_batch.items()} == dict.fromkeys(
        STEPS["RetrainFlow"], 6 * 3_600
    )


def test_what_the_configuration_leaves_open_is_metaflows_own(on_batch):
    for step in ("start", "select", "register", "end"):
        batch = on_batch[step]["batch"]
        assert (batch["queue"], batch["image"], batch["memory"]) == ("everybodys", "plain", "2048")


def test_a_laptop_run_has_no_batch_and_all_of_its_steps_are_metered_and_refuse_plainly(tmp_path):
    decorators, wraps = decorated(tmp_path)
    assert not any({"batch", "timeout"} & set(found) for found in decorators.values())
    assert list(wraps.values()) == [["project_flow.metered", "project_flow.refuses_plainly"]] * len(
        STEPS["RetrainFlow"]
    )


def test_the_command_line_outweighs_the_configuration(tmp_path):
    given = asked(tmp_path, "--with", "batch:queue=mine,memory=60000", config=CONFIG)
    batch = given["train"]["batch"]
    # Metaflow takes the larger request of two.
    assert (batch["queue"], batch["memory"], batch["image"]) == ("mine", "60000.0", "gpu-image:1")


def test_memory_raised_on_the_command_line_is_what_the_bill_counts(tmp_path):
    raised = asked(tmp_path, "--with", "batch:memory=10000", config=CONFIG)
    memory = {step: int(raised[step]["resources"]["memory"]) for step in ("select", "preprocess", "train")}
    # What a step asks for already is not lowered.
    assert memory == {"select": 10_000, "preprocess": 16_000, "train": 15_000}


def test_a_step_that_the_table_does_not_know_is_refused_with_where_to_add_it():
    with pytest.raises(NothingStarted, match=r"steps.py, got no section of \[resources\] for 'audit': add it there"):
        sections_of("RetrainFlow", [*STEPS["RetrainFlow"], "audit"])


def test_a_step_that_the_flow_does_not_have_is_refused_with_where_to_remove_it():
    with pytest.raises(NothingStarted, match=r"got 'end', which ScoreFlow does not have: remove it there"):
        sections_of("ScoreFlow", ["start", "score", "report"])


@pytest.fixture
def step_that_raised(monkeypatch):
    """Let a step raise a problem, and return what Metaflow is to raise instead."""
    config = SimpleNamespace(to_dict=lambda: {"notify": {}})
    flow = SimpleNamespace(name="RetrainFlow", config=config)

    def end(problem, attempt=0):
        monkeypatch.setattr("project_flow.current", SimpleNamespace(run_id="7", retry_count=attempt))
        around = refuses_plainly()
        around.pre_step("train", flow, None)
        return around.post_step("train", flow, problem)

    return end


def test_a_problem_ends_the_task_for_good(step_that_raised, capsys):
    with pytest.raises(SystemExit) as ended:
        step_that_raised(DataProblem("mend it"))
    assert ended.value.code == METAFLOW_EXIT_DISALLOW_RETRY
    assert capsys.readouterr().err == "DataProblem in step train:\nmend it\n"


@pytest.mark.parametrize("kind", [StorageOutage, Outage])
def test_an_outage_of_aws_is_left_to_metaflows_retry_and_told_in_words(step_that_raised, kind, capsys):
    with pytest.raises(SystemExit) as ended:
        step_that_raised(kind("cannot write s3://bucket/fold_0.npz; try again later"))
    assert ended.value.code == "This task is started again.", "Python prints it and exits with 1, which is retried"
    told = f"{kind.__name__} in step train:\ncannot write s3://bucket/fold_0.npz; try again later\n"
    assert capsys.readouterr().err == told


@pytest.mark.reliability(
    case="AWS stays down for longer than all tries",
    sees="one message in words, no traceback, and the command that resumes",
    resume="goes on with the step that had no answer",
)
def test_an_outage_that_outlasts_the_retries_ends_the_task_for_good(step_that_raised, capsys):
    with pytest.raises(SystemExit) as ended:
        step_that_raised(Outage("try again later"), attempt=2)
    assert ended.value.code == METAFLOW_EXIT_DISALLOW_RETRY
    assert capsys.readouterr().err == "Outage in step train:\ntry again later\n"


def test_every_step_is_retried_twice_at_once(tmp_path):
    found = asked(tmp_path)
    assert found.keys() == STEPS["RetrainFlow"].keys()
    assert {
        (int(step["retry"]["times"]), int(step["retry"]["minutes_between_retries"])) for step in found.values()
    } == {(2, 0)}


@pytest.mark.parametrize(("launched", "runs"), [("mended", "mended"), ("unknown", "noted"), (None, "noted")])
def test_a_resume_names_the_code_it_runs_unless_its_machine_knows_no_commit(monkeypatch, launched, runs):
    monkeypatch.delenv(COMMIT, raising=False)
    if launched:
        monkeypatch.setenv(COMMIT, launched)
    assert ProjectFlow.running_commit(SimpleNamespace(commit="noted")) == runs


def test_settings_of_a_run_that_other_code_has_started_are_refused_with_its_commit():
    resumed = SimpleNamespace(settings={"folds": {"k": 2}, "given_up": 1}, commit="0f0f0f")
    with pytest.raises(
        SettingsProblem, match=r"code 0f0f0f has started: go on with that code, or start a new run\nunkn"
    ):
        ProjectFlow.resolved(resumed)


def test_a_step_that_spin_tries_keeps_to_the_datastore_of_the_past_run():
    past = SimpleNamespace(TYPE="local")
    assert ProjectFlow.shared_prefix(SimpleNamespace(_datastore=SimpleNamespace(orig_datastore=past))) == ""


def test_a_step_that_spin_tries_alone_takes_artifacts_over_by_value():
    spun = SimpleNamespace(_datastore=object.__new__(SpinTaskDatastore), players={"ids": [1]}, fold=0)
    task = SimpleNamespace()
    ProjectFlow.merge_artifacts(task, [spun, spun], include=["players"])
    assert vars(task) == {"players": {"ids": [1]}}
