"""Faults for the flow tests: on PYTHONPATH, this breaks something in the tasks of a real run.

SCARCEGAN_FAULT holds faults, separated by `;`: `collapse:<fold>[:<file>]` (that fold fails for good after a
checkpoint, once `file` is there), `crash:<fold>[:<file>]` (the same as a defect, which is retried in vain),
`hang:<fold>` (that fold goes no further than its first checkpoint), `evaluate` (evaluation crashes),
`kill:<fold>:<file>` (the process of that fold, on Batch its whole job, is killed right after a checkpoint, once:
`file` remembers it), `notice:<fold>:<file>` (after that fold's first checkpoint `file` is the notice that its spot
instance goes), `shard:<cut-off>:<number>` (that shard of features fails for good), `unscored:<number>` (that
shard's scores fail for good), `half:<number>:<file>` (the process that scores that shard is killed when its scores
are written but not yet in their place, once: `file` remembers it), or `calls:<who>:<file>` (no fault: each call of
AWS is noted in `file`, a line of JSON with who called, the service, the operation and its parameters).
"""

import importlib.abc
import importlib.machinery
import json
import os
import signal
import sys
import time
from pathlib import Path


def after_checkpoint(checkpoints, fold, happens):
    """Let something happen each time right after a fold's checkpoint."""
    original = checkpoints.CheckpointFile.save

    def saves(self, arrays, meta):
        original(self, arrays, meta)
        if Path(self.location).stem == f"fold_{fold}":
            happens(meta)

    checkpoints.CheckpointFile.save = saves


def fail_once_there(checkpoints, detail, problem):
    """Let a fold fail after a checkpoint, as soon as the named file is there; `problem` makes what is raised."""
    fold, _, awaited = detail.partition(":")

    def fails(_):
        while awaited and not Path(awaited).exists():
            time.sleep(0.1)
        raise problem(fold)

    after_checkpoint(checkpoints, fold, fails)
    load = checkpoints.CheckpointFile.load

    def loads(self):
        stored = load(self)
        if stored is not None and Path(self.location).stem == f"fold_{fold}":
            fails(stored)  # a retry that goes on from the checkpoint fails as well
        return stored

    checkpoints.CheckpointFile.load = loads


def collapse(checkpoints, detail):
    def problem(fold):
        from scarcegan.problems import TrainingCollapsed

        return TrainingCollapsed(f"fold {fold} collapsed on purpose: lower train.learning_rate")

    fail_once_there(checkpoints, detail, problem)


def crash(checkpoints, detail):
    fail_once_there(checkpoints, detail, lambda fold: RuntimeError(f"fold {fold} broken on purpose"))


def hang(checkpoints, detail):
    after_checkpoint(checkpoints, detail, lambda _: time.sleep(3600))


def evaluate(judge, _):
    def fails(*_, **__):
        raise RuntimeError("evaluation broken on purpose")

    judge.judge_models = fails


def kill(checkpoints, detail):
    fold, _, remembered = detail.partition(":")

    def dies(meta):
        if not Path(remembered).exists():
            Path(remembered).write_text(str(len(meta["iteration"])))
            on_batch = "AWS_BATCH_JOB_ID" in os.environ
            (os.killpg if on_batch else os.kill)(0 if on_batch else os.getpid(), signal.SIGKILL)

    after_checkpoint(checkpoints, fold, dies)


def notice(checkpoints, detail):
    fold, _, written = detail.partition(":")

    def comes(_):
        from metaflow import current

        if not Path(written).exists():
            Path(written).write_text("2026-11-22T15:04:05Z")
            # On a machine of its own a job reads it under /tmp; jobs of the twin share that folder.
            current._update_env({"spot_termination_notice": written})

    after_checkpoint(checkpoints, fold, comes)


def shard(telemetry, detail):
    from scarcegan.problems import DataProblem

    original = telemetry.extract_part

    def fails(plan, number, *sections):
        if f"{plan.frame.cutoff}:{number}" == detail:
            raise DataProblem(f"shard {number} broken on purpose: mend it")
        return original(plan, number, *sections)

    telemetry.extract_part = fails


def unscored(scoring, detail):
    from scarcegan.problems import DataProblem

    original = scoring.score_shard

    def fails(plan, model, number, *sections):
        if number == int(detail):
            raise DataProblem(f"shard {number} broken on purpose: mend it")
        return original(plan, model, number, *sections)

    scoring.score_shard = fails


def half(storage, detail):
    number, _, remembered = detail.partition(":")
    original = storage.put_file

    def dies(draft, location, **how):
        if location.endswith(f"part-{int(number):05d}.parquet") and not Path(remembered).exists():
            Path(remembered).write_text(str(draft))
            os.kill(os.getpid(), signal.SIGKILL)
        return original(draft, location, **how)

    storage.put_file = dies


def calls(client, detail):
    """Note each call before it is sent: whether it succeeds is another question.

    moto has no runtime of the Feature Store, and fails where a feature group is not there: both are answered here.
    """
    who, _, file = detail.partition(":")
    original = client.BaseClient._make_api_call

    def noted(self, operation, parameters):
        told = [who, self.meta.service_model.signing_name, operation, parameters]
        with open(file, "a") as notes:  # a line at once: processes share the file
            notes.write(json.dumps(told, default=lambda _: None) + "\n")
        made = Path(f"{file}.{parameters.get('FeatureGroupName')}")
        if operation == "BatchWriteRecord":
            return {"Errors": [], "UnprocessedEntries": []}
        if operation == "CreateFeatureGroup":
            made.touch()
        if operation == "DescribeFeatureGroup" and not made.exists():
            raise self.exceptions.ResourceNotFound({"Error": {"Code": "ResourceNotFound"}}, operation)
        return original(self, operation, parameters)

    client.BaseClient._make_api_call = noted


PATCHES = {
    "collapse": ("scarcegan.gan.checkpoints", collapse),
    "crash": ("scarcegan.gan.checkpoints", crash),
    "hang": ("scarcegan.gan.checkpoints", hang),
    "evaluate": ("scarcegan.workflow.retraining.judge", evaluate),
    "kill": ("scarcegan.gan.checkpoints", kill),
    "notice": ("scarcegan.gan.checkpoints", notice),
    "shard": ("scarcegan.workflow.features.telemetry", shard),
    "unscored": ("scarcegan.workflow.scoring.shard", unscored),
    "half": ("scarcegan.storage", half),
    "calls": ("botocore.client", calls),
}
FAULTS = [fault.partition(":") for fault in os.environ.get("SCARCEGAN_FAULT", "").split(";") if fault]


class PatchAfterImport(importlib.abc.MetaPathFinder):
    """Patch modules as soon as a task has imported them; no other process pays for it."""

    def find_spec(self, name, path, target=None):
        wanted = [(PATCHES[fault][1], detail) for fault, _, detail in FAULTS if PATCHES[fault][0] == name]
        if not wanted:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        execute = spec.loader.exec_module

        def execute_and_patch(loaded):
            execute(loaded)
            for patch, detail in wanted:
                patch(loaded, detail)

        spec.loader.exec_module = execute_and_patch
        return spec


if FAULTS:
    sys.meta_path.insert(0, PatchAfterImport())
