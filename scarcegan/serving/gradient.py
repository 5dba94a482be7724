"""Integrated gradients of networks on plain arrays: how a risk score comes about on the way from a typical player."""

from collections.abc import Sequence

import numpy as np

from scarcegan.serving.forward import Layer, softmax, with_steps


def integrated_gradients(
    layers: Sequence[Layer], slope: float, rare: int, start: np.ndarray, ends: np.ndarray, points: int
) -> np.ndarray:
    """Sum the members' integrated gradients of the rare class's probability: float32 [F, n].

    `points` (Gauss-Legendre) lie on the straight path from the start, the typical player, float32 [F, 1], to each of
    the ends, float32 [F, n], both scaled. The slope, in [0, 1], is the leaky ReLU's.

    Source: Sundararajan, Taly and Yan (2017), Axiomatic Attribution for Deep Networks, eq. 1.
    """
    nodes, weights = np.polynomial.legendre.leggauss(points)
    # From [-1, 1], where Gauss-Legendre has its points, to [0, 1].
    places, shares = ((nodes + 1) / 2).astype(np.float32), (weights / 2).astype(np.float32)
    way = ends - start

    def on_paths(start: np.ndarray, way: np.ndarray) -> np.ndarray:
        """Columns [rows, 1] and [rows, n] to the points between them, [rows, n x points]."""
        return (start[:, :, None] + way[:, :, None] * places).reshape(len(way), -1)

    def mean(values: np.ndarray) -> np.ndarray:
        """Average [rows, n x points] over the points of each path: [rows, n]."""
        return values.reshape(len(values), -1, points) @ shares

    def of_member(member: int) -> np.ndarray:
        first, bias, steps = layers[0].weights[member], layers[0].bias[member][:, None], layers[0].steps(member)
        if steps is None:
            # The first layer is linear along a path: its wide matrix meets each player once, not each point.
            entry = on_paths(first.T @ start + bias, first.T @ way)
            return first @ mean(_back_to_entry(layers, slope, member, rare, entry))
        path = on_paths(start, way)
        entry = first.T @ with_steps(layers[0], member, path) + bias
        return mean(_through_steps(*steps, path, first @ _back_to_entry(layers, slope, member, rare, entry)))

    return np.asarray(np.sum([of_member(member) for member in range(len(layers[0].weights))], axis=0) * way)


def _back_to_entry(layers: Sequence[Layer], slope: float, member: int, rare: int, entry: np.ndarray) -> np.ndarray:
    """Run what the first layer gives, [width, points], to the end; return the probability's gradient there."""
    before = [entry]
    for layer in layers[1:]:
        x = before[-1]
        before.append(layer.weights[member].T @ np.maximum(x, slope * x) + layer.bias[member][:, None])
    probabilities = softmax(before.pop())
    # The softmax's derivative at logit j: p_rare ((1 if j is rare else 0) - p_j).
    gradient = -probabilities * probabilities[rare]
    gradient[rare] += probabilities[rare]
    for layer, x in zip(reversed(layers[1:]), reversed(before), strict=True):
        gradient = layer.weights[member] @ gradient
        gradient[x < 0] *= slope
    return gradient


def _through_steps(thresholds: np.ndarray, steepness: float, path: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Turn the gradient of features and steps [inputs, points] into that of the features [F, points]."""
    features = len(path)
    whole = gradient[:features].copy()
    for start in range(0, len(thresholds), features):
        # A step is flat where it is clipped: its gradient is 0 there.
        is_on_step = np.abs(steepness * (path - thresholds[start : start + features, None])) < 1.0
        whole += steepness * is_on_step * gradient[features + start : 2 * features + start]
    return whole
