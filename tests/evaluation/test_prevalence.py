import numpy as np
import pytest

from scarcegan.evaluation.prevalence import estimate_prevalence, known_prevalence, prevalence_of
from scarcegan.evaluation.records import Prevalence
from scarcegan.problems import DataProblem
from scarcegan.settings import load

LABELS = np.array([3, 3, 0, 0, -1, -1])


@pytest.mark.parametrize("share", [0.01, 0.05, 0.2])
def test_the_adjusted_count_recovers_a_planted_prevalence(rng, share):
    risky, negatives = rng.normal(2.5, 1, 300), rng.normal(0, 1, 10_000)
    hidden = rng.random(20_000) < share
    found = estimate_prevalence(risky, negatives, rng.normal(2.5 * hidden, 1))
    assert found.value == pytest.approx(share, rel=0.4)
    assert found.how == "estimated by adjusted count"


def test_flag_rates_are_solved_for_the_prevalence_by_hand():
    # at the only separating threshold: tpr 1, fpr 1/4, flagged 4/10
    found = estimate_prevalence(np.array([0.5]), np.array([0.6, 0, 0, 0]), np.array([1.0] * 4 + [0.0] * 6))
    assert found.value == pytest.approx((0.4 - 0.25) / 0.75)


def test_too_tame_negatives_cannot_push_it_above_what_is_flagged(rng):
    risky, unlabeled = rng.normal(2, 1, 500), rng.normal(0, 1, 20_000)
    tame = np.full(100, -9.0)
    flagged_by_the_same = [np.mean(unlabeled >= t) / np.mean(risky >= t) for t in np.quantile(risky, [0.1, 0.4, 0.7])]
    assert estimate_prevalence(risky, tame, unlabeled).value <= min(flagged_by_the_same) + 1e-9


def test_it_is_at_least_one_player(rng):
    wild = rng.normal(0.5, 1, 1_000)
    assert estimate_prevalence(rng.normal(3, 1, 50), wild, np.full(200, -9.0)).value == pytest.approx(1 / 200)


def test_groups_that_are_empty_or_alike_are_refused(rng):
    with pytest.raises(DataProblem, match=r"separate risky from harmless .* set data\.prevalence"):
        estimate_prevalence(rng.random(500), rng.random(500), rng.random(500))
    with pytest.raises(DataProblem, match="'negatives': 0"):
        estimate_prevalence(np.ones(3), np.array([]), np.ones(3))


def test_truth_goes_before_configuration_and_half_known_truth_is_none():
    assert known_prevalence(np.array([1, 0, 0, 0]), 0.5) == Prevalence(0.25, "known from truth")
    assert known_prevalence(np.array([1, -1]), 0.5) == Prevalence(0.5, "from config")
    assert known_prevalence(None, None) is None


def test_a_configured_prevalence_goes_before_an_estimate():
    known = load({"data": {"prevalence": 0.02}})
    assert prevalence_of(np.linspace(1, 0, 6), LABELS, known) == Prevalence(0.02, "from config")


def test_where_none_can_be_estimated_the_review_budget_is_assumed_in_words():
    assumed = prevalence_of(np.full(6, 0.5), LABELS, load({}))  # scores that tell nobody apart
    assert assumed.value == 0.01
    assert assumed.how.startswith("assumed equal to the review budget (")
