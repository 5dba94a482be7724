"""The evaluation in the form that SageMaker's Model Quality reports have, and as one flat table."""

import csv
import io
import json
import math
from typing import Any

from scarcegan.aws.multiclass import multiclass_block
from scarcegan.evaluation.metrics import f_score

# JSON has no NaN; SageMaker writes this string where a standard deviation is missing.
_NO_DEVIATION = "NaN"


def model_quality(evaluation: dict[str, Any], definition: str, test_set: str) -> dict[str, Any]:
    """Return one model's Model Quality report: risky or not, and beside it the classes, where they were told apart.

    Standard deviations are the bootstrap's. The 'best constant classifier' flags everybody, as in SageMaker's own
    example. Where the truth of the test players is not known, the confusion matrix holds expected counts among the
    players that stand for all, from recall, flagged share and prevalence. `au_prc` is an extra that SageMaker's
    notebooks plot. A figure that cannot be measured is left out.

    Source: SageMaker developer guide, "Model quality metrics and Amazon CloudWatch monitoring".
    """
    measures = evaluation["models"][definition]["test"][test_set]
    prevalence = measures["prevalence"]
    matrix = _confusion_matrix(measures)
    report: dict[str, Any] = {
        "version": 0.0,
        "dataset": {"item_count": measures["players"]},
        "binary_classification_metrics": _measured(
            {
                "confusion_matrix": matrix,
                **_rates(matrix, measures),
                **_constant_classifier(prevalence),
                **_curves(measures["curve"], prevalence),
                "auc": _with_deviation(measures["roc_auc"]),
                "au_prc": _with_deviation(measures["pr_auc"]),
            }
        ),
    }
    if measures["confusion"]:
        report["multiclass_classification_metrics"] = multiclass_block(measures["confusion"])
    return report


def model_quality_json(evaluation: dict[str, Any], definition: str, test_set: str) -> str:
    """Return `model_quality` as JSON text (strict: no NaN)."""
    return json.dumps(model_quality(evaluation, definition, test_set), indent=2, allow_nan=False)


def metrics_csv(evaluation: dict[str, Any]) -> str:
    """Return every figure of everybody as CSV: kind, name, test_set, metric, value, low, high, std."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["kind", "name", "test_set", "metric", "value", "low", "high", "std"])
    for kind, name, test_set, measures in _all_measures(evaluation):
        for metric, figure in measures.items():
            if isinstance(figure, dict) and "std" in figure:
                table.writerow(
                    [kind, name, test_set, metric, *(figure[key] for key in ("value", "low", "high", "std"))]
                )
    return text.getvalue()


def _all_measures(evaluation: dict[str, Any]) -> list[tuple[str, str, str, dict[str, Any]]]:
    models = {name: model["test"] for name, model in evaluation["models"].items()}
    kinds = {"model": models, "baseline": evaluation["baselines"], "champion": evaluation["champions"]}
    return [
        (kind, name, test_set, by_test[test_set])
        for kind, everybody in kinds.items()
        for name, by_test in everybody.items()
        for test_set in evaluation["test_sets"]
    ]


def _confusion_matrix(measures: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Count players by truth (outer key) and prediction (inner key), 1 being risky."""
    players = measures["players"]
    risky = round(measures["prevalence"] * players)
    flagged = round(measures["flagged_share"]["value"] * players)
    found = min(round(measures["recall"]["value"] * risky), flagged)
    false = flagged - found
    return {"0": {"0": players - risky - false, "1": false}, "1": {"0": risky - found, "1": found}}


def _rates(matrix: dict[str, dict[str, int]], measures: dict[str, Any]) -> dict[str, Any]:
    recall, precision = measures["recall"]["value"], measures["precision"]["value"]
    negatives = sum(matrix["0"].values())
    false_positive_rate = matrix["0"]["1"] / negatives
    missed = {**measures["recall"], "value": 1 - recall}
    return {
        "recall": _with_deviation(measures["recall"]),
        "precision": _with_deviation(measures["precision"]),
        "accuracy": _plain((matrix["0"]["0"] + matrix["1"]["1"]) / measures["players"]),
        "true_positive_rate": _with_deviation(measures["recall"]),
        "true_negative_rate": _plain(1 - false_positive_rate),
        "false_positive_rate": _plain(false_positive_rate),
        "false_negative_rate": _with_deviation(missed),
        "f0_5": _plain(f_score(precision, recall, 0.5)),
        "f1": _plain(f_score(precision, recall, 1.0)),
        "f2": _with_deviation(measures["f2"]),
    }


def _constant_classifier(prevalence: float) -> dict[str, Any]:
    figures = {
        "recall": 1.0,
        "precision": prevalence,
        "accuracy": prevalence,
        "f0_5": f_score(prevalence, 1.0, 0.5),
        "f1": f_score(prevalence, 1.0, 1.0),
        "f2": f_score(prevalence, 1.0, 2.0),
    }
    return {f"{name}_best_constant_classifier": _plain(value) for name, value in figures.items()}


def _curves(curve: dict[str, list[float]], prevalence: float) -> dict[str, Any]:
    pairs = zip(curve["flagged_share"], curve["recall"], strict=True)
    # flagged = prevalence x recall + (1 - prevalence) x false positive rate, solved for the last.
    false = [max(0.0, (flagged - prevalence * recall) / (1 - prevalence)) for flagged, recall in pairs]
    return {
        "receiver_operating_characteristic_curve": {
            "false_positive_rates": [0.0, *false],
            "true_positive_rates": [0.0, *curve["recall"]],
        },
        "precision_recall_curve": {"precisions": curve["precision"], "recalls": curve["recall"]},
    }


def _measured(block: dict[str, Any]) -> dict[str, Any]:
    return {name: figure for name, figure in block.items() if math.isfinite(figure.get("value", 0))}


def _with_deviation(figure: dict[str, float]) -> dict[str, Any]:
    deviation = figure["std"] if math.isfinite(figure["std"]) else _NO_DEVIATION
    return {"value": figure["value"], "standard_deviation": deviation}


def _plain(value: Any) -> dict[str, Any]:
    return {"value": float(value), "standard_deviation": _NO_DEVIATION}
