"""What a run is expected to cost, and what it took: time, memory and GPU beside what was asked for, and its price."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from scarcegan import words
from scarcegan.costs.records import Bill, Estimate, StepCost, TaskUsage
from scarcegan.settings import Folds, Prices, Resources, Train
from scarcegan.settings.steps import RETRAIN_FLOW, STEPS, request_of

# Milliseconds of training per member and iteration, more than benchmarks/training.py measures on CPUs.
MEMBER_ITERATION_MS = 0.3
# Minutes of a task beside training: a machine starts, the image is pulled, data are read.
TASK_MINUTES = 4.0
# A job that takes ten times what is expected hangs, or has another machine than it asked for; how long features and
# scores of so many players take is not estimated.
LIMIT_X, LEAST_LIMIT_HOURS = 10, 6
# Advice for the next run: memory gets a margin over its peak, as data grow, in steps of half a gigabyte.
MEMORY_MARGIN = 1.3
MEMORY_STEP_MB = 512
# A step that used more than this share of its memory may be killed next time; one below the idle share wastes it.
TIGHT_SHARE = 0.9
IDLE_SHARE = 0.5
GPU_IDLE_SHARE = 0.3


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


def bill(
    usage: Sequence[TaskUsage],
    sections: Mapping[str, str],
    prices: Prices,
    *,
    rented: bool,
    expected_money: float | None = None,
) -> Bill:
    """Add up a run's tasks, those of a step side by side; an attempt that failed left no measurements and is not in it.

    `sections` tells which of `[resources]` each step runs on, `rented` whether that was on AWS Batch: on a machine of
    one's own, `money` is what Batch would have cost.
    """
    steps = [_step(name, list(tasks), prices) for name, tasks in itertools.groupby(usage, lambda task: task.step)]
    return Bill(
        currency=prices.currency,
        money=sum(step.money for step in steps),
        expected_money=expected_money,
        hours=sum(step.wall_s for step in steps) / 3600,
        gpu_hours=sum(task.wall_s * task.gpu for task in usage) / 3600,
        rented=rented,
        retries=sum(task.attempt for task in usage),
        steps=[replace(step, suggestion=_suggestion(step, steps, sections)) for step in steps],
    )


def _step(name: str, tasks: Sequence[TaskUsage], prices: Prices) -> StepCost:
    cpu_s = sum(task.cpu_s for task in tasks)
    gpu_shares = [task.gpu_used_share for task in tasks if task.gpu_used_share is not None]
    return StepCost(
        step=name,
        tasks=len(tasks),
        wall_s=sum(task.wall_s for task in tasks),
        cpu_s=cpu_s,
        cpu=tasks[0].cpu,
        cpu_used_share=cpu_s / sum(task.wall_s * task.cpu for task in tasks),
        peak_memory_mb=max(task.peak_memory_mb for task in tasks),
        memory_mb=tasks[0].memory_mb,
        gpu=tasks[0].gpu,
        gpu_used_share=sum(gpu_shares) / len(gpu_shares) if gpu_shares else None,
        money=sum(task.wall_s / 3600 * hourly_price(task.cpu, task.memory_mb, task.gpu, prices) for task in tasks),
    )


def _suggestion(step: StepCost, steps: Sequence[StepCost], sections: Mapping[str, str]) -> str:
    """Say what to ask for next time; empty where the request fits."""
    # Steps that share a section share its request: less is suggested only for the step that needs most of it.
    peers = [other for other in steps if sections[other.step] == sections[step.step]]
    section = f"resources.{sections[step.step]}"
    advice = []
    wanted_mb = math.ceil(step.peak_memory_mb * MEMORY_MARGIN / MEMORY_STEP_MB) * MEMORY_STEP_MB
    wanted_mb = max(wanted_mb, 2 * MEMORY_STEP_MB)
    if step.peak_memory_mb > TIGHT_SHARE * step.memory_mb:
        advice.append(f"raise {section}.memory_mb to {words.setting(wanted_mb)}")
    elif step is max(peers, key=lambda one: one.peak_memory_mb) and wanted_mb <= IDLE_SHARE * step.memory_mb:
        advice.append(f"{section}.memory_mb = {words.setting(wanted_mb)} would do")
    busiest = step is max(peers, key=lambda one: one.cpu_used_share)
    if busiest and step.cpu > 1 and step.cpu_used_share < IDLE_SHARE:
        # With so many CPUs the same work keeps each busy for up to nine tenths of the time.
        advice.append(f"{section}.cpu = {max(1, math.ceil(step.cpu * step.cpu_used_share / TIGHT_SHARE))} would do")
    if step.gpu_used_share is not None and step.gpu_used_share < GPU_IDLE_SHARE:
        advice.append("the GPU idles: train more members side by side, or on CPUs (resources.train.gpu = 0)")
    return "; ".join(advice)
