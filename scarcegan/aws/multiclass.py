"""The multiclass block of a Model Quality report: which known class a player is taken for."""

from typing import Any

import numpy as np

from scarcegan.evaluation.metrics import f_score
from scarcegan.evaluation.records import Confusion


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
    constant = (np.cumsum(often) == 1) & often
    blind = {"accuracy": share.max()}
    blind |= _weighted(share, constant.astype(float), constant * share)
    figures |= {f"{name}_best_constant_classifier": value for name, value in blind.items()}
    return block | {name: {"value": float(value), "standard_deviation": "NaN"} for name, value in figures.items()}


def _weighted(share: np.ndarray, recall: np.ndarray, precision: np.ndarray) -> dict[str, float]:
    by_class = {"recall": recall, "precision": precision, **f_scores(precision, recall)}
    return {f"weighted_{name}": float(share @ values) for name, values in by_class.items()}


def f_scores(precision: np.ndarray | float, recall: np.ndarray | float) -> dict[str, Any]:
    """Return the three F measures of a report, by SageMaker's names."""
    return {name: f_score(precision, recall, beta) for name, beta in (("f0_5", 0.5), ("f1", 1.0), ("f2", 2.0))}


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
