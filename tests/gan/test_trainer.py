import json
from types import SimpleNamespace

import numpy as np
import pytest

from scarcegan.gan.checkpoints import CheckpointFile
from scarcegan.gan.program import SERIES
from scarcegan.gan.trainer import MAX_SNAPSHOTS, train_members
from scarcegan.machine import MachineTakenAway
from scarcegan.problems import CheckpointProblem, TrainingCollapsed
from scarcegan.settings import Train

FINGERPRINT = "0123456789abcdef"


class TaskKilledError(Exception):
    """Stands for whatever ends a task early."""


def killed_at(iteration):
    def on_round(history):
        if history["iteration"][-1] == iteration:
            raise TaskKilledError

    return on_round


def mean_score(scores, weights):
    return {"validation_average_precision": scores.mean(axis=1)}


def comparable(history):
    return {name: value for name, value in history.items() if name != "seconds"}


def is_same_training(one, other):
    return (
        comparable(one.history) == comparable(other.history)
        and one.iterations == other.iterations
        and np.array_equal(one.scores, other.scores)
        and all(
            np.array_equal(a[name], b[name]) for a, b in zip(one.snapshots, other.snapshots, strict=True) for name in a
        )
    )


@pytest.fixture
def validation(fold_rows):
    return fold_rows.unlabeled[:20]


@pytest.fixture
def checkpoint(tmp_path):
    return CheckpointFile(str(tmp_path / "fold-0.npz"), FINGERPRINT)


def test_half_restore_and_the_other_half_equal_training_in_one_go(program, validation, checkpoint):
    start = program.state()
    whole = train_members(program, validation, mean_score)
    end = program.state()

    program.restore(start)
    with pytest.raises(TaskKilledError):
        train_members(program, validation, mean_score, checkpoint, killed_at(10))
    program.restore({name: np.full_like(value, 7.0) for name, value in start.items()})  # another process knows nothing
    rounds = []
    halves = train_members(program, validation, mean_score, checkpoint, lambda h: rounds.append(h["iteration"][-1]))

    assert rounds == [15, 20]
    assert is_same_training(whole, halves)
    assert all(np.array_equal(value, end[name]) for name, value in program.state().items())
    assert halves.history["seconds"] == sorted(halves.history["seconds"])


def test_a_kill_between_checkpoints_goes_on_from_the_last_one(program, validation, checkpoint):
    start = program.state()
    with pytest.raises(TaskKilledError):
        train_members(program, validation, mean_score, checkpoint, killed_at(15))
    rounds = []
    resumed = train_members(program, validation, mean_score, checkpoint, lambda h: rounds.append(h["iteration"][-1]))
    assert rounds == [15, 20]
    program.restore(start)
    assert is_same_training(train_members(program, validation, mean_score), resumed)


def test_a_notice_that_the_machine_goes_saves_the_round_it_came_in(program, validation, checkpoint):
    start = program.state()

    def taken_away(history):
        if history["iteration"][-1] == 15:  # checkpoints are due at 10 and 20
            raise MachineTakenAway("in two minutes")

    with pytest.raises(MachineTakenAway):
        train_members(program, validation, mean_score, checkpoint, taken_away)
    rounds = []
    resumed = train_members(program, validation, mean_score, checkpoint, lambda h: rounds.append(h["iteration"][-1]))
    assert rounds == [20]
    program.restore(start)
    assert is_same_training(train_members(program, validation, mean_score), resumed)


def test_a_finished_training_is_taken_from_its_checkpoint(program, validation, checkpoint):
    done = train_members(program, validation, mean_score, checkpoint)
    again = train_members(program, validation, mean_score, checkpoint, killed_at(20))  # no round runs
    assert is_same_training(done, again)


def test_a_checkpoint_of_another_training_stops_before_the_first_round(program, validation, checkpoint):
    train_members(program, validation, mean_score, checkpoint)
    other = CheckpointFile(checkpoint.location, "f" * 16)
    with pytest.raises(CheckpointProblem, match="belongs to another training"):
        train_members(program, validation, mean_score, other, killed_at(5))


def test_history_is_plain_data_with_one_entry_a_round(program, validation):
    history = train_members(program, validation, mean_score).history
    assert history == json.loads(json.dumps(history))
    assert (history["iteration"], history["iterations"], history["members"]) == ([5, 10, 15, 20], 20, 3)
    assert len(history["seconds"]) == 4
    assert history["healthy"] == [True, True, True]
    assert history["faults"] == [["", "", ""]] * 4
    for name in (*SERIES, "validation_average_precision"):
        assert np.array(history[name]).shape == (4, 3), name


def test_snapshots_hold_the_weights_behind_their_scores(program, validation):
    trained = train_members(program, validation, mean_score)
    assert trained.iterations == [5, 10, 15, 20]
    assert np.array_equal(program.risk_scores(validation), trained.scores[-1])
    last = program.inference_weights()
    assert all(np.array_equal(trained.snapshots[-1][name], last[name]) for name in last)
    program.restore({f"averages/{name}": value for name, value in trained.snapshots[1].items()} | moments_of(program))
    assert np.array_equal(program.risk_scores(validation), trained.scores[1])


