"""A model as SageMaker serves it: a SavedModel under `1/` that takes raw features, and the code around it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scarcegan.data.calibration import LEAST, MOST, SPARE
from scarcegan.serving.wire import INT32, Graph, Tensor, saved_model

if TYPE_CHECKING:
    from scarcegan.serving.model import Model


def serving_files(model: "Model") -> dict[str, bytes]:
    """Return the files that TensorFlow Serving and its Python service read, by their path in the archive.

    `code/inference.py` has the handlers, `code/schema.json` what they know of the model.
    """
    schema = {
        "definition": model.definition,
        "features": [{"name": name, "type": "float32"} for name in model.feature_names],
        "class_names": model.class_names,
        "threshold": model.threshold,
        "score_kind": model.score_kind,
        "fills_missing": model.fills_missing,
    }
    return {
        # TensorFlow Serving takes the folder whose name is a number for a version.
        "1/saved_model.pb": export(model),
        "code/inference.py": Path(__file__).with_name("inference.py").read_bytes(),
        "code/schema.json": json.dumps(schema, sort_keys=True, indent=1).encode(),
    }


def export(model: "Model") -> bytes:
    """Return a model as `saved_model.pb`; the bytes depend on the model alone.

    The signature `serving_default` takes `features`, float32 [n, F], raw, and gives `class_probabilities`, float32
    [n, classes], and `risk_score`, float32 [n]: the numbers of `Model.probabilities`. Of a model that fills missing
    values, which are NaN, it gives `missing_values` as well: how many each player has, float32 [n].
    """
    graph, features, classes = Graph(), len(model.feature_names), len(model.class_names)
    raw = graph.placeholder("features", (-1, features))
    # Parts read a player per column, as in `Model`; a request has a player per row.
    columns = graph.floats("Transpose", raw, graph.constant([1, 0], INT32))
    sums = [part.add_to(graph, columns) for part in model.parts]
    total = graph.floats("AddN", *sums, N=len(sums))
    mean = graph.floats("Mul", total, graph.constant(np.float32(1 / model.weight)))
    probabilities = graph.floats("Identity", _calibrated(graph, mean, model), name="class_probabilities")
    risk = graph.take(probabilities, graph.constant(model.rare_index, INT32), axis=1, name="risk_score")
    outputs = {"class_probabilities": Tensor(probabilities, (-1, classes)), "risk_score": Tensor(risk, (-1,))}
    if model.fills_missing:
        is_missing = graph.as_floats(graph.is_missing(raw))
        outputs["missing_values"] = Tensor(graph.floats("Sum", is_missing, graph.constant(1, INT32)), (-1,))
    return saved_model(graph, {"features": Tensor(raw, (-1, features))}, outputs)


def _calibrated(graph: Graph, mean: str, model: "Model") -> str:
    """Add the calibration of the mean over the parts, [n, classes]; see `Calibration.rescale`."""
    if model.calibration is None:
        return mean
    a, b, c = (graph.constant(np.float32(number)) for number in vars(model.calibration).values())
    raw = graph.take(mean, graph.constant([model.rare_index], INT32), axis=1)
    raw = graph.floats("Maximum", raw, graph.constant(np.float32(LEAST)))
    raw = graph.floats("Minimum", raw, graph.constant(np.float32(MOST)))
    low = graph.floats("Mul", a, graph.floats("Log", raw))
    high = graph.floats("Mul", b, graph.floats("Log1p", graph.floats("Neg", raw)))
    risky = graph.floats("Sigmoid", graph.floats("AddV2", graph.floats("Sub", low, high), c))
    # The rare class takes its new probability; the others, times the rest over their sum, stay in proportion.
    is_rare = np.arange(len(model.class_names)) == model.rare_index
    is_other = graph.constant((~is_rare).astype(np.float32))
    others = graph.floats("Mul", graph.floats("AddV2", mean, graph.constant(np.float32(SPARE))), is_other)
    sums = graph.floats("MatMul", others, graph.constant(np.ones((len(is_rare), len(is_rare)), np.float32)))
    rest = graph.floats("Sub", graph.constant(np.float32(1.0)), risky)
    others = graph.floats("Mul", others, graph.floats("RealDiv", rest, sums))
    return graph.floats("AddV2", others, graph.floats("Mul", risky, graph.constant(is_rare.astype(np.float32))))
