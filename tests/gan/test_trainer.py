import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from scarcegan.gan.checkpoints import CheckpointFile
from scarcegan.gan.program import SERIES
from scarcegan.gan.progress import Progress
from scarcegan.gan.trainer import MAX_KEPT_ROUNDS, train_members
from scarcegan.machine import MachineTakenAway
from scarcegan.problems import CheckpointProblem, TrainingCollapsed
from scarcegan.settings import Train

FINGERPRINT = "0123456789abcdef"
ROUNDS, KEPT = list(range(5, 41, 5)), list(range(15, 41, 5))


class TaskKilledError(Exception):
    """Stands for whatever ends a task early."""


def killed_at(iteration, error=TaskKilledError):
    def on_round(progress):
        if progress.iteration[-1] == iteration:
            raise error("now")

    return on_round


def mean_score(scores, weights):
    return {"validation_average_precision": scores.mean(axis=1)}


def is_same_training(one, other):
    return (
        replace(one.progress, seconds=[]) == replace(other.progress, seconds=[])
        and one.iterations == other.iterations
        and np.array_equal(one.scores, other.scores)
        and all(np.array_equal(a[name], b[name]) for a, b in zip(one.weights, other.weights, strict=True) for name in a)
    )


@pytest.fixture
def validation(fold_rows):
    return fold_rows.unlabeled[:20]


@pytest.fixture
def checkpoint(tmp_path):
    return CheckpointFile(str(tmp_path / "fold-0.npz"), FINGERPRINT)


@pytest.mark.parametrize(
    ("iteration", "error", "left"),
    # checkpoints are due at 20 and 40; a notice that the machine goes saves the round it comes in
    [
        (20, TaskKilledError, [25, 30, 35, 40]),
        (30, TaskKilledError, [25, 30, 35, 40]),
        (30, MachineTakenAway, [35, 40]),
    ],
)
def test_a_training_that_ended_early_goes_on_from_its_checkpoint_as_if_it_had_not(
    program, validation, checkpoint, iteration, error, left
):
    start = program.state()
    whole = train_members(program, validation, mean_score)
    end = program.state()

    program.restore(start)
    with pytest.raises(error):
        train_members(program, validation, mean_score, checkpoint, killed_at(iteration, error))
    program.restore({name: np.full_like(value, 7.0) for name, value in start.items()})  # another process knows nothing
    views = []
    resumed = train_members(program, validation, mean_score, checkpoint, views.append)

    assert [view.iteration[-1] for view in views] == left
    assert is_same_training(whole, resumed)
    assert all(np.array_equal(value, end[name]) for name, value in program.state().items())
    assert resumed.progress.seconds == sorted(resumed.progress.seconds)


def test_a_finished_training_is_taken_from_its_checkpoint(program, validation, checkpoint):
    done = train_members(program, validation, mean_score, checkpoint)
    again = train_members(program, validation, mean_score, checkpoint, killed_at(40))  # no round runs
    assert is_same_training(done, again)


def test_a_checkpoint_of_another_training_stops_before_the_first_round(program, validation, checkpoint):
    train_members(program, validation, mean_score, checkpoint)
    other = CheckpointFile(checkpoint.location, "f" * 16)
    with pytest.raises(CheckpointProblem, match="belongs to another training"):
        train_members(program, validation, mean_score, other, killed_at(5))


def test_progress_has_one_entry_a_round_and_survives_json(program, validation):
    progress = train_members(program, validation, mean_score).progress
    assert Progress.from_plain(json.loads(json.dumps(progress.to_plain()))) == progress
    assert (progress.iteration, progress.iterations, progress.members) == (ROUNDS, 40, 3)
    assert len(progress.seconds) == len(ROUNDS)
    assert progress.healthy == [True, True, True]
    assert progress.faults == [["", "", ""]] * len(ROUNDS)
    for name in (*SERIES, "validation_average_precision"):
        assert np.array(progress.series[name]).shape == (len(ROUNDS), 3), name


def test_a_view_of_the_progress_stays_as_it_was(program, validation):
    views = []
    train_members(program, validation, mean_score, on_round=views.append)
    assert [len(view.iteration) for view in views] == list(range(1, len(ROUNDS) + 1))
    assert [len(view.series["p_real"]) for view in views] == list(range(1, len(ROUNDS) + 1))


def test_kept_rounds_hold_the_weights_behind_their_scores(program, validation):
    trained = train_members(program, validation, mean_score)
    assert trained.iterations == KEPT
    assert np.array_equal(program.risk_scores(validation), trained.scores[-1])
    last = program.inference_weights()
    assert all(np.array_equal(trained.weights[-1][name], last[name]) for name in last)
    program.restore({f"averages/{name}": value for name, value in trained.weights[1].items()} | moments_of(program))
    assert np.array_equal(program.risk_scores(validation), trained.scores[1])


def moments_of(program):
    """All of a program's state but a kept round's weights."""
    held = {f"averages/{name}" for name in program.inference_weights()}
    return {name: value for name, value in program.state().items() if name not in held}


