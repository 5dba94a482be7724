"""A model as SageMaker serves it: a SavedModel under `1/` that takes raw features, and the code around it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from scarcegan.data.scaling import Scaler
from scarcegan.serving.lookup import segment_lines
from scarcegan.serving.wire import FLOAT, INT32, Attributes, Graph, Tensor, Type, saved_model

_T: Attributes = {"T": Type(FLOAT)}


def serving_files(model: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the files that TensorFlow Serving and its Python service read, by their path in the archive.

    Args:
        model: plain arrays, see `scarcegan.serving.archive`.

    Returns:
        `1/saved_model.pb`; `code/inference.py`, the handlers; `code/schema.json`, what they know of the model.
    """
    schema = {
        "definition": model["definition"],
        "features": [{"name": name, "type": "float32"} for name in model["feature_names"]],
        "class_names": list(model["class_names"]),
        "threshold": float(model["threshold"]),
    }
    return {
        "1/saved_model.pb": export(model),
        "code/inference.py": Path(__file__).with_name("inference.py").read_bytes(),
        "code/schema.json": json.dumps(schema, sort_keys=True, indent=1).encode(),
    }


def export(model: Mapping[str, Any]) -> bytes:
    """Return a model as `saved_model.pb`; the bytes depend on the model alone.

    The signature `serving_default` takes `features`, float32 [n, features], raw and finite, and gives
    `class_probabilities`, float32 [n, classes], and `risk_score`, float32 [n]: the numbers of
    `scarcegan.serving.forward`. Scalers and members are inside.
    """
    graph, features, classes = Graph(), len(model["feature_names"]), len(model["class_names"])
    raw = graph.placeholder("features", (-1, features))
    columns = graph.add("Transpose", [raw, graph.constant([1, 0], INT32)], _T)
    sums = [_part(graph, part, columns) for part in model["parts"]]
    members = sum(len(part["layers"][0]["weights"]) for part in model["parts"])
    total = graph.add("AddN", sums, {"N": len(sums), **_T})
    share = graph.constant(np.full((), 1 / members))
    probabilities = graph.add("Mul", [total, share], _T, name="class_probabilities")
    risk = _take(graph, probabilities, graph.constant(model["rare_index"], INT32), axis=1, name="risk_score")
    return saved_model(
        graph,
        {"features": Tensor(raw, (-1, features))},
        {"class_probabilities": Tensor(probabilities, (-1, classes)), "risk_score": Tensor(risk, (-1,))},
    )


def _part(graph: Graph, part: Mapping[str, Any], columns: str) -> str:
    """Add one fold's members and return the sum of their probabilities, [n, classes]."""
    scaled = _scaled(graph, Scaler.from_arrays(part["scaler"]), columns)
    # [n, features] meets [members, features, width]: the first product brings in the axis of members.
    rows = graph.add("Transpose", [scaled, graph.constant([1, 0], INT32)], _T)
    first, *others = part["layers"]
    activation = _biased(graph, _first_product(graph, rows, first), first)
    for layer in others:
        activation = graph.add("LeakyRelu", [activation], {"alpha": float(part["slope"]), **_T})
        product = graph.add("BatchMatMulV2", [activation, graph.constant(layer["weights"])], _T)
        activation = _biased(graph, product, layer)
    probabilities = graph.add("Softmax", [activation], _T)
    return graph.add("Sum", [probabilities, graph.constant(0, INT32)], _T)


def _first_product(graph: Graph, rows: str, layer: Mapping[str, Any]) -> str:
    """Multiply rows [n, features] and, beside them, each member's steps by its weights: [members, n, width]."""
    if "thresholds" not in layer:
        return graph.add("BatchMatMulV2", [rows, graph.constant(layer["weights"])], _T)
    count = layer["thresholds"].shape[1]
    features = layer["weights"].shape[1] - count
    repeats = graph.constant([1, count // features], INT32)
    repeated = graph.add("Tile", [rows, repeats], {**_T, "Tmultiples": Type(INT32)})
    distance = graph.add("Sub", [repeated, graph.constant(layer["thresholds"][:, None, :])], _T)
    steps = graph.add("Mul", [distance, graph.constant(layer["steepness"][:, None, None])], _T)
    for bound, kind in ((-1.0, "Maximum"), (1.0, "Minimum")):
        steps = graph.add(kind, [steps, graph.constant(np.full((), bound, dtype=np.float32))], _T)
    of_rows, of_steps = np.split(layer["weights"], [features], axis=1)
    products = [("BatchMatMulV2", rows, of_rows), ("BatchMatMulV2", steps, of_steps)]
    return graph.add("AddV2", [graph.add(kind, [one, graph.constant(by)], _T) for kind, one, by in products], _T)


def _biased(graph: Graph, product: str, layer: Mapping[str, Any]) -> str:
    return graph.add("AddV2", [product, graph.constant(layer["bias"][:, None, :])], _T)


def _scaled(graph: Graph, scaler: Scaler, columns: str) -> str:
    """Add one fold's scaler, [features, n] to [features, n]: the line of the segment that each value lies in."""
    x = _signed_log(graph, columns) if scaler.kind == "log_minmax" else columns
    x = graph.add("Maximum", [x, graph.constant(scaler.knots[:, :1])], _T)
    x = graph.add("Minimum", [x, graph.constant(scaler.knots[:, -1:])], _T)
    lines = segment_lines(scaler)
    first = np.arange(len(scaler.knots))[:, None] * lines.start.shape[1]
    segment = graph.add("UpperBound", [graph.constant(scaler.knots), x], _T)
    segment = graph.add("AddV2", [segment, graph.constant(first, INT32)], {"T": Type(INT32)})
    start, value, slope = (_take(graph, graph.constant(line.ravel()), segment) for line in lines)
    beyond = graph.add("Sub", [x, start], _T)
    return graph.add("AddV2", [graph.add("Mul", [beyond, slope], _T), value], _T)


def _signed_log(graph: Graph, columns: str) -> str:
    size = graph.add("Log1p", [graph.add("Abs", [columns], _T)], _T)
    return graph.add("Mul", [graph.add("Sign", [columns], _T), size], _T)


def _take(graph: Graph, values: str, indices: str, axis: int = 0, name: str = "") -> str:
    types: Attributes = {"Tparams": Type(FLOAT), "Tindices": Type(INT32), "Taxis": Type(INT32)}
    return graph.add("GatherV2", [values, indices, graph.constant(axis, INT32)], types, name=name)
