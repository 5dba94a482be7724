"""Planted drift is found, stable pairs are left alone: the rate of false alarms is the one that was asked for."""

from dataclasses import replace

import numpy as np
import pytest
from monitoring_samples import FALSE_ALARMS, report_of, sample, world

from scarcegan.monitoring.calibration import chance_limits, pair_limits
from scarcegan.monitoring.measures import measure, two_sample_test
from scarcegan.monitoring.report import realised_recall

STABLE_PAIRS = 60
# With a rate of 5 %, more than eight alarms in 60 pairs come up once in 300 times.
MOST_ALARMS = 8


def planted(kind, players=8_000):
    """A world of 8,000 players, and another one in which something has changed."""
    before, now = world(players, 1), world(players, 2)
    if kind == "three features a bit larger":
        now[:, 3:6] *= 1.15
    elif kind == "some zeros where there were none":
        now[np.random.default_rng(3).random(players) < 0.04, 4] = 0
    elif kind == "two features that no longer go together":
        now[:, 6] = np.random.default_rng(4).permutation(now[:, 6])
    return before, now


@pytest.fixture(scope="module")
def stable():
    """Reports on pairs in which nothing but the players' luck differs."""
    return [
        report_of(sample(world(1_500, 2 * seed)), sample(world(1_500, 2 * seed + 1)), seed=seed)
        for seed in range(STABLE_PAIRS)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("signal", ["features", "classifier", "score"])
def test_stable_pairs_raise_each_signal_as_seldom_as_asked_for(stable, signal):
    assert sum(signal in report.beyond for report in stable) <= MOST_ALARMS


@pytest.mark.slow
def test_the_classifier_has_no_lean_either_way(stable):
    aucs = [report.classifier.auc for report in stable]
    assert np.mean(aucs) == pytest.approx(0.5, abs=0.004)
    # p-values of stable pairs are spread evenly
    assert 0.3 < np.mean([report.classifier.p < 0.5 for report in stable]) < 0.7


@pytest.mark.parametrize(
    ("kind", "flags"),
    [
        ("three features a bit larger", {"features", "classifier"}),
        ("some zeros where there were none", {"features", "classifier"}),
        ("two features that no longer go together", {"classifier"}),
    ],
)
def test_drift_that_the_textbook_index_misses_is_found(kind, flags):
    before, now = planted(kind)
    report = report_of(sample(before), sample(now))
    assert max(row.psi for row in report.features) < 0.1
    assert flags <= set(report.beyond)


def test_the_moved_features_come_first():
    before, now = planted("three features a bit larger")
    report = report_of(sample(before), sample(now))
    assert {row.name for row in report.features[:3]} == {"f3", "f4", "f5"}
    assert all(row.flagged for row in report.features[:3])


def test_values_that_go_missing_are_found_where_nothing_else_moves():
    before, now = planted("nothing")
    now[:200, 5] = np.nan
    first = report_of(sample(before), replace(sample(before), features=now)).features[0]
    assert (first.name, first.flagged) == ("f5", True)
    assert first.missing_share == pytest.approx(0.025)


def with_gaps(seed, shares):
    """A sample of players who by lot lack so large a share of each feature."""
    everyone = sample(world(5_000, seed))
    gaps = np.random.default_rng([seed, 5]).random(everyone.features.shape) < shares
    return replace(everyone, features=np.where(gaps, np.float32(np.nan), everyone.features))


def test_features_that_many_have_always_lacked_are_not_said_to_have_moved():
    shares = np.array([0.002, 0.01, 0.05, 0.1, 0.3, 0.5, 0.9, 0.98])
    reports = [report_of(with_gaps(seed, shares), with_gaps(seed + 1, shares)) for seed in (1, 3, 5)]
    assert [row.name for report in reports for row in report.features if row.flagged] == []


@pytest.mark.parametrize("share", [0.002, 0.3, 0.9])
def test_more_gaps_in_a_feature_that_has_always_had_some_are_found(share):
    before, now = with_gaps(1, share), with_gaps(2, np.array([share] * 7 + [share + 0.05]))
    assert [row.name for row in report_of(before, now).features if row.flagged] == ["f7"]


def test_no_limit_of_a_distance_is_above_the_largest_one():
    report = report_of(sample(world(500, 1)), sample(world(1, 2)))
    assert report.score.limit == max(row.ks_limit for row in report.features) == 1


def test_a_feature_that_is_gone_altogether_is_reported():
    before, now = planted("nothing")
    now[:, 5] = np.nan
    first = report_of(sample(before), replace(sample(before), features=now)).features[0]
    assert (first.name, first.ks, first.missing_share) == ("f5", None, 1.0)


def test_a_moved_score_and_more_unknown_players_are_found():
    before, now = world(4_000, 1), world(4_000, 2)
    now[:, 0] *= 0.8
    report = report_of(sample(before), sample(now, unknown=560))
    assert {"score", "unknown_share"} <= set(report.beyond)
    assert report.score.now.flagged_share.value > report.score.before.flagged_share.value
    assert (report.unknown_share.before.value, report.unknown_share.now.value) == (0.1, 0.14)


def test_a_model_without_the_unknown_output_says_nothing_of_it():
    one = sample(world(500, 1))
    assert report_of(one, replace(one, scored=replace(one.scored, unknown_share=None))).unknown_share is None


@pytest.mark.parametrize(("found", "kept"), [(48, True), (30, False)])
def test_recall_on_later_labels_is_held_against_the_registered_one(found, kept):
    recall = realised_recall(np.repeat([True, False], [found, 100 - found]), registered=0.5, snapshot="a")
    report = report_of(sample(world(500, 1)), sample(world(500, 2)), recall=recall)
    assert recall.value == found / 100
    assert recall.low < recall.value < recall.high
    assert ("recall" not in report.beyond) == kept
    assert report.signals["recall"].size == pytest.approx(0.5 - found / 100)


@pytest.mark.parametrize("rows", [(1, 200), (200, 1), (1, 1)])
def test_of_a_table_of_one_row_the_classifier_tells_nothing(rows):
    before, now = (np.random.default_rng(0).normal(size=(count, 3)) for count in rows)
    told = two_sample_test(before, now, seed=1, false_alarms=0.01)
    assert (told.auc, told.p) == (0.5, 0.5)
    assert told.limit > 1


def test_the_test_of_two_samples_takes_tables_of_unlike_length():
    told = two_sample_test(world(600, 1), world(3_000, 2), seed=0, false_alarms=0.01)
    assert told.auc < told.limit < 0.6


@pytest.fixture(scope="module")
def by_chance():
    """Limits of two samples as large as the months below."""
    return chance_limits(measured(0, 1), FALSE_ALARMS)


def month(seed, players=1_500):
    """A world whose features each month move a little by themselves, far beyond chance."""
    rng = np.random.default_rng([seed, 9])
    return sample(world(players, 1_000 + seed) * np.exp(rng.normal(0, 0.08, 8)).astype(np.float32), name=f"m{seed}")


def measured(first, second):
    return measure(month(first), month(second), seed=first, false_alarms=FALSE_ALARMS)


def pairs(seeds):
    return [measured(seed, seed + 1).values for seed in seeds]


def test_past_pairs_teach_what_is_usual(by_chance):
    """28 months: limits from six pairs, then 21 new stable pairs; chance alone would call most of them."""
    limits = pair_limits(pairs(range(6)), by_chance, FALSE_ALARMS)
    later = pairs(range(7, 28))
    for name in ("ks", "psi", "score", "classifier"):
        assert sum((one[name] > by_chance[name]).any() for one in later) > 7, name
        assert sum((one[name] > limits[name]).any() for one in later) <= 3, name


def test_limits_of_past_pairs_still_see_a_new_season(by_chance):
    limits = pair_limits(pairs(range(6)), by_chance, FALSE_ALARMS)
    season = month(6)
    moved = season.features.copy()
    moved[:, 5] *= 3
    found = measure(month(7), replace(season, features=moved), seed=0, false_alarms=FALSE_ALARMS).values
    assert found["ks"][5] > limits["ks"][5]
    assert found["classifier"][0] > limits["classifier"][0]


def test_pairs_that_differ_by_chance_alone_set_limits_near_those_of_chance(by_chance):
    quiet = {name: np.zeros_like(limit) for name, limit in by_chance.items()}
    limits = pair_limits([quiet] * 3, by_chance, FALSE_ALARMS)
    for name, limit in limits.items():
        np.testing.assert_allclose(limit, by_chance[name], err_msg=name)
