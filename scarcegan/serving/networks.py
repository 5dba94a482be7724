"""One fold's networks as a part of a model: a scaler and the members that were trained behind it."""

from typing import ClassVar

import numpy as np

from scarcegan.problems import RegistryProblem
from scarcegan.serving.forward import Layer, member_logits, one_blas_thread, softmax, with_steps
from scarcegan.serving.lookup import ScaledPart
from scarcegan.serving.networks_graph import add_networks
from scarcegan.serving.shape import check_scaler, expect_array
from scarcegan.serving.wire import Graph

# Points on all paths of a chunk, so that one layer's activations stay in a core's cache.
CHUNK_POINTS = 4_096


class Networks(ScaledPart, eq=False):
    """Members of one architecture behind one scaler.

    Each member of a model counts the same, whatever its part. Layers are dense, with a leaky ReLU of this slope before
    each but the first; the last gives the classes' logits.
    """

    kind: ClassVar[str] = "networks"

    layers: tuple[Layer, ...]
    slope: float

    @property
    def members(self) -> int:
        """How many networks there are."""
        return len(self.layers[0].weights)

    def check(self, name: str, features: int, classes: int) -> None:
        """Refuse, with a RegistryProblem, arrays that do not fit together or to so many features and classes."""
        # The forward pass takes LeakyReLU as the larger of two lines, which holds for these slopes alone.
        if not 0 <= self.slope <= 1:
            raise RegistryProblem(f"expected {name}'s slope in [0, 1], got {self.slope}: give LeakyReLU's slope")
        check_scaler(name, self.scaler, features)
        width = self.scaler.width + self._check_steps(name)
        for depth, layer in enumerate(self.layers):
            outputs = classes if depth + 1 == len(self.layers) else None
            expect_array(f"{name}'s weights of layer {depth}", layer.weights, self.members, width, outputs)
            width = layer.weights.shape[2]
            expect_array(f"{name}'s bias of layer {depth}", layer.bias, self.members, width)

    def _check_steps(self, name: str) -> int:
        """Return how many inputs of the first layer are steps."""
        thresholds, steepness = self.layers[0].thresholds, self.layers[0].steepness
        if thresholds is None or steepness is None:
            return 0
        expect_array(f"{name}'s thresholds", thresholds, self.members, None)
        expect_array(f"{name}'s steepness", steepness, self.members)
        if thresholds.shape[1] % self.scaler.width:
            raise RegistryProblem(
                f"expected {name}'s thresholds in multiples of {self.scaler.width} inputs, got {thresholds.shape[1]}: "
                "take the arrays as the training left them"
            )
        return int(thresholds.shape[1])

    def add_probabilities(self, columns: np.ndarray, total: np.ndarray) -> None:
        """Add every member's class probabilities to a total, float32 [classes, n].

        Columns are float32 [F, n], raw, a player per column; they are left as they are. Probabilities of a player with
        a missing value (NaN) are NaN if the part cannot fill it.
        """
        inputs = self.columns.apply(columns)
        for member in range(self.members):
            total += self.of_member(member, inputs)

    def of_member(self, member: int, inputs: np.ndarray) -> np.ndarray:
        """Return one member's class probabilities, float32 [classes, n], of scaled inputs, float32 [width, n]."""
        return softmax(member_logits(self.layers, member, self.slope, inputs))

    def content(self, member: int) -> tuple[bytes, ...]:
        """Return what sets a member apart from others behind the same scaler."""
        arrays = [array for layer in self.layers for array in vars(layer).values() if array is not None]
        return (str(self.slope).encode(), *(array[member].tobytes() for array in arrays))

    def attributions(self, rows: np.ndarray, typical: np.ndarray, rare: int, steps: int) -> np.ndarray:
        """Sum the members' integrated gradients: float32 [n, F], from the typical player's probability on.

        Rows [n, F] and the typical player [F] are raw; `steps` points lie between them.

        The path is straight in *scaled* space: there a step moves every feature by a like share of the population,
        while a raw path would cross most of a long-tailed feature in its first step. Each feature has its own
        monotone scaler, so what the scaled feature gets is the raw feature's; so is what its indicator gets.
        """
        start, size = self.scaled(typical[None, :]), max(1, CHUNK_POINTS // steps)
        found = np.zeros(rows.shape, dtype=np.float32)
        with one_blas_thread():
            for chunk in (slice(at, at + size) for at in range(0, len(rows), size)):
                inputs = self._integrated_gradients(rare, start, self.scaled(rows[chunk]), steps)
                found[chunk] = self.by_feature(inputs.T)
        return found

    def add_to(self, graph: Graph, columns: str) -> str:
        """Add all members with their scaler to a graph that has raw features, float32 [F, n], under the name `columns`.

        Returns the name of the sum of their class probabilities, float32 [n, classes].
        """
        return add_networks(graph, columns, self.scaler, self.layers, self.slope)

    def _integrated_gradients(self, rare: int, start: np.ndarray, ends: np.ndarray, points: int) -> np.ndarray:
        """Sum the members' integrated gradients of the rare class's probability: float32 [width, n].

        `points` (Gauss-Legendre) lie on the straight path from the scaled start, [width, 1], to each end, [width, n].

        Source: Sundararajan, Taly and Yan (2017), Axiomatic Attribution for Deep Networks, eq. 1.
        """
        nodes, weights = np.polynomial.legendre.leggauss(points)
        # From [-1, 1], where Gauss-Legendre has its points, to [0, 1].
        places, shares = ((nodes + 1) / 2).astype(np.float32), (weights / 2).astype(np.float32)
        way, entrance = ends - start, self.layers[0]

        def on_paths(start: np.ndarray, way: np.ndarray) -> np.ndarray:
            """Columns [rows, 1] and [rows, n] to the points between them, [rows, n x points]."""
            return (start[:, :, None] + way[:, :, None] * places).reshape(len(way), -1)

        def mean(values: np.ndarray) -> np.ndarray:
            """Average [rows, n x points] over the points of each path: [rows, n]."""
            return values.reshape(len(values), -1, points) @ shares

        def of_member(member: int) -> np.ndarray:
            first, bias, steps = entrance.weights[member], entrance.bias[member][:, None], entrance.steps(member)
            if steps is None:
                # The first layer is linear along a path: its wide matrix meets each player once, not each point.
                entry = on_paths(first.T @ start + bias, first.T @ way)
                return first @ mean(self._back_to_entry(member, rare, entry))
            path = on_paths(start, way)
            entry = first.T @ with_steps(entrance, member, path) + bias
            return mean(_through_steps(*steps, path, first @ self._back_to_entry(member, rare, entry)))

        return np.asarray(np.sum([of_member(member) for member in range(self.members)], axis=0) * way)

    def _back_to_entry(self, member: int, rare: int, entry: np.ndarray) -> np.ndarray:
        """Run what the first layer gives, [width, points], to the end; return the probability's gradient there."""
        before, layers = [entry], self.layers[1:]
        for layer in layers:
            x = before[-1]
            before.append(layer.weights[member].T @ np.maximum(x, self.slope * x) + layer.bias[member][:, None])
        probabilities = softmax(before.pop())
        # The softmax's derivative at logit j: p_rare ((1 if j is rare else 0) - p_j).
        gradient = -probabilities * probabilities[rare]
        gradient[rare] += probabilities[rare]
        for layer, x in zip(reversed(layers), reversed(before), strict=True):
            gradient = layer.weights[member] @ gradient
            gradient[x < 0] *= self.slope
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
