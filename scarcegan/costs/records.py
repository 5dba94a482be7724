"""What tasks use of their machines, and what that costs."""

from collections.abc import Sequence

from scarcegan import words
from scarcegan.records import Record


class TaskUsage(Record):
    """One task: what it used beside what it had asked for.

    `index` is None outside a foreach, `gpu_used_share` a mean over the task, None without GPU; `attempt` counts from 0.
    """

    step: str
    index: int | None
    wall_s: float
    cpu_s: float
    peak_memory_mb: float
    gpu_used_share: float | None
    cpu: int
    memory_mb: int
    gpu: int
    attempt: int


class StepCost(Record):
    """All tasks of one step; `suggestion` says what to ask for next time, empty where the request fits."""

    step: str
    tasks: int
    wall_s: float
    cpu_s: float
    cpu: int
    cpu_used_share: float
    peak_memory_mb: float
    memory_mb: int
    gpu: int
    gpu_used_share: float | None
    money: float
    suggestion: str = ""


class Bill(Record):
    """What a run took, over all its tasks.

    Where nothing was `rented`, `money` is what it would have cost; `expected_money` is of the estimate before the run,
    None where there was none; `retries` counts the attempts that failed before.
    """

    currency: str
    money: float
    expected_money: float | None
    hours: float
    gpu_hours: float
    rented: bool
    retries: int
    steps: Sequence[StepCost]

    @property
    def in_words(self) -> str:
        """What was spent, as the value of the fact `Cost`."""
        spent = f"{words.money(self.money, self.currency)} for {words.duration(3600 * self.hours)} of machines"
        return spent if self.rented else f"nothing was rented; on AWS {spent}"


class Estimate(Record):
    """What a run is expected to take; `sentence` says it in words."""

    money: float
    sentence: str
