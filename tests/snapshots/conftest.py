import sys
from pathlib import Path

import pytest

from scarcegan.settings import load
from scarcegan.snapshots import SnapshotStore

sys.path.insert(0, str(Path(__file__).parent))  # tests are imported by path; their samples by name


@pytest.fixture
def store(tmp_path):
    return SnapshotStore(str(tmp_path / "store"))


@pytest.fixture
def settings():
    def make(**tree):
        return load({"folds": {"k": 2}, **tree})

    return make
