"""The documented ways to start a flow from Python do what docs/deploy.md says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def documented(library):
    """Return the snippet of docs/deploy.md that imports a name from metaflow."""
    snippets = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "deploy.md").read_text(), re.DOTALL)
    [snippet] = [text for text in snippets if f"import {library}\n" in text]
    return snippet.replace("flows/", f"{ROOT}/flows/")


@pytest.mark.slow
def test_runner_runs_a_flow_and_hands_out_its_artifacts(tmp_path, tiny):
    sections = {"data": {"path": f"{tmp_path}/players"}, "snapshots": {"folder": f"{tmp_path}/snapshots"}}
    (tmp_path / "our.toml").write_text(tiny(sections | {"telemetry": {"shards": 1}}))
    (tmp_path / ".metaflow").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", documented("Runner")],
        cwd=tmp_path,
        env=os.environ | {"USERNAME": "tester"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"FeaturesFlow/\d+ \['players-2026-01-01'\]", done.stdout)
