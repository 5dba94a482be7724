"""The forward pass of networks on plain NumPy arrays: the numbers of training without TensorFlow."""

import functools
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from scarcegan.records import Record


# eq=False here and in other records of arrays: arrays have no single answer to whether they are equal.
class Layer(Record, eq=False):
    """A dense layer of several members: weights [members, inputs, outputs] and bias [members, outputs], float32.

    If members see steps, their first layer has inputs beside the F scaled features z: clip(steepness (z - t), -1, 1)
    for T thresholds t of each feature, every feature's first threshold before the second ones. Thresholds are then
    [members, F x T] and steepness [members].
    """

    weights: np.ndarray
    bias: np.ndarray
    thresholds: np.ndarray | None = None
    steepness: np.ndarray | None = None

    def steps(self, member: int) -> tuple[np.ndarray, float] | None:
        """Return a member's thresholds [F x T] and their steepness, or None if it sees no steps."""
        if self.thresholds is None or self.steepness is None:
            return None
        return self.thresholds[member], self.steepness[member]


def member_logits(layers: Sequence[Layer], member: int, slope: float, inputs: np.ndarray) -> np.ndarray:
    """Run one member, scaled inputs [F, n] to logits [classes, n]: a player stays in a column all the way."""
    activation = with_steps(layers[0], member, inputs)
    for depth, layer in enumerate(layers):
        # Not before the first layer: it is linear, and its inputs are shared by all members.
        if depth:
            # LeakyReLU; a slope in [0, 1] makes it the larger of the two lines.
            np.maximum(activation, slope * activation, out=activation)
        activation = layer.weights[member].T @ activation
        activation += layer.bias[member][:, None]
    return activation


def with_steps(first: Layer, member: int, inputs: np.ndarray) -> np.ndarray:
    """Append to scaled inputs [F, n] a member's steps at its thresholds, if its first layer has any."""
    steps = first.steps(member)
    if steps is None:
        return inputs
    features, (thresholds, steepness) = len(inputs), steps
    whole = np.empty((features + len(thresholds), inputs.shape[1]), dtype=inputs.dtype)
    whole[:features] = inputs
    for start in range(0, len(thresholds), features):
        block = whole[features + start : 2 * features + start]
        np.subtract(inputs, thresholds[start : start + features, None], out=block)
        block *= steepness
        np.clip(block, -1.0, 1.0, out=block)
    return whole


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return softmax over the first axis, in place; the largest logit is taken off, exp stays finite."""
    logits -= logits.max(axis=0)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=0)
    return logits


def one_blas_thread() -> AbstractContextManager[Any]:
    """Keep BLAS on one thread: matrices as narrow as a network's are not worth sharing, and waiting threads spin."""
    return _blas().limit(limits=1, user_api="blas")


@functools.cache
def _blas() -> ThreadpoolController:
    # Looking for the libraries takes 10 ms, limiting them next to nothing.
    return ThreadpoolController()
