import numpy as np
import pytest
from scipy.stats import norm

from scarcegan.evaluation.prevalence import prevalence_of
from scarcegan.evaluation.records import Prevalence
from scarcegan.settings import load
from scarcegan.words import percent

SETTINGS = load({})


def scores_and_labels(rng, risky, negatives, unlabeled, share, negative_mean=0.0, separation=4.0):
    """Labelled risky and harmless players, and unlabelled ones of whom a share is risky."""
    hidden = rng.random(unlabeled) < share
    scores = [
        rng.normal(separation, 1, risky),
        rng.normal(negative_mean, 1, negatives),
        rng.normal(separation * hidden, 1),
    ]
    return np.concatenate(scores), np.repeat([3, 0, -1], [risky, negatives, unlabeled])


@pytest.mark.parametrize("share", [0.005, 0.01, 0.05])
def test_it_is_estimated_where_hardly_a_harmless_player_passes(rng, share):
    found = prevalence_of(*scores_and_labels(rng, 100, 2_000, 20_000, share), 20_000, SETTINGS)
    among_all = (100 + share * 20_000) / 22_100
    assert found.origin == "estimated"
    assert found.value == pytest.approx(among_all, rel=0.35)
    assert found.low == pytest.approx(100 / 22_100)
    assert found.low < among_all < found.high


def test_the_upper_bound_holds_whoever_the_labelled_harmless_players_are(rng):
    held = []
    for _ in range(40):
        scores, labels = scores_and_labels(rng, 40, 200, 4_000, 0.02, separation=2.0)
        held.append(prevalence_of(scores, labels, 4_000, SETTINGS).high >= (40 + 0.02 * 4_000) / 4_240)
    assert np.mean(held) >= 0.9


def test_unlabelled_players_who_were_sampled_down_count_as_many_as_they_are(rng):
    scores, labels = scores_and_labels(rng, 100, 2_000, 5_000, 0.01)
    few, many = (prevalence_of(scores, labels, unlabeled, SETTINGS) for unlabeled in (5_000, 500_000))
    assert few.low == pytest.approx(100 / 7_100)
    assert many.low == pytest.approx(100 / 502_100)
    # Among a hundred times as many unlabelled players the labelled ones hardly count.
    assert many.value == pytest.approx(0.01, rel=0.35)


@pytest.mark.parametrize(
    "players",
    [
        {"risky": 50, "negatives": 500, "unlabeled": 5_000, "share": 0.01, "negative_mean": 4.0},  # they score as high
        {"risky": 4, "negatives": 500, "unlabeled": 5_000, "share": 0.01},  # four are too few to count on
        {"risky": 50, "negatives": 0, "unlabeled": 5_000, "share": 0.01},  # nobody shows who is harmless
    ],
)
def test_where_labels_cannot_tell_it_the_review_budget_stands_in_and_the_words_say_so(rng, players):
    found = prevalence_of(*scores_and_labels(rng, **players), 5_000, SETTINGS)
    assert (found.origin, found.is_known) == ("assumed", False)
    assert found.value == min(max(0.01, found.low), found.high)
    # The value first, as sentences say "a share of risky players of ...".
    assert found.in_words().startswith(f"{percent(found.value)} (assumed: not to be estimated from these labels, with")
    assert "set data.prevalence" in found.in_words()


def test_a_configured_prevalence_goes_before_an_estimate(rng):
    known = load({"data": {"prevalence": 0.02}})
    found = prevalence_of(*scores_and_labels(rng, 50, 500, 5_000, 0.1), 5_000, known)
    assert found == Prevalence(0.02, "configured")
    assert found.in_words() == "2\N{NO-BREAK SPACE}% (data.prevalence)"


def test_the_estimate_is_that_of_the_lowest_threshold_that_harmless_players_hardly_pass():
    # 10 labelled risky players above all 1,000 harmless ones; 6 of 1,000 unlabelled pass their lowest.
    scores = np.concatenate([np.linspace(2, 3, 10), np.linspace(0, 1, 1_000), np.linspace(2, 3, 6), np.zeros(994)])
    found = prevalence_of(scores, np.repeat([3, 0, -1], [10, 1_000, 1_000]), 1_000, SETTINGS)
    assert found.value == pytest.approx((10 + 6) / 2_010)


def test_a_normal_score_gives_what_its_rates_say():
    # Quantiles instead of draws.
    grid = (np.arange(2_000) + 0.5) / 2_000
    risky, negatives = norm.ppf(grid[::20], 4), norm.ppf(grid)
    unlabeled = np.concatenate([norm.ppf(grid[::50], 4), np.repeat(norm.ppf(grid), 2)])
    found = prevalence_of(
        np.concatenate([risky, negatives, unlabeled]),
        np.repeat([3, 0, -1], [len(risky), len(negatives), len(unlabeled)]),
        len(unlabeled),
        SETTINGS,
    )
    assert found.value == pytest.approx((100 + 40) / (100 + 2_000 + 4_040), rel=0.1)
