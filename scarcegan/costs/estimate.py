"""What a run will take and cost, said before it starts."""

from typing import Any

from scarcegan.settings import Prices, Settings

# Each step of RetrainFlow and the section under `[resources]` that it runs on.
SECTIONS = {
    "start": "small",
    "preprocess": "preprocess",
    "train": "train",
    "select": "small",
    "evaluate": "preprocess",
    "register": "small",
    "end": "small",
}


def hourly_price(cpu: float, memory_mb: float, gpu: float, prices: Prices) -> float:
    """Price an hour of what a task asks for; what it asks for is paid, used or not."""
    return cpu * prices.vcpu_hour + memory_mb / 1024 * prices.gb_hour + gpu * prices.gpu_hour


def estimate(settings: Settings) -> dict[str, Any]:
    """Expect the hours and the money of one run without failures.

    Returns:
        `currency`, `money`, `gpu_hours`, `steps` (list of dicts: step, tasks, hours over all tasks, money) and
        `sentence`, which says it in words.
    """
    prices = settings.prices
    steps: list[dict[str, Any]] = []
    training_hours = settings.train.members * settings.train.iterations * prices.member_iteration_ms / 3_600_000
    for step, section in SECTIONS.items():
        asked = getattr(settings.resources, section)
        tasks = settings.folds.k if step == "train" else 1
        hours = tasks * (prices.task_minutes / 60 + (training_hours if step == "train" else 0.0))
        price = hourly_price(asked.cpu, asked.memory_mb, getattr(asked, "gpu", 0), prices)
        steps.append({"step": step, "tasks": tasks, "hours": hours, "money": hours * price})
    money = sum(step["money"] for step in steps)
    gpu_hours = sum(step["hours"] for step in steps if step["step"] == "train") * settings.resources.train.gpu
    return {
        "currency": prices.currency,
        "money": money,
        "gpu_hours": gpu_hours,
        "steps": steps,
        "sentence": f"Expected on AWS Batch: {gpu_hours:.2f} GPU hours, {money:.2f} {prices.currency} "
        f"({settings.folds.k} folds x {settings.train.members} members x {settings.train.iterations:,} iterations).",
    }
