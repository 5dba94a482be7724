"""What every registry backend must do."""

import hashlib
from dataclasses import fields, replace

import pytest

from scarcegan.problems import RegistryProblem
from scarcegan.registry.versions import ModelFacts


def numbers(versions):
    return [version.version for version in versions]


def register_two(registry, make_release):
    """Versions 1 to 4 of run 11 and 5 to 8 of run 12."""
    for run in ("11", "12"):
        registry.register_release(make_release(run))


def test_a_release_lands_as_four_pending_versions(registry, make_release):
    models = make_release()
    versions = registry.register_release(models)
    assert numbers(versions) == [1, 2, 3, 4]
    assert {version.status for version in versions} == {"PendingManualApproval"}
    assert not any(version.is_champion for version in versions)
    assert registry.versions() == versions


def test_a_version_tells_all_that_was_registered(registry, make_release):
    model = make_release(definitions=("balanced",))[0]
    version = registry.register_release([model])[0]
    for name in (*(field.name for field in fields(ModelFacts)), "token"):
        assert getattr(version, name) == getattr(model, name)
    assert version.release_size == 1
    assert version.created_at


def test_the_archive_comes_back_as_it_went(registry, make_release):
    models = make_release()
    versions = registry.register_release(models)
    content = [model.archive.read_bytes() for model in models]
    for model in models:
        model.archive.unlink()
    assert [registry.fetch(version.sha256).read_bytes() for version in versions] == content


def test_registering_again_gives_the_same_versions_in_a_resumed_run_as_well(registry, make_release):
    """A resume has a new run pathspec, but the origin run and the archives stay."""
    first = registry.register_release(make_release())
    assert registry.register_release(make_release()) == first
    resumed = make_release(run_pathspec="RetrainFlow/99", release_id="release-99")
    assert registry.register_release(resumed) == first == registry.versions()


def test_an_approved_version_stays_approved_when_registered_again(registry, make_release, reviewer):
    registry.register_release(make_release())
    registry.approve(2, **reviewer)
    again = registry.register_release(make_release())
    assert [version.version for version in again if version.status == "Approved"] == [2]


def test_another_run_registers_new_versions(registry, make_release):
    registry.register_release(make_release("11"))
    assert numbers(registry.register_release(make_release("12"))) == [5, 6, 7, 8]
    assert numbers(one for one in registry.versions() if one.release_id == "release-12") == [5, 6, 7, 8]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda models: models.clear(), "none"),
        (lambda models: models.append(models[0]), "one model per definition"),
        (lambda models: models.append(replace(models.pop(), release_id="other")), "one release_id"),
        (lambda models: models.append(replace(models.pop(), origin_run_id="other")), "one origin_run_id"),
        (lambda models: models[3].archive.unlink(), "No such file"),
        (lambda models: models[3].archive.write_bytes(b"other"), "it was changed"),
        (lambda models: models.append(replace(models.pop(), threshold=float("nan"))), "finite threshold"),
        (lambda models: models.append(replace(models.pop(), metrics={"recall": float("inf")})), "recall"),
    ],
)
def test_a_release_with_one_bad_model_registers_nothing(registry, make_release, spoil, message):
    models = make_release()
    spoil(models)
    with pytest.raises(RegistryProblem, match=message):
        registry.register_release(models)
    assert registry.versions() == []


def test_facts_survive_to_the_last_digit(registry, make_release):
    facts = {"Größe 大 ١": "a/b:c=d+e-f@g.h_i", "k" * 128: "é" * 256}
    metrics = {"tiny": 5e-324, "third": 1 / 3, "large": -1.7976931348623157e308}
    model = replace(make_release()[0], metadata=facts, metrics=metrics, threshold=0.1 + 0.2)
    version = registry.show(registry.register_release([model])[0].version)
    assert (version.metadata, version.metrics, version.threshold) == (facts, metrics, 0.1 + 0.2)


def test_approval_makes_the_champion_of_its_definition_alone(registry, make_release, reviewer):
    registry.register_release(make_release())
    approved = registry.approve(3, **reviewer)[0]
    assert (approved.status, approved.is_champion) == ("Approved", True)
    assert (approved.decided_by, approved.reason) == ("rita", "finds more at the same budget")
    assert registry.champion("review_budget") == approved
    assert registry.champion("balanced") is None


def test_a_later_approval_takes_the_place_and_a_rejection_gives_it_back(registry, make_release, reviewer):
    register_two(registry, make_release)
    registry.approve(5, **reviewer)
    registry.approve(1, **reviewer)
    assert registry.champion("recall_first").version == 1
    assert (registry.show(5).status, registry.show(5).is_champion) == ("Approved", False)
    assert registry.reject(1, **reviewer)[0].status == "Rejected"
    assert registry.champion("recall_first").version == 5


