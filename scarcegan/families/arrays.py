"""Fitted tree ensembles as plain arrays: what a model keeps of them, and serves without a pickle or their library."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from scarcegan.data.scaling import Scaler
from scarcegan.families.estimators import Fitted
from scarcegan.families.lightgbm_trees import is_plain, lightgbm_trees
from scarcegan.families.raw_splits import raw_splits
from scarcegan.families.scaled_trees import ScaledTree
from scarcegan.families.sklearn_trees import boosting_trees, forest_trees
from scarcegan.problems import DataProblem
from scarcegan.serving.linear import Linear
from scarcegan.serving.trees import Trees

Link = Literal["mean", "logit"]


def part_of(fitted: Fitted, scaler: Scaler) -> Linear | Trees:
    """Turn an estimator that was fitted on what the scaler gives into arrays that say the same of raw features.

    It is a forest, a single tree, the binary histogram boosting or the binary logistic regression of scikit-learn, or
    binary LightGBM. The part's risk is the one that `predict_proba` gives the rare class, to 1e-6.

    Raises:
        DataProblem: another kind of estimator.
    """
    # Imported here: scikit-learn takes seconds.
    from sklearn.linear_model import LogisticRegression

    model, classes = fitted.model, np.asarray(fitted.model.classes_)
    if isinstance(model, LogisticRegression) and len(classes) == 2:
        sign = 1 if classes[1] == fitted.rare else -1
        return Linear(scaler, sign * model.coef_[0].astype(np.float32), sign * float(model.intercept_[0]))
    found = _read(model, classes, fitted.rare)
    if found is None:
        raise DataProblem(
            f"'{fitted.name}' cannot be stored as plain arrays (expected trees of scikit-learn, its binary boosting or "
            f"logistic regression, or binary LightGBM without categories, got {type(model).__name__} with "
            f"{len(classes)} classes): name it under evaluate.rivals instead"
        )
    link, trees = found
    return _joined(trees, scaler, link)


def _read(estimator: Any, classes: np.ndarray, rare: int) -> tuple[Link, list[ScaledTree]] | None:
    from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.tree import DecisionTreeClassifier

    is_rare = classes == rare
    if isinstance(estimator, ExtraTreesClassifier | RandomForestClassifier):
        return "mean", forest_trees(estimator.estimators_, is_rare)
    if isinstance(estimator, DecisionTreeClassifier):
        return "mean", forest_trees([estimator], is_rare)
    if len(classes) != 2:
        return None
    # Boosting gives the log-odds of the second class.
    sign = 1 if is_rare[1] else -1
    if isinstance(estimator, HistGradientBoostingClassifier) and estimator.is_categorical_ is None:
        return "logit", boosting_trees(estimator, sign)
    if hasattr(estimator, "booster_") and is_plain(dump := estimator.booster_.dump_model()):
        return "logit", lightgbm_trees(dump, sign)
    return None


def _joined(trees: Sequence[ScaledTree], scaler: Scaler, link: Link) -> Trees:
    """Lay trees behind one another, over raw features."""
    inputs, thresholds, left, right, values = (np.concatenate(arrays) for arrays in zip(*trees, strict=True))
    sizes = [len(tree.inputs) for tree in trees]
    roots = np.cumsum([0, *sizes[:-1]])
    first, own = np.repeat(roots, sizes), np.arange(len(inputs))
    feature, threshold, missing_left = raw_splits(scaler, inputs, thresholds)
    left, right = (np.where(inputs < 0, own, first + side).astype(np.int32) for side in (left, right))
    return Trees(
        feature=feature,
        threshold=threshold,
        missing_left=missing_left,
        left=left,
        right=right,
        values=values.astype(np.float32),
        roots=roots.astype(np.int32),
        link=link,
    )
