"""A model as SageMaker serves it: a SavedModel under `1/` that takes raw features, and the code around it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

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
    }
    return {
        # TensorFlow Serving takes the folder whose name is a number for a version.
        "1/saved_model.pb": export(model),
        "code/inference.py": Path(__file__).with_name("inference.py").read_bytes(),
        "code/schema.json": json.dumps(schema, sort_keys=True, indent=1).encode(),
    }


def export(model: "Model") -> bytes:
    """Return a model as `saved_model.pb`; the bytes depend on the model alone.

    The signature `serving_default` takes `features`, float32 [n, F], raw and finite, and gives
    `class_probabilities`, float32 [n, classes], and `risk_score`, float32 [n]: the numbers of `Model.probabilities`.
    """
    graph, features, classes = Graph(), len(model.feature_names), len(model.class_names)
    raw = graph.placeholder("features", (-1, features))
    # Parts read a player per column, as in `Model`; a request has a player per row.
    columns = graph.floats("Transpose", raw, graph.constant([1, 0], INT32))
    sums = [part.add_to(graph, columns) for part in model.parts]
    total = graph.floats("AddN", *sums, N=len(sums))
    share = graph.constant(np.float32(1 / model.weight))
    probabilities = graph.floats("Mul", total, share, name="class_probabilities")
    risk = graph.take(probabilities, graph.constant(model.rare_index, INT32), axis=1, name="risk_score")
    return saved_model(
        graph,
        {"features": Tensor(raw, (-1, features))},
        {"class_probabilities": Tensor(probabilities, (-1, classes)), "risk_score": Tensor(risk, (-1,))},
    )
