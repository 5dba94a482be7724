"""The bill of a run in the exact shape that RetrainFlow hands to the card."""

from typing import Any


def cost() -> dict[str, Any]:
    """Return the artifact `cost` of a run on AWS Batch; the evaluation asked for far more memory than it used."""
    shapes = {  # tasks, wall s, CPU s, CPUs, peak MB, MB, GPUs, GPU share, money
        "start": (1, 4.1, 3.9, 1, 410, 4_096, 0, None, 0.0001, ""),
        "preprocess": (1, 96.0, 118.0, 2, 9_800, 16_000, 0, None, 0.0033, ""),
        "train": (5, 9_240.0, 21_300.0, 4, 14_100, 15_000, 1, 0.22, 1.338, "raise resources.train.memory_mb to 18,432"),
        "select": (1, 12.0, 11.0, 1, 900, 4_096, 0, None, 0.0002, "resources.small.memory_mb = 1,536 would do"),
        "evaluate": (1, 340.0, 300.0, 2, 3_900, 16_000, 0, None, 0.0117, "resources.preprocess.cpu = 1 would do"),
        "register": (1, 31.0, 12.0, 1, 1_300, 4_096, 0, None, 0.0004, ""),
    }
    keys = ("tasks", "wall_s", "cpu_s", "cpu", "peak_memory_mb", "memory_mb", "gpu", "gpu_used_share", "money")
    steps: list[dict[str, Any]] = [
        {"step": name, **dict(zip((*keys, "suggestion"), figures, strict=True))} for name, figures in shapes.items()
    ]
    for step in steps:
        step["cpu_used_share"] = step["cpu_s"] / step["wall_s"] / step["cpu"]
    return {
        "currency": "USD",
        "money": sum(step["money"] for step in steps),
        "expected_money": 1.21,
        "hours": sum(step["wall_s"] for step in steps) / 3_600,
        "gpu_hours": 9_240 / 3_600,
        "rented": True,
        "retries": 1,
        "steps": steps,
    }
