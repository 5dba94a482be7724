"""What a run took: each step's time, memory and GPU beside what it asked for, its price, and what to ask for next."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

from scarcegan.costs.estimate import SECTIONS, estimate, hourly_price
from scarcegan.settings import Settings

MEMORY_MARGIN = 1.3
MEMORY_STEP_MB = 512
TIGHT_SHARE = 0.9
IDLE_SHARE = 0.5
GPU_IDLE_SHARE = 0.3


def bill(usage: Sequence[dict[str, Any]], settings: Settings, *, rented: bool) -> dict[str, Any]:
    """Add up a run's tasks; an attempt that failed left no measurements and is not in it.

    Args:
        usage: one dict per task: step, index, wall_s, cpu_s, peak_memory_mb, gpu_used_share, cpu, memory_mb, gpu,
            attempt; tasks of a step stand together.
        settings: the run's settings.
        rented: whether the tasks ran on AWS Batch; on a machine of one's own the money is what they would have cost.

    Returns:
        `currency`, `money`, `expected_money`, `hours`, `gpu_hours`, `rented`, `retries`, and `steps`, a list of dicts:
        step, tasks, wall_s, cpu_s, cpu, cpu_used_share, peak_memory_mb, memory_mb, gpu, gpu_used_share, money,
        suggestion.
    """
    steps = [_step(name, list(tasks), settings) for name, tasks in itertools.groupby(usage, lambda task: task["step"])]
    for step in steps:
        peers = [other for other in steps if SECTIONS[other["step"]] == SECTIONS[step["step"]]]
        step["suggestion"] = _suggestion(step, peers)
    return {
        "currency": settings.prices.currency,
        "money": sum(step["money"] for step in steps),
        "expected_money": estimate(settings)["money"],
        "hours": sum(step["wall_s"] for step in steps) / 3600,
        "gpu_hours": sum(task["wall_s"] * task["gpu"] for task in usage) / 3600,
        "rented": rented,
        "retries": sum(task["attempt"] for task in usage),
        "steps": steps,
    }


def _step(name: str, tasks: list[dict[str, Any]], settings: Settings) -> dict[str, Any]:
    wall = sum(task["wall_s"] for task in tasks)
    cpu = sum(task["cpu_s"] for task in tasks)
    gpu_shares = [task["gpu_used_share"] for task in tasks if task["gpu_used_share"] is not None]
    prices = [hourly_price(task["cpu"], task["memory_mb"], task["gpu"], settings.prices) for task in tasks]
    return {
        "step": name,
        "tasks": len(tasks),
        "wall_s": wall,
        "cpu_s": cpu,
        "cpu": tasks[0]["cpu"],
        "cpu_used_share": cpu / sum(task["wall_s"] * task["cpu"] for task in tasks),
        "peak_memory_mb": max(task["peak_memory_mb"] for task in tasks),
        "memory_mb": tasks[0]["memory_mb"],
        "gpu": tasks[0]["gpu"],
        "gpu_used_share": sum(gpu_shares) / len(gpu_shares) if gpu_shares else None,
        "money": sum(task["wall_s"] / 3600 * price for task, price in zip(tasks, prices, strict=True)),
    }


def _suggestion(step: dict[str, Any], peers: list[dict[str, Any]]) -> str:
    """Say what to ask for next time; empty where the request fits.

    Steps that share a section of `[resources]` are its peers: less is asked for on behalf of the one that needs most.
    """
    hungriest, busiest = (max(peers, key=lambda one: one[key]) for key in ("peak_memory_mb", "cpu_used_share"))
    section = f"resources.{SECTIONS[step['step']]}"
    advice = []
    wanted_mb = math.ceil(step["peak_memory_mb"] * MEMORY_MARGIN / MEMORY_STEP_MB) * MEMORY_STEP_MB
    wanted_mb = max(wanted_mb, 2 * MEMORY_STEP_MB)
    if step["peak_memory_mb"] > TIGHT_SHARE * step["memory_mb"]:
        advice.append(f"raise {section}.memory_mb to {wanted_mb:,}")
    elif step is hungriest and wanted_mb <= IDLE_SHARE * step["memory_mb"]:
        advice.append(f"{section}.memory_mb = {wanted_mb:,} would do")
    if step is busiest and step["cpu"] > 1 and step["cpu_used_share"] < IDLE_SHARE:
        advice.append(
            f"{section}.cpu = {max(1, math.ceil(step['cpu'] * step['cpu_used_share'] / TIGHT_SHARE))} would do"
        )
    if step["gpu_used_share"] is not None and step["gpu_used_share"] < GPU_IDLE_SHARE:
        advice.append("the GPU idles: train more members side by side, or on CPUs (resources.train.gpu = 0)")
    return "; ".join(advice)
