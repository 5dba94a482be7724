"""Markers of harm: whose features each takes, by the built-in catalogue and by what a team names."""

import pytest

from scarcegan.features.catalogue import columns, units_of
from scarcegan.problems import SettingsProblem
from scarcegan.settings import Settings, load
from scarcegan.settings.data_sections import RoleNames
from scarcegan.settings.markers_section import markers_of, patterns_of

COUNTERS = ("sessions", "bets", "night_minutes", "losses", "deposits")


def of(features, settings=None):
    settings = settings or Settings()
    return dict(
        zip(features, markers_of(features, patterns_of(settings.markers, settings.telemetry.roles)), strict=True)
    )


def test_every_feature_of_the_built_in_catalogue_has_a_marker():
    found = of(tuple(columns(COUNTERS, Settings().telemetry.roles)))
    assert "other" not in found.values()
    assert {
        "sessions_level": "frequency",
        "losses_peak": "spend",
        "night_minutes_gini": "time of day",
    }.items() <= found.items()
    assert {
        "chasing_lift": "chasing",
        "deposit_again_share": "chasing",
        "night_days_share": "time of day",
    }.items() <= found.items()
    assert {
        "deposits_comovement": "spend",
        "intensity_slope": "spend",
        "escalation_record": "frequency",
    }.items() <= found.items()


def test_a_role_stands_for_the_teams_own_counter():
    roles = {"activity": "visits", "loss": "ggr", "night": "late"}
    found = of(("visits_level", "ggr_level", "late_level"), load({"telemetry": {"roles": roles}}))
    assert list(found.values()) == ["frequency", "spend", "time of day"]


def test_a_role_that_is_left_empty_takes_nothing():
    assert patterns_of({"spend": ("role:win", "stake*")}, RoleNames()) == {"spend": ["stake*"]}


def test_the_teams_own_markers_take_the_place_of_the_built_in_ones_and_the_first_match_counts():
    settings = load({"markers": {"tilt": ["losses_*"], "money": ["*_level", "losses_peak"]}})
    assert of(("losses_level", "bets_level", "chasing_lift"), settings) == {
        "losses_level": "tilt",
        "bets_level": "money",
        "chasing_lift": "other",
    }


def test_a_role_that_there_is_not_is_answered_with_the_nearest():
    with pytest.raises(SettingsProblem, match=r"markers.spend.*no role is called 'los': did you mean 'loss'\?"):
        load({"markers": {"spend": ["role:los"]}})


def test_units_are_those_of_the_catalogue_for_what_it_has_made_and_nobody_elses():
    made = columns(COUNTERS, Settings().telemetry.roles)
    units = units_of(made)
    assert units == {name: feature.unit for name, feature in made.items()}
    assert units_of(("customer_level", "chasing_lift", "gap_mean_days")) == {}