@pytest.mark.parametrize(
    ("who", "why", "message"), [("rita", "  ", "a reason"), ("", "good", "who"), ("rita", "a\nb", "line")]
)
def test_a_decision_without_name_or_reason_is_refused(registry, make_release, who, why, message):
    registry.register_release(make_release())
    for decide in (registry.approve, registry.reject):
        with pytest.raises(RegistryProblem, match=message):
            decide(1, who=who, why=why)
    assert registry.show(1).status == "PendingManualApproval"


def test_every_decision_stays_on_record(registry, make_release):
    registry.register_release(make_release())
    registry.reject(1, who="rita", why="too many flagged")
    registry.approve(1, who="omar", why="counted again", force=True)
    events = registry.events(1)
    assert [(event.status, event.who, event.why, event.forced) for event in events] == [
        ("Rejected", "rita", "too many flagged", False),
        ("Approved", "omar", "counted again", True),
    ]
    assert events[0].at < events[1].at
    assert registry.events(2) == []


def test_an_unknown_version_is_refused_and_says_which_there_are(registry, make_release, reviewer):
    registry.register_release(make_release())
    for ask in (registry.show, registry.events):
        with pytest.raises(RegistryProblem, match=r"1 to 4.*got 9"):
            ask(9)
    with pytest.raises(RegistryProblem, match="got 9"):
        registry.approve(1, 9, **reviewer)
    assert registry.show(1).status == "PendingManualApproval"


def test_an_empty_registry_has_nothing(registry, reviewer):
    assert registry.versions() == []
    assert registry.champion("balanced") is None
    with pytest.raises(RegistryProblem, match="none"):
        registry.show(1)
    with pytest.raises(RegistryProblem, match="roll back"):
        registry.rollback(**reviewer)


def mixed_release(registry, make_release):
    """Two runs under one release id."""
    registry.register_release(make_release("11", definitions=("balanced",), release_id="spring"))
    registry.register_release(make_release("12", definitions=("recall_first",), release_id="spring"))


def test_a_mixed_release_is_approved_only_by_force(registry, make_release, reviewer):
    mixed_release(registry, make_release)
    with pytest.raises(RegistryProblem, match=r"mixed from runs 11, 12.*--force"):
        registry.approve(1, **reviewer)
    assert registry.approve(1, **reviewer, force=True)[0].is_champion


def test_a_release_with_known_models_under_another_name_is_incomplete(registry, make_release, reviewer):
    """Three models of the run are registered already; the fourth has changed and comes under a new release."""
    registry.register_release(make_release("11"))
    models = make_release("11", release_id="again")
    models[0].archive.write_bytes(b"changed")
    changed = hashlib.sha256(b"changed").hexdigest()
    versions = registry.register_release([replace(models[0], sha256=changed), *models[1:]])
    assert numbers(versions) == [5, 2, 3, 4]
    with pytest.raises(RegistryProblem, match="incomplete: 1 of 4"):
        registry.approve(5, **reviewer)


def test_rollback_restores_the_former_champions(registry, make_release, reviewer):
    register_two(registry, make_release)
    assert all(version.is_champion for version in registry.approve(1, 2, 3, 4, **reviewer))
    registry.approve(5, 6, 7, 8, **reviewer)
    assert numbers(registry.rollback(who="omar", why="flags everybody")) == [1, 2, 3, 4]
    assert [one.status for one in registry.versions() if one.release_id == "release-12"] == ["Rejected"] * 4
    assert registry.events(5)[-1].why == "flags everybody"


def test_rollback_takes_the_release_that_is_named(registry, make_release, reviewer):
    for run in ("11", "12", "13"):
        registry.register_release(make_release(run))
    registry.approve(1, 2, 3, 4, **reviewer)
    registry.approve(5, 6, 7, 8, **reviewer)
    registry.approve(9, **reviewer)
    assert numbers(registry.rollback(release_id="release-12", **reviewer)) == [2, 3, 4, 9]
    assert registry.show(5).status == "Rejected"
    # By default the one approved last, of which one model alone is champion: the others stay.
    assert numbers(registry.rollback(**reviewer)) == [1, 2, 3, 4]


def test_rollback_that_leaves_no_champion_is_refused_unless_forced(registry, make_release, reviewer):
    registry.register_release(make_release("11"))
    registry.approve(1, **reviewer)
    with pytest.raises(RegistryProblem, match="recall_first"):
        registry.rollback(**reviewer)
    assert registry.champion("recall_first").version == 1
    assert registry.rollback(force=True, **reviewer) == []
