"""The evaluation in the form that SageMaker's Model Quality reports have."""

import csv
import io
import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from scarcegan.evaluation.figures import Confusion, Curve, Interval, Measures
from scarcegan.evaluation.metrics import f_score

# JSON has no NaN; SageMaker writes this string where a standard deviation is missing.
_NO_DEVIATION = "NaN"


def model_quality(measures: Measures) -> dict[str, Any]:
    """Return one model's Model Quality report: risky or not, and beside it the classes, where they were told apart.

    Standard deviations are the bootstrap's. The 'best constant classifier' flags everybody, as in SageMaker's own
    example. Where the truth of the test players is not known, the confusion matrix holds expected counts among the
    players that stand for all, from recall, flagged share and prevalence. `au_prc` is an extra that SageMaker's
    notebooks plot. A figure that cannot be measured is left out.

    Source: SageMaker developer guide, "Model quality metrics and Amazon CloudWatch monitoring".
    """
    matrix, prevalence = _confusion_matrix(measures), measures.prevalence
    constant = {"recall": 1.0, "precision": prevalence, "accuracy": prevalence, **_f_scores(prevalence, 1.0)}
    binary = {
        "confusion_matrix": matrix,
        **_rates(matrix, measures),
        **{f"{name}_best_constant_classifier": _plain(value) for name, value in constant.items()},
        **_curves(measures.curve, prevalence),
        "auc": _with_deviation(measures.roc_auc),
        "au_prc": _with_deviation(measures.pr_auc),
    }
    report: dict[str, Any] = {
        "version": 0.0,
        "dataset": {"item_count": measures.players},
        "binary_classification_metrics": {
            name: figure for name, figure in binary.items() if math.isfinite(figure.get("value", 0))
        },
    }
    if measures.confusion:
        report["multiclass_classification_metrics"] = multiclass_block(measures.confusion)
    return report


def model_quality_json(measures: Measures) -> str:
    """Return `model_quality` as JSON text (strict: no NaN)."""
    return json.dumps(model_quality(measures), indent=2, allow_nan=False)


def model_quality_csv(measures: Measures) -> str:
    """Return `model_quality` as a flat table, for those who read figures in a spreadsheet; nothing is rounded.

    A figure has neither row nor column. A count of the confusion matrix has the truth as row and the prediction as
    column. A point of a curve has the axis as row and its number as column.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["block", "metric", "row", "column", "value", "standard_deviation"])
    for path, value, deviation in _figures(model_quality(measures)):
        table.writerow([*path, *[""] * (4 - len(path)), json.dumps(value), deviation])
    return text.getvalue()


def _figures(tree: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Yield path, value and standard deviation of every figure."""
    if isinstance(tree, dict) and "standard_deviation" in tree:
        yield path, tree["value"], tree["standard_deviation"]
    elif isinstance(tree, dict | list):
        for key, inner in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from _figures(inner, (*path, str(key)))
    else:
        yield path, tree, ""


def _confusion_matrix(measures: Measures) -> dict[str, dict[str, int]]:
    """Count players by truth (outer key) and prediction (inner key), 1 being risky."""
    players = measures.players
    risky = round(measures.prevalence * players)
    flagged = round(measures.flagged_share.value * players)
    # Two rounded figures must not find more players than are flagged.
    found = min(round(measures.recall.value * risky), flagged)
    false = flagged - found
    return {"0": {"0": players - risky - false, "1": false}, "1": {"0": risky - found, "1": found}}


def _rates(matrix: dict[str, dict[str, int]], measures: Measures) -> dict[str, Any]:
    recall, precision = measures.recall.value, measures.precision.value
    false_positive_rate = matrix["0"]["1"] / sum(matrix["0"].values())
    return {
        "recall": _with_deviation(measures.recall),
        "precision": _with_deviation(measures.precision),
        "accuracy": _plain((matrix["0"]["0"] + matrix["1"]["1"]) / measures.players),
        "true_positive_rate": _with_deviation(measures.recall),
        "true_negative_rate": _plain(1 - false_positive_rate),
        "false_positive_rate": _plain(false_positive_rate),
        "false_negative_rate": _with_deviation(measures.recall) | {"value": 1 - recall},
        **{name: _plain(value) for name, value in _f_scores(precision, recall).items()},
        "f2": _with_deviation(measures.f2),
    }


def _curves(curve: Curve, prevalence: float) -> dict[str, Any]:
    pairs = zip(curve.flagged_share, curve.recall, strict=True)
    # flagged = prevalence x recall + (1 - prevalence) x false positive rate, solved for the last.
    false = [max(0.0, (flagged - prevalence * recall) / (1 - prevalence)) for flagged, recall in pairs]
    return {
        "receiver_operating_characteristic_curve": {
            "false_positive_rates": [0.0, *false],
            "true_positive_rates": [0.0, *curve.recall],
        },
        "precision_recall_curve": {"precisions": list(curve.precision), "recalls": list(curve.recall)},
    }


def _with_deviation(figure: Interval) -> dict[str, Any]:
    known = figure.std is not None and math.isfinite(figure.std)
    return {"value": figure.value, "standard_deviation": figure.std if known else _NO_DEVIATION}


def _plain(value: Any) -> dict[str, Any]:
    return {"value": float(value), "standard_deviation": _NO_DEVIATION}


def multiclass_block(confusion: Confusion) -> dict[str, Any]:
    """Return SageMaker's multiclass metrics of a confusion matrix.

    The matrix is shown whole, with a last row for players of no known class, if there are any. The metrics count
    players of a known class alone; 'unknown' is an answer that is never right. Weights are the shares of the classes.
    The 'best constant classifier' names the most frequent class. Where truth is known but classes are not, the only
    known class may be the rare one: then the binary block tells more.
    """
    labels, rows, matrix = confusion.labels, confusion.rows, confusion.matrix
    block: dict[str, Any] = {
        "confusion_matrix": {
            row: dict(zip(labels, counts, strict=True)) for row, counts in zip(rows, matrix, strict=True)
        }
    }
    known = np.array([counts for row, counts in zip(rows, matrix, strict=True) if row in labels], dtype=float)
    if known.sum() == 0:
        return block
    share = known.sum(axis=1) / known.sum()
    right = np.diagonal(known)
    figures = {"accuracy": right.sum() / known.sum()}
    figures |= _weighted(share, _ratio(right, known.sum(axis=1)), _ratio(right, known.sum(axis=0)[: len(right)]))
    often = share == share.max()
    # Of several classes that are equally frequent, the first one.
    constant = (np.cumsum(often) == 1) & often
    blind = {"accuracy": share.max()}
    blind |= _weighted(share, constant.astype(float), constant * share)
    figures |= {f"{name}_best_constant_classifier": value for name, value in blind.items()}
    return block | {name: _plain(value) for name, value in figures.items()}


def _weighted(share: np.ndarray, recall: np.ndarray, precision: np.ndarray) -> dict[str, float]:
    by_class = {"recall": recall, "precision": precision, **_f_scores(precision, recall)}
    return {f"weighted_{name}": float(share @ values) for name, values in by_class.items()}


def _f_scores(precision: np.ndarray | float, recall: np.ndarray | float) -> dict[str, Any]:
    return {name: f_score(precision, recall, beta) for name, beta in (("f0_5", 0.5), ("f1", 1.0), ("f2", 2.0))}


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
