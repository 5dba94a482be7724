import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data():
    """The folder with the real files; tests on them are skipped where it is not set."""
    folder = os.environ.get("SCARCEGAN_DATA")
    if not folder:
        pytest.skip("SCARCEGAN_DATA is not set: the real files are needed")
    return Path(folder)


@pytest.fixture
def no_data(monkeypatch):
    monkeypatch.delenv("SCARCEGAN_DATA", raising=False)
