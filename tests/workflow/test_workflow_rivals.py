"""The rivals of a run: trained before the evaluation, whose repetition they need not be part of."""

from dataclasses import replace

import numpy as np
import pytest

from scarcegan.settings import load
from scarcegan.workflow.retraining.rivals import train_rivals


@pytest.fixture(scope="module")
def every_rival(settings):
    tree = settings.model_dump(mode="json")
    return load(tree | {"evaluate": tree["evaluate"] | {"rivals": load({}).evaluate.rivals}})


@pytest.fixture(scope="module")
def scores(prepared, every_rival):
    """What the rivals say that are trained in turn."""
    return train_rivals(prepared, every_rival, threads=1)[0]


def test_every_rival_scores_the_players_of_every_test_set(prepared, every_rival, scores):
    assert tuple(scores) == every_rival.evaluate.rivals
    risky = prepared.players.truth[prepared.fold == -1] == 1
    for name, by_test in scores.items():
        assert {test: len(found) for test, found in by_test.items()} == {"later": 200}
        assert by_test["later"][risky].mean() > by_test["later"][~risky].mean(), name


def test_rivals_trained_at_once_are_those_trained_in_turn(prepared, every_rival, scores):
    at_once = train_rivals(prepared, every_rival, threads=3)[0]
    for name in every_rival.evaluate.rivals:
        np.testing.assert_array_equal(scores[name]["later"], at_once[name]["later"])


def test_rivals_never_learn_from_test_players(prepared, every_rival, scores):
    players = prepared.players
    wrong = np.where(prepared.fold == -1, 3, players.labels).astype(np.int8)
    mislabeled = replace(prepared, players=replace(players, labels=wrong))
    found = train_rivals(mislabeled, every_rival, threads=2)[0]
    for name in every_rival.evaluate.rivals:
        np.testing.assert_array_equal(scores[name]["later"], found[name]["later"])


def test_rivals_never_learn_from_players_set_apart_for_the_thresholds(prepared, every_rival, scores):
    players, apart = prepared.players, prepared.fold == every_rival.folds.k
    turned = players.features.copy()  # the same values among other players: the scaling stays
    turned[apart, 0] = turned[apart, 0][::-1]
    moved = replace(prepared, players=replace(players, features=turned))
    found = train_rivals(moved, every_rival, threads=2)[0]
    for name in every_rival.evaluate.rivals:
        np.testing.assert_array_equal(scores[name]["later"], found[name]["later"])


def test_a_rival_that_cannot_be_trained_is_left_out_and_named(prepared, settings):
    tree = settings.model_dump(mode="json")
    tree["estimators"] = [{"name": "nobodys", "path": "nowhere.to_be:Found"}]
    scores, left_out = train_rivals(prepared, load(tree | {"evaluate": {"rivals": ["linear", "nobodys"]}}), threads=1)
    assert list(scores) == ["linear"]
    assert left_out[0].startswith("rival 'nobodys' is left out of the comparison: expected 'nowhere.to_be:Found'")