def moments_of(program):
    """All of a program's state but what a snapshot holds."""
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
    assert trained.healthy.tolist() == [[True, False, True]] * 4
    assert trained.history["healthy"] == [True, False, True]
    [alarm] = trained.history["alarms"]
    assert alarm.startswith(f"{fault}: member 1, first at iteration 5, last at 20; ")
    for member in (0, 2):
        assert np.array_equal(trained.scores[:, member], unharmed.scores[:, member])
        for name, value in trained.snapshots[-1].items():
            assert np.array_equal(value[member], unharmed.snapshots[-1][name][member]), name


def test_a_fold_in_which_all_members_break_stops_at_once(program, validation, checkpoint):
    state = program.state()
    for member in range(3):
        state = not_a_number(state, member)
    program.restore(state)
    expected = r"all 3 members failed by iteration 5 \(3 not finite\); .* lower train\.learning_rate"
    with pytest.raises(TrainingCollapsed, match=expected):
        train_members(program, validation, mean_score, checkpoint)
    assert checkpoint.load() is None


def test_a_broken_member_stays_broken_after_a_restore(program, validation, checkpoint):
    program.restore(not_a_number(program.state(), 2))
    with pytest.raises(TaskKilledError):
        train_members(program, validation, mean_score, checkpoint, killed_at(10))
    assert train_members(program, validation, mean_score, checkpoint).healthy.tolist() == [[True, True, False]] * 4


class Script:
    """A program that computes nothing: members 0 and 1 report what they are told, member 1 is ill in some rounds."""

    def __init__(self, gradient_norm=(1.0, 1.0), ill=(), **train):
        self.train = Train(**{"members": 2, "iterations": 100, "round_iterations": 10, "checkpoint_rounds": 3} | train)
        self.gradient_norm, self.ill, self.round = np.array(gradient_norm), ill, 0

    def run_round(self, number):
        self.round = number
        return dict.fromkeys(SERIES, np.array([0.5, 0.5])) | {"gradient_norm": self.gradient_norm}

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


def test_the_burn_in_leaves_no_snapshot():
    assert scripted(Script(burn_in=0.3)).iterations == [40, 50, 60, 70, 80, 90, 100]
    assert scripted(Script(burn_in=0.99)).iterations == [100]


def test_a_long_training_thins_its_snapshots_and_keeps_the_last():
    trained = scripted(Script(iterations=2000, burn_in=0.3))
    assert len(trained.iterations) == 35 <= MAX_SNAPSHOTS
    assert np.diff(trained.iterations).tolist() == [40] * 34
    assert trained.iterations[-1] == 2000
    assert trained.snapshots[-1]["trunk/0/bias"][0, 0, 0] == 199


def test_checkpoints_are_taken_when_due_and_no_more_often():
    saved = []
    scripted(Script(), SimpleNamespace(load=lambda: None, save=lambda arrays, meta: saved.append(meta["round"])))
    assert saved == [3, 6, 9]


def test_a_member_without_gradient_is_masked():
    trained = scripted(Script(gradient_norm=(1.0, 0.0)))
    assert trained.healthy[:, 0].all()
    assert not trained.healthy[:, 1].any()
    assert trained.history["alarms"][0].startswith("saturated: member 1, first at iteration 10, last at 100; no grad")


def test_a_member_that_recovered_is_masked_where_it_was_ill_alone_and_the_alarm_stays():
    trained = scripted(Script(ill=(2, 5), burn_in=0.0))
    assert np.flatnonzero(~trained.healthy[:, 1]).tolist() == [2, 5]
    assert trained.healthy[:, 0].all()
    assert trained.history["healthy"] == [True, True]
    assert [faults[1] for faults in trained.history["faults"]].count("collapsed") == 2
    [alarm] = trained.history["alarms"]
    assert alarm.startswith("collapsed: member 1, first at iteration 30, last at 60; ")


def test_a_member_that_fails_in_the_end_is_masked_throughout():
    trained = scripted(Script(ill=(9,), burn_in=0.0))
    assert not trained.healthy[:, 1].any()
    assert trained.healthy[:, 0].all()


def test_what_is_known_of_ill_members_survives_a_restore(checkpoint):
    whole = scripted(Script(ill=(2, 5), burn_in=0.0))
    with pytest.raises(TaskKilledError):
        train_members(Script(ill=(2, 5), burn_in=0.0), np.zeros((5, 1)), mean_score, checkpoint, killed_at(50))
    resumed = scripted(Script(ill=(5,), burn_in=0.0), checkpoint)
    assert np.array_equal(resumed.healthy, whole.healthy)
    assert resumed.history["alarms"] == whole.history["alarms"]


def test_no_gradient_at_all_ends_the_fold():
    with pytest.raises(TrainingCollapsed, match=r"all 2 members failed by iteration 10 \(2 saturated\)"):
        scripted(Script(gradient_norm=(0.0, 0.0)))
