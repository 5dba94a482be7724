"""What one task uses of its machine: wall and CPU time, peak memory, and how busy its GPUs are."""

import resource
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterable

from scarcegan.costs.records import TaskUsage
from scarcegan.settings.steps import Request

GPU_SAMPLE_SECONDS = 10.0
_QUERY = ("--query-gpu=utilization.gpu", "--format=csv,noheader,nounits")


class Meter:
    """Measures from when it is made until `read`; the task's child processes count in CPU time and memory."""

    def __init__(self) -> None:
        self._started, self._cpu = time.monotonic(), _cpu_seconds()
        self._gpu: list[float] = []
        self._over = threading.Event()
        if shutil.which("nvidia-smi"):
            # A daemon: a task that fails before `read` must be able to end.
            threading.Thread(target=self._watch_gpus, daemon=True).start()

    def read(self, step: str, index: int | None, asked: Request, attempt: int) -> TaskUsage:
        """End the measuring and return what the task used beside what it `asked` for."""
        self._over.set()
        # No sum: nobody knows whether parent and children peaked at once.
        peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return TaskUsage(
            step=step,
            index=index,
            wall_s=time.monotonic() - self._started,
            cpu_s=_cpu_seconds() - self._cpu,
            peak_memory_mb=peak / (1024 * 1024 if sys.platform == "darwin" else 1024),  # macOS: bytes
            gpu_used_share=statistics.fmean(self._gpu) / 100 if self._gpu else None,
            cpu=asked.cpu,
            memory_mb=asked.memory_mb,
            gpu=asked.gpu,
            attempt=attempt,
        )

    def _watch_gpus(self) -> None:
        while not self._over.wait(GPU_SAMPLE_SECONDS):
            answer = subprocess.run(["nvidia-smi", *_QUERY], capture_output=True, text=True, check=False)  # noqa: S603, S607
            # A GPU that does not tell its use is listed as [N/A].
            self._gpu += [float(line) for line in answer.stdout.split() if line.replace(".", "").isdigit()]


def together(usages: Iterable[Iterable[TaskUsage]]) -> list[TaskUsage]:
    """Join the usage of several branches: what came before the fork counts once, branches keep their order."""
    return list({(task.step, task.index): task for usage in usages for task in usage}.values())


def _cpu_seconds() -> float:
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
