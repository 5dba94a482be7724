import numpy as np
import pytest

from scarcegan.evaluation import metrics
from scarcegan.evaluation.scored import Scored
from scarcegan.evaluation.selection import choose, mean_recall, smooth
from scarcegan.problems import DataProblem, TrainingCollapsed
from scarcegan.settings import Settings

RECALL_FIRST, PRECISION_FIRST, REVIEW_BUDGET, BALANCED = Settings().definitions
PLAYERS, RISKY = 600, 40


@pytest.fixture
def validation():
    is_risky = np.arange(PLAYERS) < RISKY
    return Scored(np.zeros(PLAYERS), is_risky, ~is_risky, 0.02)


def scores_of(rng, separations):
    """Scores [rounds, members, n], each as good as its separation."""
    separations = np.asarray(separations, dtype=float)
    is_risky = np.arange(PLAYERS) < RISKY
    return rng.normal(size=(*separations.shape, PLAYERS)) + separations[..., None] * is_risky


def all_of(scores):
    """Every member is healthy in every round."""
    return np.ones(scores.shape[:2], dtype=bool)


@pytest.mark.parametrize("definition", Settings().definitions, ids=lambda one: one.name)
def test_each_member_enters_with_its_best_time(rng, validation, definition):
    scores = scores_of(rng, [[0, 4], [0, 4], [0, 4], [0, 0], [4, 0], [4, 0], [4, 0]])
    choice = choose(scores, all_of(scores), validation, definition, 0.05)
    assert choice.members == [0, 1]
    assert choice.rounds[0] in (4, 5, 6)
    assert choice.rounds[1] in (0, 1, 2)
    assert len(choice.measure) == 2


def test_a_single_lucky_round_loses_to_a_good_neighbourhood(rng, validation):
    scores = scores_of(rng, [[3.5], [0], [0], [0], [3], [3], [3], [0]])
    assert choose(scores, all_of(scores), validation, REVIEW_BUDGET, 0.05).rounds[0] in (4, 5, 6)


@pytest.mark.parametrize(
    ("separations", "broken", "chosen"),
    [
        (np.full((4, 3), [1.0, 5.0, 1.0]), np.s_[:, 1], [0, 2]),  # a member that is never healthy
        ([[1, 1], [5, 1], [5, 1], [2, 1], [1, 1]], np.s_[1:3, 0], [0, 1]),  # its best rounds are broken ones
    ],
)
def test_what_is_not_healthy_is_never_chosen_not_even_looked_at(rng, validation, separations, broken, chosen):
    scores = scores_of(rng, separations)
    with_nan, healthy = scores.copy(), all_of(scores)
    with_nan[broken], healthy[broken] = np.nan, False
    choice = choose(with_nan, healthy, validation, REVIEW_BUDGET, 0.05)
    assert choice.members == chosen
    assert healthy[choice.rounds, choice.members].all()
    assert choice == choose(scores, healthy, validation, REVIEW_BUDGET, 0.05)


def test_nothing_to_choose_from_is_a_clear_error(rng, validation):
    scores = scores_of(rng, np.ones((3, 2)))
    with pytest.raises(TrainingCollapsed, match="at least 1 healthy member for 'balanced', got 0 of 2"):
        choose(scores, ~all_of(scores), validation, BALANCED, 0.05)
    scores[1, 0, 5] = np.nan
    with pytest.raises(DataProblem, match="finite"):
        choose(scores, all_of(scores), validation, BALANCED, 0.05)


def test_one_member_and_one_round_are_the_choice(rng, validation):
    choice = choose(scores_of(rng, [[1.0]]), np.array([[True]]), validation, PRECISION_FIRST, 0.05)
    assert (choice.members, choice.rounds) == ([0], [0])


@pytest.mark.parametrize("decimals", [0, 1, 8])
@pytest.mark.parametrize("apart", [True, False])
def test_mean_recall_is_the_rankings_recall_at_the_shares(rng, decimals, apart):
    is_risky = rng.random(200) < 0.2
    in_population = ~is_risky if apart else np.ones(200, dtype=bool)
    score = (rng.normal(size=200) + is_risky).round(decimals)
    scored = Scored(score, is_risky, in_population, 0.05)
    shares = np.array([0.001, 0.01, 0.1, 0.125, 0.5, 1.0])
    expected = metrics.recall_at_shares(metrics.curve(scored), shares[None]).mean()
    assert mean_recall(scored, score, shares) == pytest.approx(expected)


def test_smoothing_averages_three_neighbours_and_two_at_the_ends_and_leaves_broken_rounds_out():
    assert smooth(np.array([[0.0], [3.0], [0.0], [6.0]]))[:, 0].tolist() == [1.5, 1.0, 3.0, 3.0]
    broken = smooth(np.array([[1.0], [np.nan], [4.0], [2.0]]))[:, 0]
    assert broken == pytest.approx([1.0, np.nan, 3.0, 3.0], nan_ok=True)
