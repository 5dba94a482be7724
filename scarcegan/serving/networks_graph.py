"""Networks as operations of a TensorFlow graph: scaler, layers and softmax of all members of a part."""

from collections.abc import Sequence

import numpy as np

from scarcegan.data.scaling import Scaler
from scarcegan.serving.forward import Layer
from scarcegan.serving.lookup import segment_lines
from scarcegan.serving.wire import INT32, Graph, type_of


def add_networks(graph: Graph, columns: str, scaler: Scaler, layers: Sequence[Layer], slope: float) -> str:
    """Add members to a graph with raw columns [F, n] and return the sum of their probabilities, [n, classes]."""
    scaled = add_scaler(graph, scaler, columns)
    # [n, F] meets [members, F, width]: the first product brings in the axis of members.
    rows = graph.floats("Transpose", scaled, graph.constant([1, 0], INT32))
    activation = _biased(graph, _first_product(graph, rows, layers[0]), layers[0])
    for layer in layers[1:]:
        activation = graph.floats("LeakyRelu", activation, alpha=slope)
        activation = _biased(graph, _product(graph, activation, layer.weights), layer)
    return graph.floats("Sum", graph.floats("Softmax", activation), graph.constant(0, INT32))


def _first_product(graph: Graph, rows: str, layer: Layer) -> str:
    """Multiply rows [n, F] and, beside them, each member's steps by its weights: [members, n, width]."""
    if layer.thresholds is None or layer.steepness is None:
        return _product(graph, rows, layer.weights)
    count = layer.thresholds.shape[1]
    features = layer.weights.shape[1] - count
    # Every feature's first threshold comes before the second ones: whole rows are repeated.
    repeats = graph.constant([1, count // features], INT32)
    repeated = graph.floats("Tile", rows, repeats, Tmultiples=type_of(INT32))
    distance = graph.floats("Sub", repeated, graph.constant(layer.thresholds[:, None, :]))
    steps = graph.floats("Mul", distance, graph.constant(layer.steepness[:, None, None]))
    steps = graph.between(steps, -1.0, 1.0)
    # Rows are the same for all members, steps are not: two products spare a copy of the rows for each member.
    of_rows, of_steps = np.split(layer.weights, [features], axis=1)
    return graph.floats("AddV2", _product(graph, rows, of_rows), _product(graph, steps, of_steps))


def _product(graph: Graph, rows: str, weights: np.ndarray) -> str:
    return graph.floats("BatchMatMulV2", rows, graph.constant(weights))


def _biased(graph: Graph, product: str, layer: Layer) -> str:
    return graph.floats("AddV2", product, graph.constant(layer.bias[:, None, :]))


def add_scaler(graph: Graph, scaler: Scaler, columns: str) -> str:
    """Add a scaler with its fills and indicators to a graph with raw columns, [F, n] to [width, n]."""
    if scaler.fill is None:
        return _scaled(graph, scaler, columns)
    is_missing = graph.is_missing(columns)
    filled = graph.floats("SelectV2", is_missing, graph.constant(scaler.fill[:, None]), columns)
    scaled = _scaled(graph, scaler, filled)
    if not scaler.indicators:
        return scaled
    indicators = graph.take(graph.as_floats(is_missing), graph.constant(scaler.indicators, INT32))
    axis = graph.constant(0, INT32)
    return graph.floats("ConcatV2", scaled, indicators, axis, N=2, Tidx=type_of(INT32))


def _scaled(graph: Graph, scaler: Scaler, columns: str) -> str:
    """Add a scaler, [F, n] to [F, n]: the line of the segment that each value lies in."""
    x = columns
    if scaler.kind == "log_minmax":
        size = graph.floats("Log1p", graph.floats("Abs", columns))
        x = graph.floats("Mul", graph.floats("Sign", columns), size)
    x = graph.floats("Maximum", x, graph.constant(scaler.knots[:, :1]))
    x = graph.floats("Minimum", x, graph.constant(scaler.knots[:, -1:]))
    # The segments of all features lie in one table; each feature's begin where those of the feature before end.
    lines = segment_lines(scaler)
    first = np.arange(len(scaler.knots))[:, None] * (scaler.knots.shape[1] + 1)
    segment = graph.floats("UpperBound", graph.constant(scaler.knots), x)
    segment = graph.add("AddV2", [segment, graph.constant(first, INT32)], {"T": type_of(INT32)})
    start, value, slope = (graph.take(graph.constant(line.ravel()), segment) for line in lines)
    return graph.floats("AddV2", graph.floats("Mul", graph.floats("Sub", x, start), slope), value)
