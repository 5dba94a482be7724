import numpy as np
import pytest

from scarcegan.gan import objectives
from scarcegan.gan import program as program_module
from scarcegan.gan.objectives import Update
from scarcegan.gan.program import SERIES, Program, TrainingRows, hidden_share
from scarcegan.gan.tensorflow import tf

# One member alone multiplies matrices in another order than several together; twenty Adam steps let the last bits grow.
STATE_TOLERANCE = 1e-4


def networks(state, changed_from):
    """Networks of which any weight has moved by more than a vanishing step."""
    differing = [name for name in state if np.abs(state[name] - changed_from[name]).max() > 1e-9]
    return {name.split("/")[1] for name in differing if name.startswith("weights/")}


def run(program, rounds):
    return [program.run_round(number) for number in range(rounds)]


def is_same(one, other):
    return all(np.array_equal(one[name], other[name]) for name in one)


def test_a_round_reports_every_series_of_every_member(program):
    figures = program.run_round(0)
    assert set(figures) == set(SERIES)
    assert all(values.shape == (3,) and np.isfinite(values).all() for values in figures.values())


def test_training_lowers_the_supervised_loss_of_every_member(program):
    losses = np.stack([figures["discriminator_supervised_loss"] for figures in run(program, 60)])
    assert (losses[-10:].mean(axis=0) < losses[:10].mean(axis=0) - 0.1).all()


def test_the_same_seed_gives_the_same_result(program, make_program):
    again = make_program()
    assert is_same(program.state(), again.state())
    first, second = run(program, 3), run(again, 3)
    assert all(is_same(one, other) for one, other in zip(first, second, strict=True))
    assert is_same(program.state(), again.state())


def test_another_fold_seed_gives_another_result(program, make_program):
    run(program, 1)
    other = make_program(seed=6)
    run(other, 1)
    assert not is_same(program.state(), other.state())


@pytest.mark.parametrize(("objective", "compared"), [("corrected", (11, 12, 13)), ("published", (12,))])
def test_members_train_together_as_each_trains_alone(make_program, program, objective, compared):
    model = {"objective": objective}
    together = program if objective == "corrected" else make_program(model=model)
    run(together, 4)
    for seed in compared:
        alone = make_program(member_seeds=(seed,), model=model)
        run(alone, 4)
        for name, value in alone.state().items():
            assert together.state()[name][seed - 11] == pytest.approx(value[0], abs=STATE_TOLERANCE), name


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["corrected", "published"])
def test_plain_and_xla_programs_agree(make_program, objective):
    plain = make_program(model={"objective": objective})
    compiled = make_program(model={"objective": objective}, train={"xla": True})
    for one, other in zip(run(plain, 2), run(compiled, 2), strict=True):
        for name in SERIES:
            assert one[name] == pytest.approx(other[name], rel=1e-3, abs=1e-4), name
    for name, value in plain.state().items():
        assert value == pytest.approx(compiled.state()[name], abs=1e-3), name


def test_risk_scores_are_the_rare_class_of_the_inference_weights(program, fold_rows):
    run(program, 1)
    scores, weights = program.risk_scores(fold_rows.unlabeled), program.inference_weights()
    for member in range(3):
        hidden = fold_rows.unlabeled
        for layer in ("trunk/0", "trunk/1"):
            hidden = hidden @ weights[f"{layer}/weights"][member] + weights[f"{layer}/bias"][member].T
            hidden = np.where(hidden > 0, hidden, 0.2 * hidden)
        logits = hidden @ weights["supervised/0/weights"][member] + weights["supervised/0/bias"][member].T
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        assert scores[member] == pytest.approx(p[:, 2], abs=1e-6)


@pytest.mark.parametrize("thresholds", [0, 2])
def test_long_tables_are_scored_in_pieces_without_a_seam(make_program, fold_rows, thresholds):
    program = make_program(model={"thresholds": thresholds})
    once = program.risk_scores(fold_rows.unlabeled)
    long = program.risk_scores(np.tile(fold_rows.unlabeled, (60, 1)))
    assert long.shape == (3, 4800)
    assert long == pytest.approx(np.tile(once, 60), abs=1e-6)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(
    ("model", "train", "moved"),
    [
        ({}, {"learning_rate": 1e-30}, {"generator"}),
        ({"thresholds": 2}, {}, {"trunk", "supervised", "unsupervised", "generator"}),
        ({}, {"learning_rate_generator": 1e-30}, {"trunk", "supervised", "unsupervised"}),
        ({"objective": "published"}, {"learning_rate": 1e-30}, {"trunk", "generator"}),
        (
            {"objective": "published", "variant": "vanilla"},
            {"learning_rate": 1e-30},
            {"trunk", "unsupervised", "generator"},
        ),
        ({"objective": "published"}, {"learning_rate_generator": 1e-30}, {"trunk", "supervised"}),
    ],
    ids=["corrected G", "corrected, thresholds", "corrected D", "published G", "published good G", "published S"],
)
def test_each_step_moves_its_own_networks_and_no_other(make_program, monkeypatch, model, train, moved):
    # Adam's first step is as long as its rate: what moves further than 1e-30 is moved by the other steps.
    # Thresholds, a network by their name, are nobody's to move.
    monkeypatch.setattr(objectives, "UNSUPERVISED_RATE", 1e-30)
    program = make_program(model=model, train={"round_iterations": 1, **train})
    before = program.state()
    program.run_round(0)
    assert networks(program.state(), before) == moved


