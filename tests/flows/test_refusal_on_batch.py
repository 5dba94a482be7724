"""A step that refuses is not tried again; in a Batch job neither, though Metaflow's wait forgets its exit code."""

from pathlib import Path

import pytest
from metaflow.exception import METAFLOW_EXIT_DISALLOW_RETRY

from scarcegan.problems import DataProblem, StorageOutage

WAIT = ["batch", "step", "train", "--run-id", "17", "--task-id", "4", "--retry-count", "0", "--queue", "gpu"]


@pytest.fixture
def refusal(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "flows")
    import refusal

    monkeypatch.setattr(refusal, "get_username", lambda: "ada")
    return refusal


@pytest.fixture
def step_that_raised(refusal):
    """Let a step raise a problem, and return what Metaflow is to raise in its stead."""

    def end(problem):
        around = refusal.refuses_plainly()
        around.pre_step("train", None, None)
        return around.post_step("train", None, problem)

    return end


def test_a_problem_ends_the_task_for_good(step_that_raised, capsys):
    with pytest.raises(SystemExit) as ended:
        step_that_raised(DataProblem("mend it"))
    assert ended.value.code == METAFLOW_EXIT_DISALLOW_RETRY
    assert capsys.readouterr().err == "DataProblem in step train:\nmend it\n"


def test_an_outage_of_s3_is_left_to_metaflows_retry(step_that_raised):
    outage = StorageOutage("cannot write s3://bucket/fold_0.npz")
    assert step_that_raised(outage) is outage


@pytest.fixture
def job_ended_with(refusal, monkeypatch):
    """Let the job that is waited for have an exit code."""

    def end(code):
        class Batch:
            def list_jobs(self, jobQueue, filters):
                assert jobQueue == "gpu"
                assert filters == [{"name": "JOB_NAME", "values": ["ada-RetrainFlow-17-train-4-0"]}]
                return {"jobSummaryList": [{"jobId": "1", "container": {"exitCode": code} if code else {}}]}

        monkeypatch.setattr(refusal, "get_aws_client", lambda _: Batch())

    return end


@pytest.mark.parametrize(
    ("job", "ends_with"), [(METAFLOW_EXIT_DISALLOW_RETRY, METAFLOW_EXIT_DISALLOW_RETRY), (137, 1), (1, 1), (None, 1)]
)
def test_the_wait_ends_as_a_refusing_job_did(refusal, job_ended_with, job, ends_with):
    job_ended_with(job)
    with pytest.raises(SystemExit) as ended, refusal.refusal_passed_on("RetrainFlow", WAIT):
        raise SystemExit(1)
    assert ended.value.code == ends_with


@pytest.mark.parametrize("arguments", [["run"], ["step", "train"], WAIT])
def test_what_went_well_asks_nobody(refusal, arguments):
    with pytest.raises(SystemExit) as ended, refusal.refusal_passed_on("RetrainFlow", arguments):
        raise SystemExit(0)
    assert ended.value.code == 0
