"""The image of the jobs: what config/aws/Dockerfile does, without building it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "config" / "aws" / "Dockerfile").read_text()


def test_the_base_is_named_by_whoever_builds():
    assert "ARG BASE\nFROM ${BASE}\n" in DOCKERFILE


def installs():
    """The commands that resolve and install, as they stand in the Dockerfile."""
    found = re.search(r'&& (echo "\$TENSORFLOW".*?requirements-gpu\.lock) \\\n && find', DOCKERFILE, re.DOTALL)
    return found[1].replace("--compile-bytecode", f"--python {sys.executable} --target here")


@pytest.mark.slow
@pytest.mark.parametrize(("hashes", "expected"), [("as locked", 0), ("of another file", 1)])
def test_only_what_the_lock_has_seen_is_installed(tmp_path, hashes, expected):
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "small"\nversion = "1"\ndependencies = ["six"]\n')
    for name in ("requirements.lock", "requirements-gpu.lock"):
        lock = (ROOT / name).read_text()
        (tmp_path / name).write_text(lock if expected == 0 else re.sub("sha256:.{64}", f"sha256:{'0' * 64}", lock))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-e", "-c", installs()],
        cwd=tmp_path,
        env=os.environ | {"TENSORFLOW": "wheel", "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == expected, done.stderr
    assert (tmp_path / "here" / "six.py").exists() == (expected == 0)
    assert ("Hash mismatch" in done.stderr) == (expected == 1)
