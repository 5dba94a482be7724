"""What orchestration costs: a whole retraining beside its work alone, a resume, and each task's share.

Run: python benchmarks/orchestration.py [--without-twin]

The default configuration, five folds, runs in a folder of its own. `overhead` is the wall time of the command over
the critical path of its work: the time spent inside the steps' bodies (artifact `usage`), the folds side by side on
as many workers as the run had. `resume_share` is the wall time of `resume evaluate`, as after an evaluation that
failed, over the whole run's. Per task: seconds from the task's creation to its end in the metadata, without its
body; and CPU seconds of the whole command without the bodies, over the tasks. The same per task on the local AWS
twin, with a tiny configuration. Prints one JSON object as its last line.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TINY = ROOT / "tests" / "tiny.toml"
ON_TWIN = """
[resources.train]
cpu = 1
[registry]
kind = "sagemaker"
image = "scarcegan-serving"
archives = "{archives}"
"""


def launch(folder: Path, environment: dict[str, str], *arguments: str) -> dict[str, Any]:
    """Run a command of the flow and return its run's id, and seconds of wall and of CPU, its tasks included."""
    started = time.perf_counter(), _children_cpu()
    command = [sys.executable, str(ROOT / "flows" / "retrain_flow.py"), *arguments, "--run-id-file", "run-id"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    seconds, cpu = time.perf_counter() - started[0], _children_cpu() - started[1]
    return {"run": (folder / "run-id").read_text(), "seconds": seconds, "cpu": cpu}


def tasks_of(folder: Path, environment: dict[str, str], run: str) -> list[dict[str, Any]]:
    """Ask the Client API, in a process with the run's environment, for each task's times and its body's."""
    asked = subprocess.run(
        [sys.executable, __file__, "tasks", run], cwd=folder, env=environment, capture_output=True, text=True
    )
    if asked.returncode:
        sys.exit(asked.stderr)
    tasks: list[dict[str, Any]] = json.loads(asked.stdout)
    return tasks


def tell_tasks(run: str) -> None:
    """Print step, seconds from creation to end, and wall and CPU seconds of the body, for each task of a run."""
    from metaflow import Run, namespace

    namespace(None)
    found = Run(f"RetrainFlow/{run}")
    body = {(one["step"], one["index"]): one for one in found["end"].task["usage"].data}
    told = []
    for step in found:
        for task in step:
            used = body[step.id, task.index if step.id == "train" else None]
            told.append(
                {
                    "step": step.id,
                    "seconds": (task.finished_at - task.created_at).total_seconds(),
                    "work": used["wall_s"],
                    "cpu": used["cpu_s"],
                }
            )
    print(json.dumps(told))


def critical_path(tasks: list[dict[str, Any]], workers: int) -> float:
    """Return the seconds that the bodies take if nothing else does, the folds shared out among the workers."""
    lanes = [0.0] * workers
    for task in tasks:
        if task["step"] == "train":
            lanes[lanes.index(min(lanes))] += task["work"]
    return max(lanes) + sum(task["work"] for task in tasks if task["step"] != "train")


def task_seconds(tasks: list[dict[str, Any]]) -> float:
    """Return the median seconds that a task takes beside its body."""
    return median(task["seconds"] - task["work"] for task in tasks)


def measure_locally(folder: Path) -> dict[str, float]:
    """Measure a five-fold run on this machine and a resume of its evaluation."""
    (folder / "config.toml").write_text(f'[data]\npath = "{folder}/players"\n[registry]\npath = "{folder}/registry"\n')
    environment = os.environ | {
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder),
        "METAFLOW_DEFAULT_METADATA": "local",
        "METAFLOW_USER": "benchmark",
    }
    whole = launch(folder, environment, "--config", "config", str(folder / "config.toml"), "run")
    resumed = launch(folder, environment, "resume", "evaluate", "--origin-run-id", whole["run"])
    tasks = tasks_of(folder, environment, whole["run"])
    path = critical_path(tasks, len(os.sched_getaffinity(0)))
    return {
        "orchestration.overhead": whole["seconds"] / path,
        "orchestration.resume_share": resumed["seconds"] / whole["seconds"],
        "orchestration.run_s": whole["seconds"],
        "orchestration.critical_path_s": path,
        "orchestration.resume_s": resumed["seconds"],
        "orchestration.task_s_local": task_seconds(tasks),
        "orchestration.task_cpu_s_local": (whole["cpu"] - sum(task["cpu"] for task in tasks)) / len(tasks),
    }


def measure_on_twin(folder: Path) -> dict[str, float]:
    """Measure a tiny run on the twin's AWS Batch."""
    sys.path.insert(0, str(ROOT))
    from localaws.twin import local_aws

    with local_aws() as twin:
        on_twin = ON_TWIN.format(archives=twin.outputs["RegistryArchives"])
        (folder / "config.toml").write_text(TINY.read_text() + on_twin)
        environment = os.environ | twin.environment | {"METAFLOW_USER": "benchmark"}
        arguments = ["--config", "config", str(folder / "config.toml"), "run", "--with", "batch"]
        run = launch(folder, environment, *arguments)
        tasks = tasks_of(folder, environment, run["run"])
    return {"orchestration.task_s_twin": task_seconds(tasks), "orchestration.run_s_twin": run["seconds"]}


def main(with_twin: bool) -> None:
    """Measure and print the figures."""
    figures: dict[str, float] = {}
    for measure in (measure_locally, *([measure_on_twin] if with_twin else [])):
        with tempfile.TemporaryDirectory(prefix="scarcegan-bench-") as folder:
            found = measure(Path(folder))
        print(found, file=sys.stderr)
        figures |= found
    load = os.getloadavg()[0]
    print(json.dumps({"figures": {name: round(value, 3) for name, value in figures.items()}, "load": round(load, 1)}))


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    if sys.argv[1:2] == ["tasks"]:
        tell_tasks(sys.argv[2])
    else:
        main(with_twin="--without-twin" not in sys.argv[1:])
