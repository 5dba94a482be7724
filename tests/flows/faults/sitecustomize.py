"""Faults for the flow tests: on PYTHONPATH, this breaks one thing in the tasks of a real run.

SCARCEGAN_FAULT is `collapse:<fold>` (that fold fails for good after a checkpoint), `evaluate` (evaluation crashes),
`kill:<fold>:<file>` (the process of that fold is killed right after a checkpoint, once: `file` remembers it), or
`shard:<cut-off>:<number>` (that shard of features fails for good).
"""

import importlib.abc
import importlib.machinery
import os
import signal
import sys
from pathlib import Path

FAULT, _, DETAIL = os.environ.get("SCARCEGAN_FAULT", "").partition(":")


def collapse(checkpoints):
    original = checkpoints.CheckpointFile.save

    def saves_and_fails(self, arrays, meta):
        from scarcegan.problems import TrainingCollapsed

        original(self, arrays, meta)
        if self.path.stem == f"fold_{DETAIL}":
            raise TrainingCollapsed(f"fold {DETAIL} collapsed on purpose: lower train.learning_rate")

    checkpoints.CheckpointFile.save = saves_and_fails


def evaluate(judge):
    def fails(*_, **__):
        raise RuntimeError("evaluation broken on purpose")

    judge.judge_models = fails


def kill(checkpoints):
    fold, _, remembered = DETAIL.partition(":")
    original = checkpoints.CheckpointFile.save

    def saves_and_dies(self, arrays, meta):
        original(self, arrays, meta)
        if self.path.stem == f"fold_{fold}" and not Path(remembered).exists():
            Path(remembered).write_text(str(meta["round"]))
            os.kill(os.getpid(), signal.SIGKILL)

    checkpoints.CheckpointFile.save = saves_and_dies


def shard(telemetry):
    from scarcegan.problems import DataProblem

    original = telemetry.extract_part

    def fails(plan, number, settings):
        if f"{plan['frame']['cutoff']}:{number}" == DETAIL:
            raise DataProblem(f"shard {number} broken on purpose: mend it")
        return original(plan, number, settings)

    telemetry.extract_part = fails


PATCHES = {
    "collapse": ("scarcegan.gan.checkpoints", collapse),
    "evaluate": ("scarcegan.workflow.judge", evaluate),
    "kill": ("scarcegan.gan.checkpoints", kill),
    "shard": ("scarcegan.workflow.telemetry", shard),
}


class PatchAfterImport(importlib.abc.MetaPathFinder):
    """Patch one module as soon as a task has imported it; no other process pays for it."""

    def find_spec(self, name, path, target=None):
        module, patch = PATCHES[FAULT]
        if name != module:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        execute = spec.loader.exec_module

        def execute_and_patch(loaded):
            execute(loaded)
            patch(loaded)

        spec.loader.exec_module = execute_and_patch
        return spec


if FAULT in PATCHES:
    sys.meta_path.insert(0, PatchAfterImport())
