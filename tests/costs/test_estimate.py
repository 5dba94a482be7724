import pytest

from scarcegan.costs.bill import estimate, hourly_price, time_limit_seconds
from scarcegan.settings import Prices, load

# One hour of one CPU costs 1, of one GB 0.5, of one GPU 10.
PRICES = {"vcpu_hour": 1, "gb_hour": 0.5, "gpu_hour": 10}
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
    train = {"members": 10, "iterations": 1_200_000, "round_iterations": 50}
    found = expected(folds={"k": 3}, train=train, prices=PRICES, resources=REQUESTS)
    # 10 members x 1,200,000 iterations x 0.3 ms = 1 h, and 4 minutes around it, three times: 3.2 hours. And four small
    # tasks and two of preprocess' size, 4 minutes each.
    assert found.money == pytest.approx(3.2 * 18 + (4 * 1.5 + 2 * 4) / 15)
    assert found.sentence == (
        "Expected on AWS Batch: 3.20 GPU hours, 58.53 USD (3 folds x 10 members x 1,200,000 iterations)."
    )


def test_training_on_cpus_takes_no_gpu_hours():
    assert ": 0.00 GPU hours, " in expected(resources={"train": {"gpu": 0}}).sentence


def test_a_job_is_ended_after_ten_times_what_it_is_expected_to_take_and_not_before_six_hours():
    long, short = (load({"train": {"members": 10, "iterations": number}}).train for number in (1_200_000, 1_000))
    assert time_limit_seconds("train", long) == 10 * (3_600 + 240)
    assert {time_limit_seconds(step, short) for step in ("train", "score")} == {6 * 3_600}
