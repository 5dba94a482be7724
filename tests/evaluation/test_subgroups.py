import numpy as np
import pytest

from scarcegan.evaluation.groups import subgroup_features, subgroup_quality
from scarcegan.evaluation.scored import Scored
from scarcegan.problems import SettingsProblem

NAMES = ["bets_level", "bets_active_share", "bets_tenure_days", "sessions_active_share", "sessions_tenure_days"]


@pytest.fixture
def scored():
    """Ninety players; every tenth is risky, and the model finds the risky ones of the upper half alone."""
    is_risky = np.arange(90) % 10 == 0
    score = np.where(is_risky & (np.arange(90) >= 45), 0.9, 0.1)
    score[85] = 0.9  # a false alarm
    return Scored(score, is_risky, np.ones(90, dtype=bool))


def test_activity_and_tenure_are_told_by_the_catalogues_names():
    assert subgroup_features(NAMES, ()) == ["bets_active_share", "bets_tenure_days"]
    assert subgroup_features(NAMES, (), "sessions") == ["sessions_active_share", "sessions_tenure_days"]
    assert subgroup_features(["duration", "src_bytes"], ()) == []


def test_chosen_features_are_taken_as_they_are_and_misspelt_ones_refused():
    assert subgroup_features(NAMES, ("bets_level",)) == ["bets_level"]
    with pytest.raises(SettingsProblem, match=r"subgroup_features to name features .*, got \['bets_levle'\]: choose"):
        subgroup_features(NAMES, ("bets_levle", "bets_level"))


def test_each_third_has_its_own_recall_precision_and_flagged_share(scored):
    [feature] = subgroup_quality(scored, 0.5, {"activity": np.arange(90.0)})
    low, middle, high = feature.groups
    assert feature.feature == "activity"
    assert [(one.low, one.high, one.players, one.risky) for one in feature.groups] == [
        (0, 29, 30, 3),
        (30, 59, 30, 3),
        (60, 89, 30, 3),
    ]
    assert [one.recall.value for one in (low, middle, high)] == [0, pytest.approx(1 / 3), 1]
    assert high.precision.value == pytest.approx(3 / 4)
    assert high.flagged_share.value == pytest.approx(4 / 30)
    assert low.precision is None  # nobody is flagged


def test_three_of_three_leave_doubt(scored):
    high = subgroup_quality(scored, 0.5, {"activity": np.arange(90.0)})[0].groups[2]
    assert (high.recall.value, high.recall.low, high.recall.high) == (1, pytest.approx(0.438, abs=0.001), 1)


def test_players_who_share_a_value_stay_together(scored):
    idle = np.maximum(np.arange(90.0) - 70, 0)
    groups = subgroup_quality(scored, 0.5, {"activity": idle})[0].groups
    assert [(one.low, one.high, one.players) for one in groups] == [(0, 0, 71), (1, 19, 19)]
    assert len(subgroup_quality(scored, 0.5, {"activity": np.zeros(90)})[0].groups) == 1


def test_players_without_a_value_are_in_no_group(scored):
    lacking = np.where(np.arange(90) < 30, np.nan, np.arange(90.0))
    groups = subgroup_quality(scored, 0.5, {"activity": lacking})[0].groups
    assert [(one.low, one.high, one.players) for one in groups] == [(30, 49, 20), (50, 69, 20), (70, 89, 20)]
    assert subgroup_quality(scored, 0.5, {"activity": np.full(90, np.nan)})[0].groups == []


def test_a_group_without_risky_players_has_no_recall(scored):
    by_risk = np.where(scored.is_risky, 2.0, np.arange(90) % 2)
    groups = subgroup_quality(scored, 0.5, {"activity": by_risk})[0].groups
    assert [one.recall is None for one in groups] == [one.risky == 0 for one in groups]
    assert groups[0].recall is None


def test_without_truth_there_is_no_precision_of_a_group(scored):
    labeled = Scored(scored.score, scored.is_risky, ~scored.is_risky, prevalence=0.01)
    groups = subgroup_quality(labeled, 0.5, {"activity": np.arange(90.0)})[0].groups
    assert [one.precision for one in groups] == [None, None, None]
    assert groups[2].recall.value == 1
    assert groups[2].flagged_share.value == pytest.approx(1 / 27)
