"""Seconds to list and compare fifty runs through the Client API.

Run: python benchmarks/history.py [runs]

One tiny retraining is run for its artifacts, players and models among them; the runs are recorded with altered
copies of those, each in blobs of its own. Every command then runs in a fresh process with an empty Metaflow cache,
start-up of Python and Metaflow included. Prints one JSON object as its last line.
"""

import copy
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recorded_runs import FLOW, Recorder

ROOT = Path(__file__).resolve().parent.parent
RUNS = 50
TINY = ROOT / "tests" / "tiny.toml"


def train_one(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Retrain on a tiny configuration and return the artifacts of each step's tasks."""
    (folder / ".metaflow").mkdir(parents=True)
    config = folder / "tiny.toml"
    config.write_text(f'{TINY.read_text()}\n[registry]\npath = "{folder}/registry"\n')
    command = [sys.executable, str(ROOT / "flows/retrain_flow.py"), "--config", "config", str(config)]
    subprocess.run([*command, "run", "--data", f"{folder}/players"], cwd=folder, stdout=sys.stderr, check=True)

    import metaflow

    metaflow.metadata(f"local@{folder}")
    metaflow.namespace(None)
    steps = reversed(list(metaflow.Flow(FLOW).latest_run))
    return {
        step.id: [{one.id: one.data for one in task if not one.id.startswith("_")} for task in step] for step in steps
    }


def altered(steps: Mapping[str, Sequence[Mapping[str, Any]]], number: int) -> dict[str, list[dict[str, Any]]]:
    """Return the artifacts of another run: its own settings, figures, players and models."""
    other = copy.deepcopy({step: [dict(task) for task in tasks] for step, tasks in steps.items()})
    for task in (task for tasks in other.values() for task in tasks):
        task["settings"]["seed"] = number
        if "data_report" in task:
            task["data_report"]["fingerprint"] = f"{number:016x}"
            task["players"]["fingerprint"] = f"{number:016x}"
        if "models" in task:
            task["models"]["number"] = number
        if "evaluation" in task:
            for model in task["evaluation"]["models"].values():
                model["test"]["test"]["recall"]["value"] = number / 100
        if "candidates" in task:
            task["candidates"]["number"] = number
    return other


def measure(folder: Path, *arguments: str) -> dict[str, float]:
    """Run a command of `scarcegan` in a fresh process and return its seconds and its peak memory."""
    command = [str(Path(sys.executable).with_name("scarcegan")), "runs", *arguments, "--json"]
    with tempfile.TemporaryDirectory() as cache:
        environment = dict(os.environ, METAFLOW_CLIENT_CACHE_PATH=cache)
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, check=True)
        seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"seconds": seconds, "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}


def main(count: int) -> None:
    """Record the runs, measure the commands and print the figures."""
    with tempfile.TemporaryDirectory(prefix="scarcegan-bench-") as scratch:
        steps = train_one(Path(scratch) / "trained")
        recorded = Path(scratch) / "recorded"
        recorder = Recorder(recorded)
        names = [f"run-{number}" for number in range(count)]
        for number, name in enumerate(names):
            recorder.run(name, altered(steps, number))
        commands = {"list": ["list"], "compare": ["compare", *names], "best": ["best"], "show": ["show", names[0]]}
        measured = {word: measure(recorded, *arguments) for word, arguments in commands.items()}
        stored = sum(file.stat().st_size for file in recorded.rglob("*") if file.is_file()) / 2**20
    figures = {f"history.{word}_{name}": value for word, found in measured.items() for name, value in found.items()}
    print(json.dumps({"figures": figures | {"history.runs": count, "history.stored_mb": stored}}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS)
