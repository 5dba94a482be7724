"""`scarcegan runs show` tells what was chosen for a run, not all that there is to choose."""

import json

import pytest
from history_samples import steps_of
from typer.testing import CliRunner

from scarcegan.cli import app
from scarcegan.settings import four_definitions


def shown(*arguments):
    return CliRunner().invoke(app, ["runs", *arguments], env={"COLUMNS": "80"}).stdout


@pytest.fixture
def changed(recorder):
    """A run with its own members, one definition of its own and overrides; `plain` has the defaults."""
    own = {"train": {"members": 3}, "definitions": [four_definitions()[0].model_dump() | {"bound": 0.7}]}
    steps = steps_of("changed", **own)
    steps["start"][0] |= {"overrides": "train.members=3"}
    recorder.run("changed", steps)
    recorder.run("plain", steps_of("plain"))


@pytest.mark.usefixtures("changed")
def test_show_tells_overrides_and_settings_other_than_the_defaults():
    text = shown("show", "changed")
    for expected in (
        "overrides",
        "train.members=3",
        "train.members",
        "definitions.recall_first.bound",
        "data.prevalence",
    ):
        assert expected in text
    assert "train.iterations" not in text
    assert "settings have their defaults; --json has all." in text


@pytest.mark.usefixtures("changed")
def test_json_keeps_all_settings():
    facts = json.loads(shown("show", "changed", "--json"))
    assert facts["overrides"] == "train.members=3"
    assert facts["settings"]["train.iterations"] == 1000


@pytest.mark.usefixtures("changed")
def test_compare_tells_the_overrides_of_runs_that_differ_in_them():
    assert "train.members=3" in "".join(shown("compare", "plain", "changed").split())
