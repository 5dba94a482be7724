"""Real runs of the flow on a tiny configuration, each in a folder of its own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import metaflow
import pytest

from scarcegan.project import project_root

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class FlowFolder:
    """A folder with a tiny configuration, its own Metaflow datastore and its own registry."""

    path: Path
    tiny: Callable

    def configure(self, sections: dict) -> None:
        """Lay other values over the tiny configuration, for the launches to come."""
        own = {"data": {"path": f"{self.path}/players"}, "registry": {"path": f"{self.path}/registry"}}
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
    folder = FlowFolder(tmp_path_factory.mktemp("flow"), tiny)
    folder.configure({})
    (folder.path / ".metaflow").mkdir()
    yield folder
    for run in (folder.path / ".metaflow" / "RetrainFlow").glob("[0-9]*"):
        shutil.rmtree(project_root() / ".scarcegan" / "checkpoints" / "RetrainFlow" / run.name, ignore_errors=True)
