"""The rivals of a run: trained before the evaluation, whose repetition they need not be part of."""

from dataclasses import replace

import numpy as np
import pytest

from scarcegan.settings import load
from scarcegan.workflow.retraining.rivals import train_rivals


@pytest.fixture(scope="module")
def four_rivals(settings):
    tree = settings.model_dump(mode="json")
    names = ["extra_trees", "logistic_regression", "gradient_boosting", "random_forest"]
    return load(tree | {"evaluate": tree["evaluate"] | {"rivals": names}})


def test_every_rival_scores_the_players_of_every_test_set(prepared, four_rivals):
    scores = train_rivals(prepared, four_rivals, threads=1)
    assert tuple(scores) == four_rivals.evaluate.rivals
    risky = prepared.players.truth[prepared.fold == -1] == 1
    for name, by_test in scores.items():
        assert {test: len(found) for test, found in by_test.items()} == {"later": 200}
        assert by_test["later"][risky].mean() > by_test["later"][~risky].mean(), name


def test_rivals_trained_at_once_are_those_trained_in_turn(prepared, four_rivals):
    in_turn, at_once = (train_rivals(prepared, four_rivals, threads) for threads in (1, 3))
    for name in four_rivals.evaluate.rivals:
        np.testing.assert_array_equal(in_turn[name]["later"], at_once[name]["later"])


def test_rivals_never_learn_from_test_players(prepared, four_rivals):
    players = prepared.players
    wrong = np.where(prepared.fold == -1, 3, players.labels).astype(np.int8)
    mislabeled = replace(prepared, players=replace(players, labels=wrong))
    expected, found = (train_rivals(one, four_rivals, threads=2) for one in (prepared, mislabeled))
    for name in four_rivals.evaluate.rivals:
        np.testing.assert_array_equal(expected[name]["later"], found[name]["later"])
