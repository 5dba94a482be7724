import numpy as np
import pytest

from scarcegan.gan.health import alarms, member_faults, require_survivors
from scarcegan.problems import TrainingCollapsed

# No member tells generated rows apart.
UNSURE = {"p_real": [[0.7]], "p_fake": [[0.6]]}


@pytest.fixture
def figures():
    """A quiet round of four members."""
    return {
        "gradient_norm": np.full(4, 0.5),
        "generator_loss": np.full(4, 0.3),
        "p_real": np.full(4, 0.7),
        "p_fake": np.full(4, 0.6),
    }


@pytest.fixture
def scores():
    return np.random.default_rng(0).random((4, 50))


def test_members_that_learn_have_no_fault(figures, scores):
    assert member_faults(figures, scores) == ["", "", "", ""]
    assert alarms([50], [["", "", "", ""]], UNSURE) == []


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_a_figure_or_a_score_that_is_not_finite_is_a_fault_of_its_member_alone(figures, scores, broken):
    figures["generator_loss"][1], scores[3, 7] = broken, broken
    assert member_faults(figures, scores) == ["", "not_finite", "", "not_finite"]


def test_constant_scores_are_a_fault(figures, scores):
    scores[0], scores[2] = 0.25, np.where(scores[2] > 0.5, 0.1, 0.2)
    assert member_faults(figures, scores) == ["collapsed", "", "collapsed", ""]


def test_a_vanished_gradient_is_a_fault(figures, scores):
    figures["gradient_norm"][:] = [0.5, 0.0, 1e-8, 1e-6]
    assert member_faults(figures, scores) == ["", "saturated", "saturated", ""]


def test_alarms_name_fault_members_iteration_and_setting():
    words = alarms([150], [["not_finite", "", "collapsed", "not_finite"]], UNSURE)
    assert len(words) == 2
    assert words[0].startswith("not finite: members 0, 3, at iteration 150; ")
    assert "train.learning_rate" in words[0]
    assert words[1].startswith("collapsed: member 2, at iteration 150; ")
    assert "model.prior_weight" in words[1]


def test_alarms_last_and_tell_when_a_trouble_came_and_when_it_was_seen_last():
    faults = [["", "collapsed", "", ""], ["", "collapsed", "collapsed", ""], ["", "", "", ""]]
    [words] = alarms([50, 100, 150], faults, UNSURE)
    assert words.startswith("collapsed: members 1, 2, first at iteration 50, last at 100; ")


def test_hundreds_of_broken_members_make_one_alarm():
    [words] = alarms([50], [["collapsed"] * 100], UNSURE)
    assert words.startswith("collapsed: members 0, 1, 2, 3, 4, 5, 6, 7 and 92 more, at iteration 50; ")


def test_a_lopsided_game_raises_an_alarm_but_is_no_fault(figures, scores):
    figures["p_real"][1], figures["p_fake"][1] = 0.9999, 0.9999
    figures["p_real"][2] = 0.9999  # certain on one side only: the generator still learns
    assert member_faults(figures, scores) == ["", "", "", ""]
    [words] = alarms([150], [["", "", "", ""]], {name: [values] for name, values in figures.items()})
    assert words.startswith("member 1 told generated rows apart with certainty, at iteration 150: ")


def test_one_survivor_is_enough():
    require_survivors(["not_finite", "collapsed", "", "saturated"], 50)


def test_a_fold_without_survivors_names_iteration_counts_and_the_likely_setting():
    with pytest.raises(TrainingCollapsed) as collapse:
        require_survivors(["collapsed", "not_finite", "not_finite"], 150)
    message = str(collapse.value)
    assert message.startswith("all 3 members failed by iteration 150 (2 not finite, 1 collapsed); ")
    assert message.endswith("lower train.learning_rate and train.learning_rate_generator")
