"""Runs of RetrainFlow as Metaflow would leave them behind, written without running anything.

For what reads the history only: its benchmark and its tests. Artifacts and metadata go through Metaflow's own
datastore and metadata provider, a few milliseconds per task instead of a second.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from metaflow.datastore import FlowDataStore
from metaflow.metadata_provider import MetaDatum
from metaflow.metaflow_environment import MetaflowEnvironment
from metaflow.plugins.datastores.local_storage import LocalStorage
from metaflow.plugins.datastores.s3_storage import S3Storage
from metaflow.plugins.metadata_providers.local import LocalMetadataProvider

FLOW = "RetrainFlow"


class Recorder:
    """Writes runs: their metadata into the `.metaflow` of a folder, their artifacts there or into a bucket."""

    def __init__(self, folder: Path, bucket: str = "") -> None:
        """Make `folder/.metaflow` and let this process's Client API look there; artifacts go to an `s3://` bucket."""
        import metaflow

        os.environ.setdefault("USERNAME", "ada")  # Metaflow refuses to write for root
        (folder / ".metaflow").mkdir(parents=True, exist_ok=True)
        metaflow.metadata(f"local@{folder}")
        self.environment = MetaflowEnvironment(None)
        flow = SimpleNamespace(name=FLOW)
        self.metadata = LocalMetadataProvider(self.environment, flow, None, None)
        storage, root = (S3Storage, bucket) if bucket else (LocalStorage, str(folder / ".metaflow"))
        self.store = FlowDataStore(FLOW, self.environment, self.metadata, storage_impl=storage, ds_root=root)

    def run(
        self,
        run_id: str,
        steps: Mapping[str, Sequence[Mapping[str, Any]]],
        *,
        failed: str = "",
        tags: Sequence[str] = (),
        user: str = "ada",
    ) -> None:
        """Write a run.

        Args:
            run_id: its id; letters in it, or Metaflow takes it for registered already.
            steps: the artifacts of each task, by step.
            failed: the step whose tasks did not succeed.
            tags: of users.
            user: who ran it.
        """
        self.metadata.sticky_sys_tags = {f"user:{user}"}
        self.metadata.register_run_id(run_id, tags=list(tags))
        for step, tasks in {"_parameters": [{}], **steps}.items():
            for number, artifacts in enumerate(tasks):
                self._task(run_id, step, f"t{number}-{step}", artifacts, step != failed)

    def _task(self, run_id: str, step: str, task: str, artifacts: Mapping[str, Any], is_good: bool) -> None:
        self.metadata.register_task_id(run_id, step, task, 0)
        store = self.store.get_task_datastore(run_id, step, task, attempt=0, mode="w")
        store.init_task()
        marks = {"_task_ok": is_good, "_success": is_good}
        store.save_artifacts(iter({**artifacts, **marks}.items()))
        ended = {"attempt": "0", "attempt_ok": str(is_good), "attempt-done": "0"}
        noted = [MetaDatum(field=name, value=value, type=name, tags=["attempt_id:0"]) for name, value in ended.items()]
        self.metadata.register_metadata(run_id, step, task, noted)
        store.done()
