import numpy as np
import pytest

from scarcegan.data.calibration import Calibration
from scarcegan.evaluation.calibrate import fit_calibration, on_scale_of

CURVE = Calibration(0.9, 1.5, -2.5)


@pytest.fixture
def drawn():
    """Scores of a population, who of them is risky, as the curve has it, and those of labelled risky players."""

    def draw(population=30_000, labelled=64, seed=0):
        rng = np.random.default_rng(seed)
        scores = rng.beta(0.3, 4, 2 * population).astype(np.float32)
        is_risky = rng.random(len(scores)) < CURVE.apply(scores)
        labelled_ones = rng.choice(scores[:population][is_risky[:population]], labelled, replace=False)
        return scores[population:], is_risky[population:], labelled_ones

    return draw


def _error(probability, is_risky):
    """Return the mean distance of predicted and observed shares over ten equal bins, weighted by their players."""
    bins = np.digitize(probability, np.arange(1, 10) / 10)
    return np.abs(np.bincount(bins, probability.astype(float) - is_risky)).sum() / len(probability)


@pytest.mark.parametrize("seed", range(5))
def test_a_few_labelled_risky_players_make_scores_of_an_unlabelled_population_true(drawn, seed):
    scores, is_risky, labelled = drawn(seed=seed)
    found = fit_calibration(labelled, scores, is_risky.mean()).apply(scores)
    error = _error(found, is_risky)
    assert error < _error(scores, is_risky) / 5
    assert error < 0.01
    assert found.mean() == pytest.approx(is_risky.mean(), rel=0.25)


def test_many_players_give_the_curve_that_they_were_drawn_from(drawn):
    scores, is_risky, labelled = drawn(population=300_000, labelled=2_000)
    found = fit_calibration(labelled, scores, is_risky.mean())
    np.testing.assert_allclose([found.a, found.b, found.c], [CURVE.a, CURVE.b, CURVE.c], atol=0.25)


def test_the_risky_among_the_population_are_accounted_for(drawn):
    """Taken for harmless they would hold the highest probabilities down, most where risky players are not rare."""
    scores, is_risky, labelled = drawn(population=300_000, labelled=2_000)
    top = scores > 0.7
    found = fit_calibration(labelled, scores, is_risky.mean()).apply(scores[top])
    assert found.mean() == pytest.approx(is_risky[top].mean(), abs=0.03)


@pytest.mark.parametrize("labelled", [1, 3])
def test_hardly_any_label_gives_a_curve_that_can_be_used(drawn, labelled):
    scores, is_risky, few = drawn(labelled=labelled)
    found = fit_calibration(few, scores, is_risky.mean())
    found.check()
    assert 0.2 < found.a < 5
    assert 0.2 < found.b < 5


@pytest.mark.parametrize(("prevalence", "log_odds"), [(0.17, -5.4), (0.25, -5.8), (0.3, -4.3)])
def test_not_everybody_is_sure_to_be_risky_where_all_scores_are_low(prevalence, log_odds):
    """The risky stand clearly above the others, and are many: from afar the search once ended where all are sure."""
    rng, risky = np.random.default_rng(0), int(1_000 * prevalence)
    others = rng.normal(log_odds, 0.1, 1_000 - risky)
    scores = 1 / (1 + np.exp(-np.append(others, rng.normal(log_odds + 1, 0.1, risky))))
    found = fit_calibration(scores[-30:], scores, prevalence).apply(scores)
    assert found.mean() == pytest.approx(prevalence, abs=0.03)
    assert found[-risky:].min() > found[:-risky].max()
    assert len(np.unique(found.astype(np.float32))) > 990


@pytest.mark.parametrize("prevalence", [0.012, 0.02, 0.1])
def test_players_above_a_gap_keep_their_ranks_in_float32(prevalence):
    """Where nobody is in between the risky and the others the curve once was a step: 1 for nearly all above it."""
    rng, risky = np.random.default_rng(0), int(5_000 * prevalence)
    others = np.exp(rng.normal(np.log(0.012), 0.12, 5_000 - risky))
    raw = np.append(others, rng.uniform(0.13, 0.95, risky)).astype(np.float32)
    found = fit_calibration(np.append(rng.uniform(0.4, 0.95, 20), [0.05, 0.06, 0.13]), raw, prevalence).apply(raw)
    assert found.mean() == pytest.approx(prevalence, rel=0.1)
    assert found[-risky:].min() > found[:-risky].max()
    assert len(np.unique(found[-risky:])) > 0.95 * risky


def test_scores_of_exactly_0_and_1_are_borne(drawn):
    scores, is_risky, labelled = drawn()
    fit_calibration(np.append(labelled, np.float32(1)), np.append(scores, np.float32(0)), is_risky.mean()).check()


def test_scores_are_carried_over_by_their_rank_among_the_population():
    own = np.linspace(0, 1, 1001)
    found = on_scale_of(np.array([0.1, 0.5, 0.9, 7.0]), own, own**2)
    np.testing.assert_allclose(found, [0.01, 0.25, 0.81, 1], atol=2e-3)
