"""A registry whose file is gone is not begun anew behind the reviewers' backs."""

import pytest

from scarcegan.problems import RegistryProblem
from scarcegan.registry.local import LocalRegistry

REVIEW = {"who": "rita", "why": "good"}


@pytest.fixture
def registry(tmp_path, make_release):
    """A registry with a champion, whose file somebody has removed since; the archives are still there."""
    registry = LocalRegistry(tmp_path / "registry", "players")
    registry.register_release(make_release())
    registry.approve(1, **REVIEW)
    (tmp_path / "registry" / "registry.sqlite").rename(tmp_path / "backup")
    return registry


@pytest.mark.reliability(
    case="The registry's file goes while a run trains",
    sees="how to restore it, or to begin anew on purpose; in `register`",
    resume="registers once it is restored",
)
def test_every_question_and_every_registration_is_refused(registry, make_release):
    for ask in (
        registry.versions,
        lambda: registry.champion("balanced"),
        lambda: registry.approve(1, **REVIEW),
        lambda: registry.register_release(make_release("12")),
    ):
        with pytest.raises(RegistryProblem, match=r"beside its 4 archives in .* got none: restore it from a backup"):
            ask()
    assert not (registry.folder / "registry.sqlite").exists()


def test_a_restored_file_goes_on_where_it_was(registry, tmp_path, make_release):
    (tmp_path / "backup").rename(tmp_path / "registry" / "registry.sqlite")
    assert registry.champion("recall_first").version == 1
    assert registry.register_release(make_release("12"))[0].version == 5


def test_a_new_registry_is_begun_on_purpose(registry, tmp_path, make_release):
    (tmp_path / "registry" / "archives").rename(tmp_path / "old archives")
    assert registry.versions() == []
    assert registry.register_release(make_release("12"))[0].version == 1
