"""One fold's networks as a part of a model: a scaler and the members that were trained behind it."""

from typing import ClassVar

import numpy as np

from scarcegan.problems import RegistryProblem
from scarcegan.serving.forward import Layer, member_logits, one_blas_thread, softmax
from scarcegan.serving.gradient import integrated_gradients
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
            total += softmax(member_logits(self.layers, member, self.slope, inputs))

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
                inputs = integrated_gradients(self.layers, self.slope, rare, start, self.scaled(rows[chunk]), steps)
                found[chunk] = self.by_feature(inputs.T)
        return found

    def add_to(self, graph: Graph, columns: str) -> str:
        """Add all members with their scaler to a graph that has raw features, float32 [F, n], under the name `columns`.

        Returns the name of the sum of their class probabilities, float32 [n, classes].
        """
        return add_networks(graph, columns, self.scaler, self.layers, self.slope)
