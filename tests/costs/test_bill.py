import pytest

from scarcegan.costs import TaskUsage, bill
from scarcegan.settings import Prices
from scarcegan.settings.steps import STEPS

PRICES = Prices(vcpu_hour=1, gb_hour=0.5, gpu_hour=10, currency="EUR")


def task(step="train", index=None, **changes):
    usual = {"wall_s": 1800, "cpu_s": 5400, "peak_memory_mb": 6000, "gpu_used_share": 0.7}
    asked = {"cpu": 4, "memory_mb": 8192, "gpu": 1, "attempt": 0}
    return TaskUsage(step=step, index=index, **(usual | asked | changes))


def billed(*tasks):
    return bill(tasks, STEPS["RetrainFlow"], PRICES, expected_money=3.5, rented=True)


def test_a_task_costs_its_request_for_its_time():
    cost = billed(task())
    assert cost.money == pytest.approx(0.5 * (4 + 8 * 0.5 + 10))
    assert (cost.hours, cost.gpu_hours, cost.currency) == (0.5, 0.5, "EUR")


def test_the_tasks_of_a_step_are_added_up_and_their_highest_memory_taken():
    cost = billed(task("start", gpu=0), task(index=0), task(index=1, wall_s=3600, peak_memory_mb=7000))
    start, train = cost.steps
    assert (start.step, start.tasks, start.gpu) == ("start", 1, 0)
    assert (train.tasks, train.wall_s, train.cpu_s, train.peak_memory_mb) == (2, 5400, 10800, 7000)
    assert train.cpu_used_share == pytest.approx(10800 / (5400 * 4))
    assert train.gpu_used_share == pytest.approx(0.7)
    assert cost.money == pytest.approx(sum(step.money for step in cost.steps))


def test_attempts_that_failed_are_counted():
    assert billed(task(index=0, attempt=2), task(index=1)).retries == 2


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        ({}, ""),
        ({"peak_memory_mb": 7800}, "raise resources.train.memory_mb to 10240"),
        ({"peak_memory_mb": 2000}, "resources.train.memory_mb = 3072 would do"),
        ({"cpu_s": 1800}, "resources.train.cpu = 2 would do"),
        ({"gpu_used_share": 0.1}, "the GPU idles"),
        ({"gpu_used_share": None}, ""),
    ],
)
def test_the_next_run_is_told_what_to_ask_for(change, advice):
    (step,) = billed(task(**change)).steps
    assert step.suggestion.startswith(advice)
    assert bool(step.suggestion) == bool(advice)


def test_steps_that_share_a_request_are_advised_for_the_hungriest_of_them():
    small = {"cpu": 1, "memory_mb": 4096, "gpu": 0, "cpu_s": 1700}
    cost = billed(
        task("start", **small | {"peak_memory_mb": 400}), task("register", **small | {"peak_memory_mb": 1300})
    )
    start, register = cost.steps
    assert start.suggestion == ""
    assert register.suggestion == "resources.small.memory_mb = 2048 would do"
