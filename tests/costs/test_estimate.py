import pytest

from scarcegan.costs.estimate import estimate, hourly_price
from scarcegan.settings import Prices, load

# One hour of one CPU costs 1, of one GB 0.5, of one GPU 10; a task takes 6 minutes beside training.
PRICES = {"vcpu_hour": 1, "gb_hour": 0.5, "gpu_hour": 10, "member_iteration_ms": 3.6, "task_minutes": 6}
REQUESTS = {
    "small": {"cpu": 1, "memory_mb": 1024},
    "preprocess": {"cpu": 2, "memory_mb": 4096},
    "train": {"cpu": 4, "memory_mb": 8192, "gpu": 1},
}


def expected(**sections):
    settings = load(sections)
    return estimate(settings.resources, settings.prices, settings.folds, settings.train)


def test_an_hour_costs_what_is_asked_for():
    assert hourly_price(4, 8192, 1, Prices(vcpu_hour=1, gb_hour=0.5, gpu_hour=10)) == 4 + 4 + 10


def test_training_time_is_members_times_iterations_in_each_fold_and_all_steps_are_paid():
    train = {"members": 10, "iterations": 100_000, "round_iterations": 50}
    found = expected(folds={"k": 3}, train=train, prices=PRICES, resources=REQUESTS)
    # 10 members x 100,000 iterations x 3.6 ms = 1 h, and 0.1 h around it, three times.
    assert found.gpu_hours == pytest.approx(3.3)
    # And four small tasks and two of preprocess' size, 0.1 h each.
    assert found.money == pytest.approx(3.3 * 18 + 4 * 0.1 * 1.5 + 2 * 0.1 * 4)
    assert found.sentence == (
        "Expected on AWS Batch: 3.30 GPU hours, 60.80 USD (3 folds x 10 members x 100,000 iterations)."
    )


def test_training_on_cpus_takes_no_gpu_hours():
    assert expected(resources={"train": {"gpu": 0}}).gpu_hours == 0