def not_a_number(state, member):
    """Poison one member's weights."""
    return {
        name: spoilt(value, member, np.nan if name.startswith("weights/") else None) for name, value in state.items()
    }


def dead(state, member):
    """Zero one member's discriminator: no row makes a difference and no gradient passes through."""
    is_dead = ("weights/trunk", "weights/supervised", "weights/unsupervised")
    return {name: spoilt(value, member, 0.0 if name.startswith(is_dead) else None) for name, value in state.items()}


def spoilt(value, member, number):
    value = value.copy()
    if number is not None:
        value[member] = number
    return value


@pytest.mark.parametrize(("harm", "fault"), [(not_a_number, "not finite"), (dead, "collapsed")])
def test_a_broken_member_is_masked_and_named_while_the_others_go_on_unharmed(program, validation, harm, fault):
    start = program.state()
    unharmed = train_members(program, validation, mean_score)
    program.restore(harm(start, 1))
    trained = train_members(program, validation, mean_score)
    assert trained.healthy.tolist() == [[True, False, True]] * len(KEPT)
    assert trained.progress.healthy == [True, False, True]
    [alarm] = trained.progress.alarms
    assert alarm.startswith(f"{fault}: member 1, first at iteration 5, last at 40; ")
    for member in (0, 2):
        assert np.array_equal(trained.scores[:, member], unharmed.scores[:, member])
        for name, value in trained.weights[-1].items():
            assert np.array_equal(value[member], unharmed.weights[-1][name][member]), name


def test_a_fold_in_which_all_members_break_stops_at_once(program, validation, checkpoint):
    state = program.state()
    for member in range(3):
        state = not_a_number(state, member)
    program.restore(state)
    expected = r"all 3 members failed by iteration 5 \(3 not finite\); .* lower train\.learning_rate"
    with pytest.raises(TrainingCollapsed, match=expected):
        train_members(program, validation, mean_score, checkpoint)
    assert checkpoint.load() is None


class Script:
    """A program of two members that computes nothing; member 1 is ill in some rounds."""

    def __init__(self, ill=(), **train):
        self.train = Train(**{"members": 2, "iterations": 100, "round_iterations": 10} | train)
        self.ill, self.round = ill, 0

    def run_round(self, number):
        self.round = number
        return dict.fromkeys(SERIES, np.array([0.5, 0.5]))

    def risk_scores(self, rows):
        scores = np.tile(np.arange(len(rows)) / len(rows), (2, 1))
        scores[1] *= self.round not in self.ill  # all the same: collapsed
        return scores

    def inference_weights(self):
        return {"trunk/0/bias": np.full((2, 1, 1), self.round)}

    def state(self):
        return {"weights/trunk/0/bias": np.full((2, 1, 1), self.round)}

    def restore(self, state):
        self.round = state["weights/trunk/0/bias"][0, 0, 0]


def scripted(script, checkpoint=None):
    return train_members(script, np.zeros((5, 1)), mean_score, checkpoint)


def test_no_round_of_the_burn_in_is_kept():
    assert scripted(Script()).iterations == [40, 50, 60, 70, 80, 90, 100]
    assert scripted(Script(iterations=10)).iterations == [10]


def test_a_long_training_thins_its_rounds_and_keeps_the_last():
    trained = scripted(Script(iterations=2000))
    assert len(trained.iterations) == 35 <= MAX_KEPT_ROUNDS
    assert np.diff(trained.iterations).tolist() == [40] * 34
    assert trained.iterations[-1] == 2000
    assert trained.weights[-1]["trunk/0/bias"][0, 0, 0] == 199


def test_checkpoints_are_taken_when_due_and_no_more_often():
    saved = []
    keeper = SimpleNamespace(load=lambda: None, save=lambda arrays, meta: saved.append(meta["iteration"][-1]))
    scripted(Script(), keeper)
    assert saved == [40, 80]


def test_a_member_that_recovered_is_masked_where_it_was_ill_alone_and_the_alarm_stays():
    trained = scripted(Script(ill=(2, 5)))
    assert [trained.iterations[kept] for kept in np.flatnonzero(~trained.healthy[:, 1])] == [60]
    assert trained.healthy[:, 0].all()
    assert trained.progress.healthy == [True, True]
    assert [faults[1] for faults in trained.progress.faults].count("collapsed") == 2
    [alarm] = trained.progress.alarms
    assert alarm.startswith("collapsed: member 1, first at iteration 30, last at 60; ")


def test_a_member_that_fails_in_the_end_is_masked_throughout():
    trained = scripted(Script(ill=(9,)))
    assert not trained.healthy[:, 1].any()
    assert trained.healthy[:, 0].all()


def test_what_is_known_of_ill_members_survives_a_restore(checkpoint):
    whole = scripted(Script(ill=(2, 5)))
    with pytest.raises(TaskKilledError):
        train_members(Script(ill=(2, 5)), np.zeros((5, 1)), mean_score, checkpoint, killed_at(50))
    resumed = scripted(Script(ill=(5,)), checkpoint)
    assert np.array_equal(resumed.healthy, whole.healthy)
    assert resumed.progress.alarms == whole.progress.alarms
