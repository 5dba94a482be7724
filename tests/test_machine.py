import pytest

from scarcegan import machine
from scarcegan.machine import BATCH_JOB, WORKERS, cores, threads_per_task


@pytest.fixture(autouse=True)
def four_cores(monkeypatch):
    monkeypatch.setattr(machine, "cores", lambda: 4)


@pytest.mark.parametrize(
    ("tasks", "workers", "threads"), [(5, "4", 1), (5, "2", 2), (1, "4", 4), (2, "4", 2), (3, "4", 1), (9, "8", 1)]
)
def test_tasks_side_by_side_share_the_cores(tasks, workers, threads):
    assert threads_per_task(tasks, {WORKERS: workers}, requested=1) == threads


def test_a_task_on_its_own_machine_takes_all_cores():
    assert threads_per_task(5, {}, requested=1) == 4


@pytest.mark.parametrize(("requested", "threads"), [(1, 1), (2, 2), (16, 4)])
def test_a_batch_job_takes_the_cores_it_asked_for(requested, threads):
    assert threads_per_task(5, {BATCH_JOB: "one", WORKERS: "4"}, requested) == threads


def test_there_is_at_least_one_core():
    assert cores() >= 1
