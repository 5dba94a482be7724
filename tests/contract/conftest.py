import pytest

from scarcegan.registry.local import LocalRegistry


@pytest.fixture(params=["local"])
def registry(request, tmp_path):
    """Each backend in turn, empty; the contract tests know nothing else of it."""
    return LocalRegistry(tmp_path / "registry", "risky-players")


@pytest.fixture
def reviewer():
    return {"who": "rita", "why": "finds more at the same budget"}
