"""A model's forward pass on plain NumPy arrays: the numbers of training without TensorFlow."""

import functools
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from scarcegan.data.scaling import Scaler
from scarcegan.problems import DataProblem
from scarcegan.serving.lookup import ColumnScaler

# One layer's activations of so many rows stay in a core's cache; more rows per call only cost memory traffic.
CHUNK_ROWS = 1_024


def risk_score(model: Mapping[str, Any], raw_features: np.ndarray) -> np.ndarray:
    """Return each player's risk score: the mean over all members of the rare class's probability.

    Args:
        model: plain arrays, see `scarcegan.serving.archive`.
        raw_features: float array [n, features], unscaled, columns in the order of `feature_names`.

    Returns:
        float32 array [n] in [0, 1].

    Raises:
        DataProblem: another number of features than the model was trained on.
    """
    return class_probabilities(model, raw_features)[:, model["rare_index"]]


def class_probabilities(model: Mapping[str, Any], raw_features: np.ndarray) -> np.ndarray:
    """Return each player's class probabilities, averaged over all members of all parts.

    A part is what one fold trained: its own scaler and its members. Each member counts the same, whatever
    its part. Columns are quick to read in `[features, n]` order: the transpose of such an array is welcome.

    Args:
        model: plain arrays, see `scarcegan.serving.archive`.
        raw_features: float array [n, features], unscaled, columns in the order of `feature_names`.

    Returns:
        float32 array [n, classes]; the last column is 'unknown' if the model has that output. A view of a
        `[classes, n]` array.

    Raises:
        DataProblem: another number of features than the model was trained on.
    """
    check_width(model, raw_features)
    return Scorer(model).probabilities(raw_features.T).T


class Scorer:
    """A model made ready to score batch after batch: its tables are made once.

    Args:
        model: plain arrays, see `scarcegan.serving.archive`.
    """

    def __init__(self, model: Mapping[str, Any]) -> None:
        self._classes = len(model["class_names"])
        self._parts = [
            (ColumnScaler(Scaler.from_arrays(part["scaler"])), part["layers"], part["slope"]) for part in model["parts"]
        ]
        self._members = sum(len(layers[0]["weights"]) for _, layers, _ in self._parts)

    def probabilities(self, columns: np.ndarray) -> np.ndarray:
        """Return class probabilities, averaged over all members; memory beside the result is one chunk's.

        Args:
            columns: float array [features, n], raw and finite, a player per column.

        Returns:
            float32 array [classes, n].
        """
        total = np.zeros((self._classes, columns.shape[1]), dtype=np.float32)
        with one_blas_thread():
            for start in range(0, columns.shape[1], CHUNK_ROWS):
                raw = np.asarray(columns[:, start : start + CHUNK_ROWS], dtype=np.float32)
                # Rows of a larger array are read where they are; players next to each other are turned first.
                raw = raw if raw.strides[1] == raw.itemsize else np.ascontiguousarray(raw)
                self._add(raw, total[:, start : start + CHUNK_ROWS])
        total /= self._members
        return total

    def _add(self, raw: np.ndarray, total: np.ndarray) -> None:
        """Add every member's probabilities of one chunk."""
        for scaler, layers, slope in self._parts:
            inputs = scaler.apply(raw)
            for member in range(len(layers[0]["weights"])):
                total += softmax(member_logits(layers, member, slope, inputs))


def one_blas_thread() -> AbstractContextManager[Any]:
    """Keep BLAS on one thread: matrices as narrow as a network's are not worth sharing, and waiting threads spin."""
    return _blas().limit(limits=1, user_api="blas")


@functools.cache
def _blas() -> ThreadpoolController:
    # Looking for the libraries takes 10 ms, limiting them next to nothing.
    return ThreadpoolController()


def check_width(model: Mapping[str, Any], raw_features: np.ndarray) -> None:
    """Refuse, with a DataProblem, an array that is not [n, features of the model]."""
    features = len(model["feature_names"])
    if raw_features.ndim != 2 or raw_features.shape[1] != features:
        raise DataProblem(
            f"expected an array [players, {features} features], got {list(raw_features.shape)}: "
            "give the features that the model was trained on, in their order"
        )


def member_logits(
    layers: Sequence[Mapping[str, np.ndarray]], member: int, slope: float, inputs: np.ndarray
) -> np.ndarray:
    """Run one member, scaled inputs [features, n] to logits [classes, n]: a player stays in a column all the way."""
    activation = with_steps(layers[0], member, inputs)
    for depth, layer in enumerate(layers):
        if depth:
            # LeakyReLU; a slope in [0, 1] makes it the larger of the two lines.
            np.maximum(activation, slope * activation, out=activation)
        activation = layer["weights"][member].T @ activation
        activation += layer["bias"][member][:, None]
    return activation


def with_steps(first: Mapping[str, np.ndarray], member: int, inputs: np.ndarray) -> np.ndarray:
    """Append to scaled inputs [features, n] a member's steps at its thresholds, if its first layer has any."""
    if "thresholds" not in first:
        return inputs
    features, thresholds = len(inputs), first["thresholds"][member]
    whole = np.empty((features + len(thresholds), inputs.shape[1]), dtype=inputs.dtype)
    whole[:features] = inputs
    for start in range(0, len(thresholds), features):
        steps = whole[features + start : 2 * features + start]
        np.subtract(inputs, thresholds[start : start + features, None], out=steps)
        steps *= first["steepness"][member]
        np.clip(steps, -1.0, 1.0, out=steps)
    return whole


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return softmax over the first axis, in place; the largest logit is taken off, exp stays finite."""
    logits -= logits.max(axis=0)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=0)
    return logits
