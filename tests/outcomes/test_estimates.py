"""Estimates stand for everyone: weighted by how few were drawn, honest where few positives were found."""

import numpy as np
import pandas as pd
import pytest

from scarcegan.outcomes.estimates import Sample, precision, prevalence, recall
from scarcegan.outcomes.lists import sample_of


def sample(top=(30, 10), drawn=((60, 5, 2), (900, 5, 0))):
    """A top of n with its risky ones, and strata of (players, drawn, risky)."""
    weight, risky, shown = [np.ones(top[0])], [np.arange(top[0]) < top[1]], [np.ones(top[0], bool)]
    for players, reviewed, found in drawn:
        weight.append(np.full(reviewed, players / reviewed))
        risky.append(np.arange(reviewed) < found)
        shown.append(np.zeros(reviewed, bool))
    everyone = top[0] + sum(one[0] for one in drawn)
    return Sample(*map(np.concatenate, (weight, risky, shown)), everyone, top[0])


def test_a_drawn_player_stands_for_the_stratum():
    found = recall(sample())
    assert found.value == pytest.approx(10 / (10 + 24))
    assert prevalence(sample()).value == pytest.approx(34 / 990)
    assert precision(sample()).value == pytest.approx(1 / 3)


def test_nobody_found_below_the_top_is_no_proof_of_none():
    """Of five drawn from 900 none is risky: up to about half of them may still be, and recall far from 1."""
    found = sample(drawn=((900, 5, 0),))
    told = recall(found).interval()
    assert (told.value, told.high) == (1.0, 1.0)
    assert told.low < 0.05
    assert 0.3 < prevalence(found).high < 0.7


def test_more_reviews_narrow_the_interval():
    widths = [(one := recall(sample(drawn=((900, n, n // 100),))).interval()).high - one.low for n in (100, 300, 900)]
    assert widths == sorted(widths, reverse=True)


def test_what_holds_is_likely_and_what_does_not_is_not():
    found = recall(sample(top=(300, 100), drawn=((900, 300, 100),)))
    assert found.value == pytest.approx(0.25)
    assert found.chance_of_less(0.9) < 0.001
    assert 0.3 < found.chance_of_less(0.25) < 0.7


@pytest.mark.parametrize("missing", [sample(drawn=()), sample(top=(0, 0)), sample(top=(30, 0), drawn=((60, 5, 0),))])
def test_where_one_side_is_not_reviewed_or_nobody_is_risky_recall_is_not_told(missing):
    assert recall(missing) is None


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(5)
    held = []
    for _ in range(200):
        strata = [(n, 20, int(rng.binomial(20, share))) for n, share in ((500, 0.1), (5_000, 0.004))]
        told = recall(sample(top=(100, int(rng.binomial(100, 0.4))), drawn=strata)).interval(0.9)
        held.append(told.low <= 40 / (40 + 50 + 20) <= told.high)
    assert np.mean(held) >= 0.88


def listed(labels):
    """A list of 20 of the top and two drawn from each of 3 strata of 10, 100 and 1,000 players."""
    stratum = np.repeat([0, 1, 2, 3], [20, 2, 2, 2])
    rows = pd.DataFrame({"stratum": stratum, "risk_score": np.linspace(0.9, 0.1, 26), "label": labels})
    return rows.assign(inclusion=np.array([1, 0.2, 0.02, 0.002])[stratum], is_flagged=stratum == 0)


def test_who_was_not_reviewed_is_stood_for_by_the_same_stratum():
    labels = ["risky"] * 20 + ["harmless", "", "risky", "harmless", "", "harmless"]
    found = sample_of(listed(labels), players=1_130, flagged=20, by_flag=False)
    assert found.weight.tolist() == [1.0] * 20 + [10, 50, 50, 1000]


def test_a_stratum_of_which_nobody_was_reviewed_is_counted_with_its_neighbour():
    labels = ["risky"] * 20 + ["harmless", "harmless", "", "", "harmless", "harmless"]
    found = sample_of(listed(labels), players=1_130, flagged=20, by_flag=False)
    assert found.weight.sum() == pytest.approx(1_130)
    labels = ["risky"] * 10 + [""] * 10 + ["harmless"] + [""] * 5
    found = sample_of(listed(labels), players=1_130, flagged=20, by_flag=False)
    assert found.weight[found.is_shown].sum() == pytest.approx(20)
    assert found.weight[~found.is_shown].tolist() == [1_110]
