import numpy as np
import pytest

from scarcegan.evaluation.figures import Confusion
from scarcegan.evaluation.intervals import share_of
from scarcegan.evaluation.measures import calibration, confusion, is_unknown
from scarcegan.evaluation.scored import HeldOut, Scored

NAMES = ("normal", "risky", "unknown")


def certain(classes, columns=3):
    return np.eye(columns)[classes]


def test_players_are_counted_by_known_and_most_probable_class():
    rows = HeldOut(np.array([0, 0, 0, 1, 1]), np.array([0, 0, 0, 1, 1], dtype=bool), np.ones(5, dtype=bool))
    assert confusion(rows, certain([0, 0, 2, 1, 0]), NAMES, rare_index=1) == Confusion(
        labels=["normal", "risky", "unknown"], rows=["normal", "risky"], matrix=[[2, 0, 1], [1, 1, 0]]
    )


def test_many_classes_are_counted_as_few_are_though_labels_are_int8():
    labels = np.arange(30, dtype=np.int8)
    names = (*(f"kind{number}" for number in range(30)), "unknown")
    found = confusion(HeldOut(labels, labels == 29, np.ones(30, dtype=bool)), certain(labels, 31), names, rare_index=29)
    assert np.array_equal(found.matrix, np.eye(30, 31))


def test_truth_goes_before_weak_labels_and_the_rest_is_unlabelled():
    labels, is_risky = np.array([0, 1, -1, -1]), np.array([True, False, True, False])
    found = confusion(HeldOut(labels, is_risky, np.ones(4, dtype=bool)), certain([1, 1, 1, 2]), NAMES, rare_index=1)
    assert found.rows == ["normal", "risky", "unlabelled"]
    assert found.matrix == [[0, 0, 0], [0, 2, 0], [0, 1, 1]]


def test_a_model_without_the_unknown_output_has_no_such_column():
    rows = HeldOut(np.array([0, 1]), np.array([False, True]), np.ones(2, dtype=bool))
    probabilities = certain([0, 1], columns=2)
    assert confusion(rows, probabilities, NAMES, rare_index=1).labels == ["normal", "risky"]
    assert is_unknown(probabilities, 2) is None


def test_unknown_are_those_most_probably_so():
    assert is_unknown(certain([0, 2, 1, 2]), 2).tolist() == [False, True, False, True]


def test_calibration_compares_each_bin_with_its_share_of_risky_players():
    scored = Scored(np.array([0.01, 0.03, 0.91, 0.95, 1.0]), np.array([0, 0, 0, 1, 1], dtype=bool),
                    np.ones(5, dtype=bool))  # fmt: skip
    found = calibration(scored)
    assert found.predicted == pytest.approx([0.02, 2.86 / 3])
    assert found.observed == pytest.approx([0, 2 / 3])
    assert found.players == [2, 3]
    assert found.low == pytest.approx([share_of(0, 2).low, share_of(2, 3).low])
    assert found.high == pytest.approx([share_of(0, 2).high, share_of(2, 3).high])


def test_calibration_beside_the_population_uses_the_prevalence(labelled_apart):
    found = calibration(labelled_apart)
    # unlabelled at 0.5 and risky at 0.55 share a bin: 1 of 4 risky, 1 of 10 players, prevalence 0.2
    assert found.observed[found.predicted.index(0.5)] == pytest.approx(0.2 * (1 / 4) / (1 / 10))
    assert found.high[found.predicted.index(0.5)] == 1  # 1 of 4 may be more than half, at twice its weight
