from dataclasses import replace

import numpy as np
import pytest

from scarcegan.data import validation
from scarcegan.data.validation import known_risky, validate
from scarcegan.problems import DataProblem


def test_good_players_are_returned_as_they_are(players, settings):
    good = players()
    assert validate(good, settings()) is good


@pytest.mark.parametrize(
    ("row", "player", "where"), [(1, 0, "'dormant' and 'dormant'"), (105, 3, "'dormant' and 'risky'")]
)
def test_a_player_twice_is_refused_in_one_population_or_in_two(players, settings, row, player, where):
    twice = players()
    twice.ids[row] = player
    with pytest.raises(DataProblem, match=rf"player once .* got 1 more often \(in {where}\): keep each in"):
        validate(twice, settings())


def test_many_players_twice_are_counted_and_three_are_shown(players, settings):
    again = players()
    again.ids[117:217] = again.ids[:100]
    with pytest.raises(DataProblem, match=r"got 100 more often \(in 'dormant' and 'unlabeled'\):"):
        validate(again, settings())


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_values_are_refused(players, settings, value, monkeypatch):
    monkeypatch.setattr(validation, "BLOCK_ROWS", 50)
    gaps = players()
    gaps.features[[107, 200, 300], 1] = value
    message = r"finite numbers in feature 'burst', got an infinite value for a player of 'risky' \(3 such players\):"
    with pytest.raises(DataProblem, match=message):
        validate(gaps, settings())


def test_missing_values_are_welcome(players, settings):
    gaps = players()
    gaps.features[[107, 200, 300], 1] = np.nan
    assert validate(gaps, settings()) is gaps


@pytest.mark.parametrize("name", ["dormant", "risky", "unlabeled"])
def test_a_population_without_players_is_refused(players, settings, name):
    sizes = {"dormant": 20, "normal": 20, "heavy": 20, "risky": 20, "unlabeled": 20}
    with pytest.raises(DataProblem, match=f"expected '{name}' players, got none: add players to the '{name}' input"):
        validate(players(sizes | {name: 0}), settings())


def test_fewer_risky_players_than_folds_are_refused_counting_those_held_out(players, settings):
    sizes = {"dormant": 20, "normal": 20, "heavy": 20, "risky": 7, "unlabeled": 20}
    assert validate(players(sizes), settings(folds={"k": 6}))
    with pytest.raises(DataProblem, match=r"at least 7 'risky' players for 7 folds .*, got 6: lower folds.k or add"):
        validate(players(sizes), settings(folds={"k": 7}))


@pytest.mark.parametrize("truth", [0, 1])
def test_a_test_set_of_one_kind_is_refused(players, settings, truth):
    one_sided = players()
    one_sided.test_set[-20:] = 1
    one_sided.truth[-20:] = truth
    with pytest.raises(DataProblem, match=f"in test set 'later', got {20 * truth} risky of 20 players: add the"):
        validate(replace(one_sided, test_sets=("later",)), settings())


def test_risky_is_known_by_truth_before_label(players, settings):
    everyone = players()
    everyone.truth[[0, 105]] = [1, 0]
    assert np.flatnonzero(known_risky(everyone, settings().populations)).tolist() == [0, *range(106, 117)]
