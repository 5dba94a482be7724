"""What speaks against an approval, and that the warning it looks for is the one that the data report gives."""

import inspect
from dataclasses import replace

import pytest

from scarcegan.data import report
from scarcegan.registry import AgainstChampion, rules


@pytest.fixture
def version(make_release):
    return make_release(definitions=("balanced",), warnings=())[0]


def test_nothing_speaks_against_a_sound_model(version):
    assert rules.doubts(version) == []
    assert rules.doubts(replace(version, bound=None, warnings=("few players",))) == []


def test_every_reason_is_told(version):
    doubtful = replace(
        version,
        bound=replace(version.bound, state="missed"),
        against_champion=AgainstChampion("worse", -0.1, -0.2, -0.05, version=7),
        warnings=(f"feature 'nights' alone tells them apart: {rules.LEAK}", "few players"),
    )
    missed, worse, leak = rules.doubts(doubtful)
    assert "missed" in missed
    assert "worse than version 7" in worse
    assert "'nights'" in leak


def test_the_data_report_says_it_in_these_words():
    assert rules.LEAK in inspect.getsource(report)
