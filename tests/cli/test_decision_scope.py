"""Decisions are kept for good: what they concern is named whole, what speaks against them is said first."""

import pytest
from typer.testing import CliRunner

from scarcegan.cli import app
from scarcegan.registry.local import LocalRegistry

GROUP = "scarcegan-risky-players"
WHY = ("--reason", "finds more", "--who", "rita")
ARN = "arn:aws:sagemaker:eu-west-1:123456789012:model-package"


@pytest.fixture
def registry(tmp_path):
    return LocalRegistry(tmp_path / "registry", GROUP)


@pytest.fixture
def models(registry):
    def run(*arguments):
        return CliRunner().invoke(app, ["models", *arguments, "--registry-folder", str(registry.folder)])

    return run


@pytest.fixture
def sound(make_release):
    """A release that nothing speaks against."""
    return [one for one in make_release("11", warnings=()) if one.bound.state != "missed"]


@pytest.mark.parametrize("command", [("approve", *WHY), ("reject", *WHY), ("show",), ("compare",), ("who-made",)])
@pytest.mark.parametrize("arn", [f"{ARN}/other-team/1", f"{ARN}/{GROUP}/1"], ids=["other group", "group of that name"])
def test_an_arn_is_never_read_as_a_number_of_this_registry(registry, models, refused, sound, command, arn):
    registry.register_release(sound)
    refused(models(command[0], arn, *command[1:]), f"got '{arn}'")
    assert registry.events(1) == []


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"definitions": ("precision_first",), "warnings": ()}, "its bound is missed on test players"),
        ({"definitions": ("balanced",)}, "a likely leak"),
        ({"definitions": ("balanced",), "warnings": (), "run": "12"}, "worse than version 1"),
    ],
)
def test_what_speaks_against_a_model_is_said_before_an_approval(registry, models, refused, make_release, changes, why):
    registry.register_release(make_release(**changes))
    result = models("approve", "1", *WHY)
    refused(result, why)
    assert "--force" in result.stderr
    assert registry.events(1) == []
    assert models("approve", "1", *WHY, "--force").exit_code == 0
    assert registry.events(1)[0].forced


def test_a_sound_model_is_approved_and_the_answer_names_group_releases_and_what_it_replaces(
    registry, models, sound, make_release
):
    registry.register_release(sound)
    assert f"Group {GROUP}:" in models("approve", "1", *WHY).stdout
    again = make_release("13", warnings=(), against_champion=None)
    registry.register_release([one for one in again if one.bound.state != "missed"])
    told = "recall_first: champion is now version 4 of release-13; before: version 1 of release-11"
    assert told in models("approve", "4", *WHY).stdout
    assert "before: version 4 of release-13" in models("rollback", *WHY).stdout


def test_without_config_no_decision_is_taken_beside_the_group_of_the_latest_release(
    tmp_path, registry, models, refused, sound
):
    registry.register_release(sound)
    LocalRegistry(registry.folder, "lootbox").register_release(sound)
    for command in (("approve", "1"), ("reject", "1"), ("rollback",)):
        refused(models(*command, *WHY), "group 'lootbox'")
    config = tmp_path / "own.toml"
    config.write_text(f'[registry]\ngroup = "{GROUP}"\n')
    assert models("approve", "1", *WHY, "--config", str(config)).exit_code == 0


@pytest.mark.parametrize("command", [("list", "--definition", "balansed"), ("champion", "balansed")])
def test_an_unknown_definition_is_refused_with_the_nearest_one(registry, models, refused, sound, command):
    registry.register_release(sound)
    refused(models(*command), "did you mean 'balanced'?")
