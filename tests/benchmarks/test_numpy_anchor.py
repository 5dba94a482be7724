"""The NumPy anchor does the same maths as the training program, so that their times may be compared."""

import numpy as np
import pytest
from numpy_anchor import NumpyMember

from scarcegan.gan.objectives import Batch, updates
from scarcegan.gan.program import Program, TrainingRows
from scarcegan.gan.tensorflow import tf
from scarcegan.settings import Model, Train

FEATURES, BATCH = 6, 12
MODEL = Model(
    trunk=(15, 21, 8), generator=(30,), noise=10, dropout=0.0, input_dropout=0.0, prior_weight=0.8, unlabeled_weight=0.6
)
TRAIN = Train(members=1, batch=BATCH, round_iterations=5, iterations=10, weight_decay=0.0)


@pytest.fixture(params=[2, 4], ids=["two_classes", "four_classes"])
def pair(request):
    """A program of one member and a NumPy member with the same weights, a little away from their first values."""
    rng = np.random.default_rng(3)
    classes = request.param
    rows = TrainingRows(
        labeled=rng.normal(size=(40, FEATURES)).astype(np.float32),
        labels=np.arange(40) % classes,
        unlabeled=rng.normal(size=(200, FEATURES)).astype(np.float32),
        classes=classes,
        low=-3.0,
        high=3.0,
    )
    program = Program(rows, MODEL, TRAIN, 7, (11,))
    state = program.state()
    for name in program.weights:
        state[f"weights/{name}"] = state[f"weights/{name}"] + rng.normal(0, 0.1, state[f"weights/{name}"].shape)
    program.restore(state)
    weights = {name: value.numpy()[0] for name, value in program.weights.items()}
    return program, NumpyMember(rows, MODEL, TRAIN, weights)


def batch_of(program, rng):
    real = rng.normal(size=(2 * BATCH, FEATURES)).astype(np.float32)
    return real, rng.normal(size=(BATCH, MODEL.noise)).astype(np.float32)


def tensorflow_gradients(program, update, real, noise):
    weights = {name: tf.convert_to_tensor(variable) for name, variable in program.weights.items()}
    moved = {name: value for name, value in weights.items() if name.split("/")[0] in update.networks}
    labeled, unlabeled = (tf.constant(real[None, half]) for half in (slice(BATCH), slice(BATCH, None)))
    batch = Batch(labeled, unlabeled, tf.zeros((1, BATCH)), tf.constant(noise.T[None]), None)
    with tf.GradientTape() as tape:
        tape.watch(list(moved.values()))
        loss, _ = update.loss(weights, batch)
    return float(loss[0]), {name: grad.numpy()[0] for name, grad in tape.gradient(loss, moved).items()}


def assert_same_gradients(member, expected):
    for name, gradient in expected.items():
        np.testing.assert_allclose(member.gradient.views[name], gradient, rtol=2e-4, atol=2e-6, err_msg=name)


def test_discriminator_loss_and_gradients_equal_tensorflows(pair):
    program, member = pair
    real, noise = batch_of(program, np.random.default_rng(5))
    loss = member.joint_gradient(real, member.generate(noise)[0])
    expected_loss, expected = tensorflow_gradients(program, updates(TRAIN, program.sizes)[0], real, noise)
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    assert_same_gradients(member, expected)


def test_generator_loss_and_gradients_equal_tensorflows(pair):
    program, member = pair
    real, noise = batch_of(program, np.random.default_rng(5))
    generated, kept = member.generate(noise)
    loss = member.generator_gradient(real[BATCH:], generated, noise, kept)
    expected_loss, expected = tensorflow_gradients(program, updates(TRAIN, program.sizes)[1], real, noise)
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    assert_same_gradients(member, expected)


def test_two_rounds_on_the_programs_batches_end_at_the_programs_weights(pair):
    program, member = pair
    for number in range(2):
        indices, noise, _ = program._draw(tf.constant(number, tf.int32))
        program.run_round(number)
        member.run_round(number * TRAIN.round_iterations, indices.numpy()[:, 0], np.swapaxes(noise[:, 0], 1, 2))
    # Adam gives a gradient of almost zero a full step, so single weights part by rounding; a weight may move 1e-2 here.
    apart = np.concatenate(
        [np.abs(member.weights.views[name] - value.numpy()[0]).ravel() for name, value in program.weights.items()]
    )
    assert apart.max() < 1e-3
    assert apart.mean() < 3e-5


def test_draws_balance_the_classes_and_keep_labelled_and_unlabelled_rows_apart(pair):
    _, member = pair
    indices, noise = member.draw(np.random.default_rng(1))
    assert indices[:, :BATCH].max() < 40 <= indices[:, BATCH:].min()
    assert noise.shape == (TRAIN.round_iterations, BATCH, MODEL.noise)
