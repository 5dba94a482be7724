import numpy as np
import pytest

from scarcegan.gan.networks import Architecture, initial_weights
from scarcegan.gan.objectives import Batch, updates
from scarcegan.gan.program import Program, TrainingRows
from scarcegan.gan.tensorflow import tf
from scarcegan.settings import Model, Train

CLASSES, FEATURES, BATCH = 3, 4, 12
NETWORKS = {"trunk": (6, 5), "generator": (5,), "noise": 3}


@pytest.fixture
def eager():
    """Run the program without compiling it: enough where one or two iterations are looked at."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="session")
def fold_rows():
    """Thirty labelled rows of three classes (the third is rare) and eighty unlabelled ones."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [12, 12, 6])
    labeled = rng.normal(size=(30, FEATURES)) + labels[:, np.newaxis]
    unlabeled = rng.normal(size=(80, FEATURES))
    return TrainingRows(labeled.astype(np.float32), labels, unlabeled.astype(np.float32), CLASSES, -3.0, 3.0)


@pytest.fixture(scope="session")
def make_program(fold_rows):
    """Build a small program; `model` and `train` change single settings."""

    def make(member_seeds=(11, 12, 13), seed=5, rows=fold_rows, model=(), train=()):
        shape = {"members": len(member_seeds), "batch": BATCH, "iterations": 40, "round_iterations": 5}
        chosen = Train(**shape | dict(train))
        return Program(rows, Model(**NETWORKS | dict(model)), chosen, seed, member_seeds)

    return make


@pytest.fixture(scope="session")
def trio(make_program):
    """Three members in one compiled program, to be had fresh from `program`."""
    program = make_program()
    return program, program.state()


@pytest.fixture
def program(trio):
    """The compiled program of three members (seeds 11, 12, 13), as if just built."""
    compiled, initial = trio
    compiled.restore(initial)
    return compiled


@pytest.fixture
def game():
    """Updates, weights and a batch of two members, for any objective and variant."""

    def make(**model):
        sizes = Architecture(Model(**NETWORKS | model), FEATURES, CLASSES, -3.0, 3.0)
        # Biases start at zero, where signs and slopes are ambiguous: move every weight off it.
        rng = np.random.default_rng(1)
        weights = {
            name: tf.constant(value + rng.normal(0, 0.1, value.shape), tf.float32)
            for name, value in initial_weights(sizes, (1, 2)).items()
        }
        rows = rng.normal(size=(2, 2, BATCH, FEATURES)).astype(np.float32)
        noise = rng.normal(size=(1, sizes.model.noise, BATCH)).astype(np.float32)
        batch = Batch(tf.constant(rows[0]), tf.constant(rows[1]), tf.zeros((2, BATCH)), tf.constant(noise), None)
        return updates(Train(batch=BATCH), sizes), weights, batch

    return make
