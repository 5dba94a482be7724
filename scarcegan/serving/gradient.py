"""The gradient of a member's risk score, averaged over the straight paths from a typical player to each player."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scarcegan.serving.forward import Layer, softmax, with_steps


@dataclass(frozen=True)
class Paths:
    """Straight paths through the space of scaled features, all from one start, and the points to look at.

    Attributes:
        start: float32 [F, 1].
        way: float32 [F, n], from the start to each player.
        places: float32 [points], where on the path each point lies, in (0, 1).
        shares: float32 [points], each point's share in the mean (Gauss-Legendre); they sum to 1.
    """

    start: np.ndarray
    way: np.ndarray
    places: np.ndarray
    shares: np.ndarray

    @classmethod
    def between(cls, start: np.ndarray, ends: np.ndarray, points: int) -> "Paths":
        """Lay paths from scaled features [F, 1] to scaled features [F, n]."""
        nodes, weights = np.polynomial.legendre.leggauss(points)
        return cls(start, ends - start, ((nodes + 1) / 2).astype(np.float32), (weights / 2).astype(np.float32))

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Average values [rows, n x points] over the points of each path: [rows, n]."""
        return values.reshape(len(values), -1, len(self.shares)) @ self.shares

    def points(self, start: np.ndarray, way: np.ndarray) -> np.ndarray:
        """Return the points of paths that a linear map has moved, [rows, n x points]; a path's points lie together.

        Args:
            start: float32 [rows, 1].
            way: float32 [rows, n].
        """
        return (start[:, :, None] + way[:, :, None] * self.places).reshape(len(way), -1)


def mean_gradient(layers: Sequence[Layer], slope: float, member: int, rare: int, paths: Paths) -> np.ndarray:
    """Return one member's gradient of the rare class's probability, averaged over each path, [F, n].

    Without steps the first layer is linear along a path and its gradient the same product for all points: the wide
    matrix is multiplied once per player, not once per point.
    """
    first, bias = layers[0].weights[member], layers[0].bias[member][:, None]
    steps = layers[0].steps(member)
    if steps is None:
        entry = paths.points(first.T @ paths.start + bias, first.T @ paths.way)
        return first @ paths.mean(_back_to_entry(layers, slope, member, rare, entry))
    points = paths.points(paths.start, paths.way)
    entry = first.T @ with_steps(layers[0], member, points) + bias
    gradient = first @ _back_to_entry(layers, slope, member, rare, entry)
    return paths.mean(_through_steps(*steps, points, gradient))


def _back_to_entry(layers: Sequence[Layer], slope: float, member: int, rare: int, entry: np.ndarray) -> np.ndarray:
    """Run what the first layer gives [width, points] to the end and return the gradient there, [width, points]."""
    before = [entry]
    for layer in layers[1:]:
        x = before[-1]
        before.append(layer.weights[member].T @ np.maximum(x, slope * x) + layer.bias[member][:, None])
    gradient = _probability_gradient(before.pop(), rare)
    for layer, x in zip(reversed(layers[1:]), reversed(before), strict=True):
        gradient = layer.weights[member] @ gradient
        gradient[x < 0] *= slope
    return gradient


def _through_steps(thresholds: np.ndarray, steepness: float, points: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Turn the gradient of features and steps [inputs, points] into that of the features [F, points]."""
    features = len(points)
    whole = gradient[:features].copy()
    for start in range(0, len(thresholds), features):
        distance = points - thresholds[start : start + features, None]
        is_on_step = np.abs(steepness * distance) < 1.0
        whole += steepness * is_on_step * gradient[features + start : 2 * features + start]
    return whole


def _probability_gradient(logits: np.ndarray, rare: int) -> np.ndarray:
    """Return d softmax(logits)[rare] / d logits, [classes, points]."""
    probabilities = softmax(logits)
    gradient = -probabilities * probabilities[rare]
    gradient[rare] += probabilities[rare]
    return gradient
