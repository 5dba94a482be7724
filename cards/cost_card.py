"""The card of `end`: what the run took of its machines, what it cost, and what to ask for next time."""

from collections.abc import Mapping, Sequence
from typing import Any

from metaflow.cards import Markdown, VegaChart

from cards import theme
from scarcegan import words


def cost_card(cost: Mapping[str, Any]) -> list[Any]:
    """Build the card of a run's cost: money beside its estimate, used beside requested per step, suggestions.

    Args:
        cost: the artifact `cost`, see scarcegan.costs.bill.
    """
    parts = [
        _headline(cost),
        theme.heading("Asked for and used", _what_counts(cost)),
        _used_chart(cost["steps"]),
        _step_table(cost),
        theme.heading("For the next run"),
        _suggestions(cost["steps"]),
    ]
    return theme.page("Cost", parts)


def _headline(cost: Mapping[str, Any]) -> Any:
    paid = "Cost" if cost["rented"] else "Would have cost on AWS"
    dearest = max(cost["steps"], key=lambda step: step["money"])
    tasks = sum(step["tasks"] for step in cost["steps"])
    return theme.figures(
        [
            (paid, _money(cost["money"], cost), f"expected {_money(cost['expected_money'], cost)}"),
            ("Machine time", words.duration(3600 * cost["hours"]), words.plural(tasks, "task")),
            ("GPU time", words.duration(3600 * cost["gpu_hours"]), "as asked for, busy or not"),
            ("Dearest step", dearest["step"], f"{words.percent(dearest['money'] / (cost['money'] or 1))} of the money"),
        ]
    )


def _what_counts(cost: Mapping[str, Any]) -> str:
    retried = f" {words.plural(cost['retries'], 'attempt')} failed and left no figures." if cost["retries"] else ""
    return (
        "A machine is paid for what a task asks for, from its first to its last line; start-up, the registry and "
        f"storage come on top.{retried} Prices are those of `[prices]` in the configuration."
    )


def _used_chart(steps: Sequence[Mapping[str, Any]]) -> VegaChart:
    kinds = {"CPU": _cpu_share, "memory": _memory_share, "GPU": lambda step: step["gpu_used_share"]}
    rows = [
        {"step": step["step"], "kind": kind, "share": share(step)}
        for step in steps
        for kind, share in kinds.items()
        if share(step) is not None
    ]
    names = [step["step"] for step in steps]
    encoding = {
        "y": {"field": "step", "type": "nominal", "sort": names, "title": None},
        "yOffset": {"field": "kind", "sort": list(kinds)},
        "x": theme.axis("share", "used of what was asked for", share=True),
        "color": {"field": "kind", "scale": theme.palette(list(kinds)), "legend": {"title": None}},
        "tooltip": [{"field": "step"}, {"field": "kind"}, {"field": "share", "format": ".0%"}],
    }
    full = {
        "data": {"values": [{"full": 1}]},
        "mark": {"type": "rule", "strokeDash": [5, 4]},
        "encoding": {"x": {"field": "full", "type": "quantitative"}},
    }
    return theme.chart(
        "Which step leaves its machine idle?",
        {"layer": [{"mark": {"type": "bar"}, "encoding": encoding}, full]},
        reading="CPU and GPU: average over the step's time. Memory: the highest of its tasks.",
        rows=rows,
        height=45 * len(names),
    )


def _step_table(cost: Mapping[str, Any]) -> Any:
    rows = [
        [
            step["step"],
            words.count(step["tasks"]),
            words.duration(step["wall_s"]),
            f"{words.number(step['cpu'])} CPU, {words.percent(_cpu_share(step))} busy",
            f"{_gb(step['peak_memory_mb'])} of {_gb(step['memory_mb'])}",
            f"{step['gpu']}, {words.percent(step['gpu_used_share'])} busy" if step["gpu"] else "none",
            _money(step["money"], cost),
        ]
        for step in cost["steps"]
    ]
    return theme.table(["Step", "Tasks", "Time, all tasks", "CPU", "Memory, highest", "GPU", "Money"], rows)


def _suggestions(steps: Sequence[Mapping[str, Any]]) -> Markdown:
    advice = [f"- `{step['step']}`: {step['suggestion']}" for step in steps if step["suggestion"]]
    return Markdown("\n".join(advice) or "What each step asks for fits what it used.")


def _cpu_share(step: Mapping[str, Any]) -> float:
    return float(step["cpu_used_share"])


def _memory_share(step: Mapping[str, Any]) -> float:
    return float(step["peak_memory_mb"] / step["memory_mb"])


def _gb(megabytes: float) -> str:
    return f"{words.number(megabytes / 1024)}{words.GAP}GB"


def _money(amount: float, cost: Mapping[str, Any]) -> str:
    return f"{amount:.2f}{words.GAP}{cost['currency']}"
