"""All that cannot be meant together in a section is told at once."""

from datetime import date

import pytest

from scarcegan.problems import SettingsProblem
from scarcegan.settings import load, parse, parse_overrides


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


@pytest.mark.parametrize(
    ("tree", "told"),
    [
        ({"retention": {"scores": True}}, "retention.scores: expected a number, got true"),
        ({"seed": False}, "seed: expected a number, got false"),
        ({"model": {"trunk": [16, True]}}, "model.trunk.1: expected a number, got true"),
        ({"monitoring": {"retrain_after": {"score": True}}}, "monitoring.retrain_after.score: expected a number"),
    ],
)
def test_true_is_no_number(tree, told):
    with pytest.raises(SettingsProblem, match=told):
        load(tree)


def test_a_date_needs_no_quotes_as_in_toml():
    settings = load({"data": {"labels_known_by": date(2026, 2, 1)}, "telemetry": {"cutoffs": [date(2026, 1, 1)]}})
    assert (settings.data.labels_known_by, settings.telemetry.cutoffs) == ("2026-02-01", ("2026-01-01",))


def test_one_name_where_a_list_is_meant_is_told_in_the_words_of_toml():
    with pytest.raises(SettingsProblem, match=r"data\.ignore_columns: expected a list, got 'country'"):
        load({"data": {"ignore_columns": "country"}})


def test_a_list_of_wrong_entries_is_not_called_empty():
    with pytest.raises(SettingsProblem) as told:
        load({"definitions": [{"name": "x", "maximise": "recal"}, {"name": "y", "maximise": "fewest"}]})
    assert [line.partition(":")[0] for line in str(told.value).splitlines()] == [
        "definitions.0.maximise",
        "definitions.1.maximise",
    ]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('telemetry.cutoffs = ["x"]', "telemetry.cutoffs.0: expected a date such as 2023-04-13, got 'x'"),
        (
            'telemetry.cutoffs = ["2026-02-30"]',
            "telemetry.cutoffs.0: expected a date such as 2023-04-13, got '2026-02-30'",
        ),
        (
            "data.labels_known_by = 2026-02-01T10:00:00Z",
            "data.labels_known_by: expected a date such as 2023-04-13, got 2026-02-01 10:00:00+00:00",
        ),
        ('[[definitions]]\nname = "mine"', "definitions.0.maximise: expected a value, got none"),
    ],
)
def test_what_python_and_pydantic_say_is_told_as_everything_else(written, told):
    with pytest.raises(SettingsProblem) as refused:
        parse(written)
    assert str(refused.value) == told


@pytest.mark.parametrize("read", [parse, parse_overrides])
@pytest.mark.parametrize("written", ["seed = " + "1" * 5000, "seed = " + "[" * 5000])
def test_what_no_reader_of_toml_takes_is_refused_as_a_slip_of_the_pen_is(read, written):
    with pytest.raises(SettingsProblem, match=r"^expected (TOML|settings such as --set)"):
        read(written)
