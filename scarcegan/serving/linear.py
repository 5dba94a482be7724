"""A logistic regression over scaled features, as a part of a model."""

from typing import ClassVar

import numpy as np

from scarcegan.data.log_odds import sigmoid, slope_of_sigmoid
from scarcegan.problems import RegistryProblem
from scarcegan.serving.lookup import ScaledPart
from scarcegan.serving.networks_graph import add_scaler
from scarcegan.serving.shape import check_scaler, expect_array
from scarcegan.serving.wire import INT32, Graph


class Linear(ScaledPart, eq=False):
    """The risk sigmoid(weights . z + bias) of scaled features z; see `scarcegan.serving.parts`.

    Weights are float32 [width]: those of the features, then those of the scaler's indicators.
    """

    kind: ClassVar[str] = "linear"

    weights: np.ndarray
    bias: float

    def check(self, name: str, features: int) -> None:
        """Refuse arrays that do not fit together."""
        check_scaler(name, self.scaler, features)
        expect_array(f"{name}'s weights", self.weights, self.scaler.width)
        if not np.isfinite(self.bias):
            raise RegistryProblem(f"expected {name}'s bias as a finite number, got {self.bias}: fit it again")

    def add_risk(self, columns: np.ndarray, total: np.ndarray) -> None:
        """Add each player's risk."""
        total += sigmoid(self._log_odds(self.columns.apply(columns)))

    def attributions(self, rows: np.ndarray, typical: np.ndarray) -> np.ndarray:
        """Share out the difference of the risk in proportion to that of the log-odds, which is a sum over features."""
        start, ends = self.scaled(typical[None, :]), self.scaled(rows)
        found = self.by_feature(((ends - start) * self.weights[:, None]).T)
        slope = slope_of_sigmoid(self._log_odds(start), self._log_odds(ends))
        return np.asarray(found * slope[:, None], dtype=np.float32)

    def add_risk_to(self, graph: Graph, columns: str) -> str:
        """Add the scaler and the sum."""
        scaled = add_scaler(graph, self.scaler, columns)
        terms = graph.floats("Mul", scaled, graph.constant(self.weights[:, None]))
        total = graph.floats("Sum", terms, graph.constant(0, INT32))
        return graph.floats("Sigmoid", graph.floats("AddV2", total, graph.constant(self.bias)))

    def _log_odds(self, scaled: np.ndarray) -> np.ndarray:
        return np.asarray(self.weights @ scaled + np.float32(self.bias))
