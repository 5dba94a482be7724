"""What a retraining will take and cost, said before it starts."""

from scarcegan import words
from scarcegan.costs.records import Estimate
from scarcegan.settings import Folds, Prices, Resources, Train
from scarcegan.settings.steps import RETRAIN_FLOW, STEPS, request_of

# Milliseconds of training per member and iteration, more than benchmarks/training.py measures on CPUs.
MEMBER_ITERATION_MS = 0.3
# Minutes of a task beside training: a machine starts, the image is pulled, data are read.
TASK_MINUTES = 4.0
# A job that takes ten times what is expected hangs, or has another machine than it asked for; how long features and
# scores of so many players take is not estimated.
LIMIT_X, LEAST_LIMIT_HOURS = 10, 6


def hourly_price(cpu: int, memory_mb: int, gpu: int, prices: Prices) -> float:
    """Price an hour of what a task asks for: Batch charges the request, used or not."""
    return cpu * prices.vcpu_hour + memory_mb / 1024 * prices.gb_hour + gpu * prices.gpu_hour


def estimate(resources: Resources, prices: Prices, folds: Folds, train: Train) -> Estimate:
    """Estimate the GPU hours and the money of one run of RetrainFlow without failures."""
    money, gpu_hours = 0.0, 0.0
    for step, section in STEPS[RETRAIN_FLOW].items():
        asked = request_of(resources, section)
        trains = step == "train"
        hours = (folds.k if trains else 1) * _task_hours(train if trains else None)
        money += hours * hourly_price(asked.cpu, asked.memory_mb, asked.gpu, prices)
        gpu_hours += hours * asked.gpu
    sentence = (
        f"Expected on AWS Batch: {words.score(gpu_hours)} GPU hours, {words.money(money, prices.currency)} "
        f"({folds.k} folds x {train.members} members x {words.count(train.iterations)} iterations)."
    ).replace(words.GAP, " ")
    return Estimate(money, sentence)


def time_limit_seconds(step: str, train: Train) -> int:
    """Return after how many seconds AWS Batch ends a task of a step."""
    return round(3_600 * max(LEAST_LIMIT_HOURS, LIMIT_X * _task_hours(train if step == "train" else None)))


def _task_hours(train: Train | None) -> float:
    training_ms = train.members * train.iterations * MEMBER_ITERATION_MS if train else 0.0
    return TASK_MINUTES / 60 + training_ms / 3_600_000
