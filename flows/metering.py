"""What each task used of its machine, carried along as the artifact `usage`."""

from metaflow import current, user_step_decorator

from scarcegan.costs.meter import Meter, together


@user_step_decorator
def measured(step_name, flow, inputs=None, attributes=None):
    """Add this task to the usage of the tasks before it; a task that a resume takes over keeps what it says."""
    meter = Meter()
    yield
    before = [getattr(task, "usage", []) for task in inputs] if inputs else [getattr(flow, "usage", [])]
    asked = next(deco.attributes for deco in flow._graph[step_name].decorators if deco.name == "resources")
    request = {"cpu": int(asked["cpu"]), "memory_mb": int(asked["memory"]), "gpu": int(asked["gpu"] or 0)}
    task = {"step": step_name, "index": flow.index, **meter.read(), **request, "attempt": current.retry_count}
    flow.usage = [*together(before), task]
