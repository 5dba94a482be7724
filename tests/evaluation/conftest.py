import numpy as np
import pytest

from scarcegan.evaluation.scored import Scored


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def ten_players():
    """Ten players by falling score, risky at ranks 1, 3 and 8; all stand for the population."""
    return Scored(np.arange(10, 0, -1) / 10, np.isin(np.arange(10), [0, 2, 7]), np.ones(10, dtype=bool))


@pytest.fixture
def labelled_apart():
    """Four labelled risky players beside ten unlabelled ones that stand for the population; prevalence 0.2."""
    risky, unlabelled = [0.95, 0.75, 0.55, 0.05], np.arange(1, 11) / 10
    is_risky = np.arange(14) < 4
    return Scored(np.array([*risky, *unlabelled]), is_risky, ~is_risky, 0.2)
