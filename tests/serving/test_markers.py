"""Reasons by marker of harm: they add up to the score, and say what a player has beside what is usual."""

import numpy as np
import pytest

from scarcegan.data.columns import LEVELS, describe
from scarcegan.serving.reasons import Background, contributions, reasons_in_words, without_size

NAMES = ("night_level", "night_days_share", "losses_level", "tenure_days")
MARKERS = ("time of day", "time of day", "spend", "other")
UNITS = ("count per day", "0 to 1", "", "days")


@pytest.fixture
def background():
    """From 0 to 100 in each feature; the last one is 7 for everyone."""
    quantiles = np.tile(100 * LEVELS, (4, 1))
    quantiles[1] /= 100
    quantiles[3] = 7
    return Background(NAMES, quantiles.astype(np.float32), MARKERS, UNITS)


def said(background, attributions, row=(97, 0.93, 99, 3)):
    [found] = reasons_in_words(background, np.array([row], np.float32), np.array([attributions], np.float32))
    return found


def test_a_marker_says_which_features_raise_the_score_and_what_all_of_its_features_add_up_to(background):
    assert said(background, (0.18, 0.07, 0.3, -0.02)) == [
        "spend: losses level 99, usually 5 to 95 (+0.30)",
        "time of day: night level 97 per day, usually 5 to 95, and "
        "night days share 0.93 on a scale of 0 to 1, usually 0.05 to 0.95 (+0.25)",
    ]


def test_what_lowers_the_score_counts_in_the_sum_and_is_not_named(background):
    [first, second] = said(background, (0.5, -0.375, 0.25, 0.0))
    assert first == "spend: losses level 99, usually 5 to 95 (+0.25)"
    assert second == "time of day: night level 97 per day, usually 5 to 95 (+0.12)"


def test_a_missing_value_is_called_missing_and_what_everyone_has_is_one_value(background):
    [first, second] = said(background, (0.2, 0.0, 0.0, 0.1), row=(np.nan, 0, 0, 3))
    assert first == "time of day: night level missing, usually 5 to 95 (+0.20)"
    assert second == "other: tenure days 3, usually 7 (+0.10)"


@pytest.mark.parametrize(
    ("name", "unit", "told"),
    [
        ("night_level", "count per day", "night level 2 per day"),
        ("night_peak", "count", "night peak 2"),
        ("night_per_activity", "per activity", "night per activity 2"),
        ("gap_mean_days", "days", "gap mean days 2"),
        ("streak_now_weeks", "weeks", "streak now weeks 2"),
        ("night_trend", "log count per D days", "night trend 2 on a log scale"),
        ("acceleration", "-1 to 1", "acceleration 2 on a scale of −1 to 1"),
        ("stake", "", "stake 2"),
    ],
)
def test_a_unit_says_what_the_name_does_not(name, unit, told):
    background = Background((name,), np.zeros((1, len(LEVELS)), np.float32), ("other",), (unit,))
    assert background.told(0, 2.0) == f"{told}, usually 0"


def test_whoever_has_a_feature_that_raises_the_score_has_a_reason_however_low_it_is(background):
    assert said(background, (0.1, -0.9, -0.3, -0.2)) == ["time of day: night level 97 per day, usually 5 to 95 (−0.80)"]
    assert said(background, (-0.1, -0.9, -0.3, -0.2)) == []


def test_without_its_size_a_reason_tells_nothing_of_the_score(background):
    assert without_size(said(background, (0.0, 0.0, 0.3, 0.0))[0]) == "spend: losses level 99, usually 5 to 95"


def test_reasons_of_a_player_do_not_depend_on_who_else_is_told(background):
    rng = np.random.default_rng(0)
    rows, attributions = rng.random((300, 4)).astype(np.float32), rng.normal(0, 0.1, (300, 4)).astype(np.float32)
    together = reasons_in_words(background, rows, attributions)
    alone = [reasons_in_words(background, rows[[i]], attributions[[i]])[0] for i in range(300)]
    assert together == alone


@pytest.mark.parametrize("families", [{}, {"forest": 0.4, "linear": 0.2}])
def test_markers_and_features_add_up_to_the_score_less_the_typical_one(make_model, raw, families):
    model = make_model(families=families)
    quantiles = np.array([column.quantiles for column in describe(raw)], np.float32)
    background = Background(model.feature_names, quantiles, ("a", "a", "b", "c", "c", "other"), ("",) * 6)
    [attributions] = model.explain(raw[:1], background.typical, steps=64)
    found = contributions(background, raw[0], attributions)
    assert [one.attribution for one in found] == sorted((one.attribution for one in found), reverse=True)
    for marker in found:
        assert marker.attribution == pytest.approx(sum(one.attribution for one in marker.features))
    wanted = model.risk(raw[:1])[0] - model.risk(background.typical[None, :])[0]
    assert sum(one.attribution for one in found) == pytest.approx(wanted, abs=0.05)
    assert sorted(one.feature for marker in found for one in marker.features) == sorted(model.feature_names)
