"""A model as SageMaker serves it: a SavedModel under `1/` that takes raw features, and the code around it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scarcegan.data.calibration import LEAST, MOST, SPARE
from scarcegan.data.log_odds import LEAST_RISK
from scarcegan.serving.ensemble import Family
from scarcegan.serving.wire import FLOAT, INT32, Graph, Tensor, saved_model, type_of

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
    mean = graph.floats("Mul", total, graph.constant(1 / model.members))
    mean = _calibrated(graph, _pooled(graph, mean, columns, model), model)
    probabilities = graph.floats("Identity", mean, name="class_probabilities")
    risk = graph.take(probabilities, graph.constant(model.rare_index, INT32), axis=1, name="risk_score")
    outputs: dict[str, Tensor] = {"class_probabilities": (probabilities, (-1, classes)), "risk_score": (risk, (-1,))}
    if model.fills_missing:
        is_missing = graph.as_floats(graph.is_missing(raw))
        outputs["missing_values"] = (graph.floats("Sum", is_missing, graph.constant(1, INT32)), (-1,))
    return saved_model(graph, {"features": (raw, (-1, features))}, outputs)


def _pooled(graph: Graph, mean: str, columns: str, model: "Model") -> str:
    """Add the pool of ScarceGAN's risk, in its mean over the parts, [n, classes], and the other families' risks."""
    if not model.families:
        return mean
    risks = [_family(graph, columns, family) for family in model.families]
    if model.share:
        risks.append(_risk(graph, mean, model))
    if len(risks) == 1:
        return _with_risk(graph, mean, risks[0], model)
    shares = [share for share in (*model.shares[1:], model.share) if share]
    parts = [_share_of_log_odds(graph, risk, share) for risk, share in zip(risks, shares, strict=True)]
    return _with_risk(graph, mean, graph.floats("Sigmoid", graph.floats("AddN", *parts, N=len(parts))), model)


def _family(graph: Graph, columns: str, family: Family) -> str:
    """Add a family's mean risk over its parts, [n, 1]."""
    risks = [part.add_risk_to(graph, columns) for part in family.parts]
    risk = graph.floats("Mul", graph.floats("AddN", *risks, N=len(risks)), graph.constant(1 / len(risks)))
    return graph.add("ExpandDims", [risk, graph.constant(1, INT32)], {"T": type_of(FLOAT), "Tdim": type_of(INT32)})


def _share_of_log_odds(graph: Graph, risk: str, share: float) -> str:
    """Add a family's share of the log-odds; see `scarcegan.data.log_odds`."""
    risk = graph.between(risk, LEAST_RISK, 1 - LEAST_RISK)
    log_odds = graph.floats("Sub", graph.floats("Log", risk), graph.floats("Log1p", graph.floats("Neg", risk)))
    return graph.floats("Mul", log_odds, graph.constant(share))


def _calibrated(graph: Graph, mean: str, model: "Model") -> str:
    """Add the calibration of the risk, in class probabilities [n, classes]; see `Calibration`."""
    if model.calibration is None:
        return mean
    a, b, c = (graph.constant(number) for number in vars(model.calibration).values())
    raw = graph.between(_risk(graph, mean, model), LEAST, MOST)
    low = graph.floats("Mul", a, graph.floats("Log", raw))
    high = graph.floats("Mul", b, graph.floats("Log1p", graph.floats("Neg", raw)))
    risky = graph.floats("Sigmoid", graph.floats("AddV2", graph.floats("Sub", low, high), c))
    return _with_risk(graph, mean, risky, model)


def _with_risk(graph: Graph, probabilities: str, risk: str, model: "Model") -> str:
    """Give the rare class another risk, [n, 1]; the others, times the rest over their sum, stay in proportion."""
    is_rare = np.arange(len(model.class_names)) == model.rare_index
    is_other = graph.constant((~is_rare).astype(np.float32))
    others = graph.floats("Mul", graph.floats("AddV2", probabilities, graph.constant(SPARE)), is_other)
    sums = graph.floats("MatMul", others, graph.constant(np.ones((len(is_rare), len(is_rare)), np.float32)))
    rest = graph.floats("Sub", graph.constant(1.0), risk)
    others = graph.floats("Mul", others, graph.floats("RealDiv", rest, sums))
    return graph.floats("AddV2", others, graph.floats("Mul", risk, graph.constant(is_rare.astype(np.float32))))


def _risk(graph: Graph, probabilities: str, model: "Model") -> str:
    """Take the rare class's column out of class probabilities: [n, 1]."""
    return graph.take(probabilities, graph.constant([model.rare_index], INT32), axis=1)
