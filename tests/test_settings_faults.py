"""All that cannot be meant together in a section is told at once."""

import pytest

from scarcegan.problems import SettingsProblem
from scarcegan.settings import load


@pytest.mark.parametrize(
    ("tree", "told"),
    [
        (
            {"definitions": [{"name": "mine", "maximise": "fewest_flagged", "bound": 0.5}]},
            ["has a bound but no constraint", "flags nobody at best"],
        ),
        (
            {"telemetry": {"counters": ["bets", "bets", "date"]}},
            ["expected different telemetry.counters", "the player and the day are none"],
        ),
        (
            {"train": {"iterations": 70, "batch": 4}, "data": {"source": "tables", "snapshot": "players-1"}},
            ["train.iterations (70) is no multiple", "data.snapshot names 'players-1'", "train.batch (4) has no room"],
        ),
    ],
    ids=["definition", "telemetry", "whole tree"],
)
def test_every_fault_of_a_section_is_told(tree, told):
    tree = {"populations": {"negatives": ["a", "b", "c", "d"]}, **tree}
    with pytest.raises(SettingsProblem) as refused:
        load(tree)
    assert [one for one in told if one not in str(refused.value)] == []
