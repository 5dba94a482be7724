import numpy as np

from scarcegan.evaluation.intervals import resample_weights
from scarcegan.evaluation.measures import measure
from scarcegan.evaluation.verdict import judge
from scarcegan.settings.words_section import Words


def test_a_verdict_is_in_words_but_not_the_name_of_its_outcome(ten_players):
    weights = resample_weights(ten_players.is_risky, ten_players.in_population, 50, np.random.default_rng(5))
    measures, words = measure(ten_players, weights, 0.3, 0.8), Words(row="card", rare="fraudulent")
    told = judge("balanced", ten_players, 0.8, measures, {"linear": ten_players}, weights, words)
    assert "of fraudulent cards where it flags" in told.sentence
    assert "too few fraudulent to tell" in told.sentence
    assert told.against_rival.verdict == "too few risky"
