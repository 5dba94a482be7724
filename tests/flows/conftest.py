"""Real runs of the flow on a tiny configuration, each in a folder of its own."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import metaflow
import pandas as pd
import pytest

from scarcegan.datasets.simulated import write_telemetry
from scarcegan.project import project_root
from scarcegan.settings import load

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class FlowFolder:
    """A folder with a tiny configuration, its own Metaflow datastore and its own registry."""

    path: Path
    tiny: Callable

    def notices(self, kind: str) -> list[dict]:
        """What somebody was told of, so far."""
        told = map(json.loads, (self.path / "notices").read_text().splitlines())
        return [notice for notice in told if notice["kind"] == kind]

    def configure(self, sections: dict) -> None:
        """Lay other values over the tiny configuration, for the launches to come."""
        own = {"data": {"path": f"{self.path}/players"}, "registry": {"path": f"{self.path}/registry"}}
        own["notify"] = {"command": f"(cat; echo) >> '{self.path}/notices'"}
        laid_over = {name: own.get(name, {}) | sections.get(name, {}) for name in own | sections}
        (self.path / "tiny.toml").write_text(self.tiny(laid_over))

    def launch(
        self, command: str, *options: str, fault: str = "", expect: int = 0, flow: str = "retrain_flow"
    ) -> tuple[str, str]:
        """Run or resume a flow and return what it printed and the new run's id."""
        code = os.pathsep.join([str(Path(__file__).parent / "faults"), str(ROOT)])
        environment = dict(os.environ, SCARCEGAN_FAULT=fault, PYTHONPATH=code)
        configured = ["--config", "config", str(self.path / "tiny.toml")] if command == "run" else []
        id_file = self.path / "run-id"
        options = (command, "--run-id-file", str(id_file), *options)
        done = subprocess.run(
            [sys.executable, str(ROOT / f"flows/{flow}.py"), *configured, *options],
            cwd=self.path,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        assert (done.returncode == 0) == (expect == 0), done.stdout
        return done.stdout, id_file.read_text()

    def run(self, run_id: str, flow: str = "RetrainFlow") -> metaflow.Run:
        """Return a run through the Client API."""
        metaflow.metadata(f"local@{self.path}")
        metaflow.namespace(None)
        return metaflow.Run(f"{flow}/{run_id}")


@pytest.fixture(scope="module")
def flow_folder(tmp_path_factory, tiny):
    with opened(FlowFolder(tmp_path_factory.mktemp("flow"), tiny)) as folder:
        yield folder


@pytest.fixture(scope="session")
def snapshots_folder(tmp_path_factory, tiny):
    """The one folder whose telemetry becomes features, and whose features are trained on."""
    with opened(FlowFolder(tmp_path_factory.mktemp("snapshots"), tiny)) as folder:
        yield folder


@pytest.fixture(scope="session")
def features_chain(snapshots_folder):
    """Features of two cut-offs: one shard fails, a resume publishes. Each launch is what it printed and its run."""
    folder = snapshots_folder.path
    small = {"players": 1500, "days": 60, "risky_share": 0.05, "labeled_risky": 20, "labeled_negatives": 40}
    write_telemetry(load({"data": {"path": f"{folder}/players"}, "simulated": small}))
    labels = pd.read_parquet(folder / "players/labels.parquet")
    labels = labels[~labels["population"].isin(["unlabeled", "test"])]
    labels.assign(since="2025-12-10", source="simulation").to_csv(folder / "labels.csv", index=False)
    source = {"path": f"{folder}/players/telemetry.parquet", "cutoffs": ["2025-12-20", "2026-01-01"], "shards": 2}
    snapshots_folder.configure(
        {
            "data": {"source": "snapshot"},
            "telemetry": source,
            "telemetry.roles": {"activity": "sessions", "loss": "losses"},
            "features": {"window_days": 45},
            "snapshots": {"folder": f"{folder}/snapshots"},
        }
    )
    # One task at a time, so that the three others have come to their end when the last one fails.
    broken = {"fault": "shard:2026-01-01:1", "expect": 1, "flow": "features_flow"}
    launches = [
        snapshots_folder.launch("run", "--max-workers", "1", **broken),
        snapshots_folder.launch("resume", flow="features_flow"),
    ]
    return [(printed, snapshots_folder.run(run_id, "FeaturesFlow")) for printed, run_id in launches]


@contextmanager
def opened(folder):
    """Give a folder to tests; in the end drop the checkpoints of its runs."""
    folder.configure({})
    (folder.path / ".metaflow").mkdir()
    yield folder
    for run in (folder.path / ".metaflow" / "RetrainFlow").glob("[0-9]*"):
        shutil.rmtree(project_root() / ".scarcegan" / "checkpoints" / "RetrainFlow" / run.name, ignore_errors=True)