@pytest.mark.usefixtures("eager")
def test_first_adam_step_is_the_learning_rate_against_the_gradients_sign(make_program):
    program = make_program(train={"round_iterations": 1, "weight_decay": 0.0, "learning_rate": 1e-3})
    before = program.state()
    program.run_round(0)
    step = program.state()["weights/supervised/0/bias"] - before["weights/supervised/0/bias"]
    gradient = program.state()["first_moment/0/supervised/0/bias"]
    assert step == pytest.approx(-1e-3 * np.sign(gradient), rel=1e-2)


@pytest.mark.usefixtures("eager")
def test_weight_decay_shrinks_weights_and_spares_biases(make_program):
    rates = {"round_iterations": 1, "learning_rate": 0.1, "learning_rate_generator": 0.1}
    decayed, plain = (make_program(train=rates | {"weight_decay": decay}) for decay in (0.5, 0.0))
    start = plain.state()
    decayed.run_round(0)
    plain.run_round(0)
    difference = plain.state()["weights/trunk/0/weights"] - decayed.state()["weights/trunk/0/weights"]
    assert difference == pytest.approx(0.05 * start["weights/trunk/0/weights"], abs=1e-6)
    assert np.array_equal(plain.state()["weights/trunk/0/bias"], decayed.state()["weights/trunk/0/bias"])
    generator = decayed.state()["weights/generator/0/weights"] - start["weights/generator/0/weights"]
    assert np.abs(generator).max() <= 0.1 * (1 + 1e-5)  # the step alone


@pytest.fixture(scope="module")
def batches(make_program):
    """Sixty batches as the losses see them; a row's first feature is its class, its second is its number."""
    labels = np.repeat([0, 1, 2], [9, 7, 3])
    labeled = np.stack([labels, np.arange(19)], axis=1).astype(np.float32)
    unlabeled = np.stack([np.full(40, -1), np.arange(40)], axis=1).astype(np.float32)
    order = np.random.default_rng(0).permutation(19)  # not sorted by class: the program must find them
    rows, seen = TrainingRows(labeled[order], labels[order], unlabeled, 3, -1.0, 1.0, np.arange(40) / 100), []

    def watching(weights, batch):
        seen.append(batch)
        bias = tf.reduce_sum(weights["trunk/0/bias"], axis=(1, 2))
        return bias, dict.fromkeys(SERIES, bias)

    # A loss that costs nothing: only the draws are looked at.
    step = Update(watching, ("trunk/0/bias",), 1e-3, 1.0, (0.5, 0.9))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(program_module, "updates", lambda *_: (step,))
        patch.setattr(Program, "_moved", lambda self, update: list(update.networks))
        tf.config.run_functions_eagerly(True)
        run(make_program(rows=rows), 12)
        tf.config.run_functions_eagerly(False)
    return seen


def test_labelled_batches_are_balanced_by_class_for_every_member(batches):
    for batch in batches:
        classes = batch.labeled.numpy()[..., 0]
        assert np.array_equal(classes, np.tile(np.arange(12) % 3, (3, 1)))


def test_unlabelled_batches_hold_unlabelled_rows_alone(batches):
    assert all((batch.unlabeled.numpy()[..., 0] == -1).all() for batch in batches)


def test_each_unlabelled_row_comes_with_what_the_teacher_thinks_of_it(batches):
    for batch in batches:
        np.testing.assert_allclose(batch.taught.numpy(), batch.unlabeled.numpy()[..., 1] / 100, rtol=1e-6)


def test_every_row_gets_its_turn_and_members_draw_their_own(batches):
    labeled = np.stack([batch.labeled.numpy()[..., 1] for batch in batches])
    unlabeled = np.stack([batch.unlabeled.numpy()[..., 1] for batch in batches])
    for member in range(3):
        assert set(labeled[:, member].ravel()) == set(range(19))
        assert set(unlabeled[:, member].ravel()) == set(range(40))
    assert not np.array_equal(labeled[:, 0], labeled[:, 1])
    assert not np.array_equal(unlabeled[:, 0], unlabeled[:, 1])
    assert not np.array_equal(labeled[0], labeled[1])


def test_dropout_keeps_the_expected_sum_of_each_layer(batches):
    masks = [batch.masks for batch in batches]
    kept = np.concatenate([mask[1].numpy().ravel() for mask in masks])
    assert set(np.unique(kept)) == {np.float32(0), np.float32(1 / np.float32(0.8))}
    assert kept.mean() == pytest.approx(1.0, abs=0.05)
    assert [mask.shape[1:] for mask in masks[0]] == [(36, batches[0].labeled.shape[2]), (6, 36), (5, 36)]


def test_fewer_features_are_hidden_where_there_are_few():
    assert hidden_share(0.35, 6) < 0.05 < hidden_share(0.35, 40) == 0.175 < hidden_share(0.35, 208) < 0.3
    assert hidden_share(0.0, 208) == 0
