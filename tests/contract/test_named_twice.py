"""Decisions are kept for good: none is doubled, and one that contradicts itself is refused, in every registry."""

import pytest

from scarcegan.problems import RegistryProblem


def test_a_version_that_is_named_twice_is_decided_once(registry, make_release, reviewer):
    registry.register_release(make_release())
    assert [one.version for one in registry.approve(1, 2, 1, **reviewer)] == [1, 2]
    assert [one.version for one in registry.reject(1, 1, **reviewer)] == [1]
    assert [event.status for event in registry.events(1)] == ["Approved", "Rejected"]


def test_two_versions_of_one_definition_cannot_both_become_champion(registry, make_release, reviewer):
    registry.register_release(make_release("11"))
    registry.register_release(make_release("12"))
    with pytest.raises(RegistryProblem, match="one version of each definition to approve, got 5 and 1 of"):
        registry.approve(5, 2, 1, **reviewer, force=True)
    assert registry.decisions() == []
