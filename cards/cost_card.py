"""The card of `end`: what the run used of its machines, what that costs, and what to ask for next time."""

from typing import Any

from metaflow.cards import Markdown, Table, VegaChart

from cards import theme
from cards.charts import Axis, Mark, Rule, ranked_bars
from scarcegan import words
from scarcegan.costs.records import Bill, StepCost


def cost_card(bill: Bill) -> list[Any]:
    """Build the card of a run's cost: money beside its estimate, used beside requested by step, suggestions."""
    failed = f" {words.plural(bill.retries, 'attempt')} failed and left no figures." if bill.retries else ""
    about = (
        "Each task pays for the machine that it requested, from its first to its last line. Start-up, the registry and "
        f"storage come on top.{failed} Prices are those of `[prices]` in the configuration."
    )
    advice = [f"`{step.step}`: {step.suggestion}" for step in bill.steps if step.suggestion]
    parts = [
        _headline(bill),
        theme.heading("Requested and used", about),
        _used_chart(bill),
        _step_table(bill),
        theme.heading("For the next run"),
        theme.bullets(advice) if advice else Markdown("What each step requests fits what it used."),
    ]
    return theme.page("Cost", parts)


def _headline(bill: Bill) -> Table:
    dearest = max(bill.steps, key=lambda step: step.money)
    cost = "Cost" if bill.rented else "Would have cost on AWS"
    expected = "" if bill.expected_money is None else f"expected {words.money(bill.expected_money, bill.currency)}"
    gpus = [("GPU time", words.duration(3600 * bill.gpu_hours), "as requested, busy or not")] if _has_gpus(bill) else []
    return theme.figures(
        (cost, words.money(bill.money, bill.currency), expected),
        ("Machine time", words.duration(3600 * bill.hours), words.plural(sum(s.tasks for s in bill.steps), "task")),
        *gpus,
        ("Dearest step", dearest.step, f"{words.percent(dearest.money / (bill.money or 1))} of the money"),
    )


def _has_gpus(bill: Bill) -> bool:
    """Tell whether any step had a GPU: on a machine of one's own what was asked for may not have been there."""
    return any(step.gpu and (bill.rented or step.gpu_used_share is not None) for step in bill.steps)


def _used_chart(bill: Bill) -> VegaChart:
    marks = []
    for step in bill.steps:
        memory = step.peak_memory_mb / step.memory_mb
        used = {"CPU": step.cpu_used_share, "memory": memory} | (
            {"GPU": step.gpu_used_share} if step.gpu and _has_gpus(bill) else {}
        )
        marks += [Mark(step.step, share, series=kind) for kind, share in used.items()]
    averaged = "CPU and GPU" if _has_gpus(bill) else "CPU"
    reading = f"{averaged}: average over the step's time. Memory: the highest of its tasks. Dashes: all is used."
    axis = Axis("used of what was requested", share=True)
    return ranked_bars("Which step leaves its machine idle?", reading, axis, marks, [Rule(1)])


def _step_table(bill: Bill) -> Table:
    columns = {
        "Step": lambda step: step.step,
        "Tasks": lambda step: words.count(step.tasks),
        "Time, all tasks": lambda step: words.duration(step.wall_s),
        "CPU": lambda step: f"{words.number(step.cpu)} CPU, {words.percent(step.cpu_used_share)} busy",
        "Memory, highest": lambda step: f"{words.gigabytes(step.peak_memory_mb)} of {words.gigabytes(step.memory_mb)}",
        **({"GPU": _gpu} if _has_gpus(bill) else {}),
        "Money": lambda step: words.money(step.money, bill.currency),
    }
    return theme.listing(bill.steps, columns)


def _gpu(step: StepCost) -> str:
    return f"{step.gpu}, {words.percent(step.gpu_used_share)} busy" if step.gpu else "none"
