"""Fitted tree ensembles as plain arrays: what a model keeps of them, and serves without a pickle or their library."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from scarcegan.data.scaling import Scaler
from scarcegan.families.lightgbm_trees import is_plain, lightgbm_trees
from scarcegan.families.raw_splits import raw_splits
from scarcegan.families.scaled_trees import ScaledTree
from scarcegan.families.sklearn_trees import boosting_trees, forest_trees
from scarcegan.problems import DataProblem
from scarcegan.serving.trees import Trees

Link = Literal["mean", "logit"]


def trees_of(estimator: Any, scaler: Scaler, family: str, rare: int) -> Trees:
    """Turn an estimator that was fitted on what the scaler gives into trees over raw features.

    It is a forest, a single tree or the binary histogram boosting of scikit-learn, or binary LightGBM. The trees' risk
    is the probability that `predict_proba` gives the rare class, whose label is `rare`, to 1e-6.

    Raises:
        DataProblem: another kind of estimator, or one that has not seen the rare class.
    """
    classes = np.asarray(getattr(estimator, "classes_", []))
    found = _read(estimator, classes, rare)
    if found is None:
        kind = type(estimator).__name__
        raise DataProblem(
            f"family '{family}' cannot be stored as plain arrays (expected trees of scikit-learn, its binary boosting "
            f"or binary LightGBM without categories, got {kind} with {len(classes)} classes): name it under "
            "evaluate.rivals instead"
        )
    link, trees = found
    if not (classes == rare).any():
        raise DataProblem(
            f"family '{family}' has to tell the rare class {rare}, but was fitted on the classes {classes.tolist()}: "
            "fit it on players of that class too"
        )
    return _joined(trees, scaler, family, link)


def _read(estimator: Any, classes: np.ndarray, rare: int) -> tuple[Link, list[ScaledTree]] | None:
    # Imported here: scikit-learn takes seconds.
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


def _joined(trees: Sequence[ScaledTree], scaler: Scaler, family: str, link: Link) -> Trees:
    """Lay trees behind one another, over raw features."""
    inputs, thresholds, left, right, values = (np.concatenate(arrays) for arrays in zip(*trees, strict=True))
    sizes = [len(tree.inputs) for tree in trees]
    roots = np.cumsum([0, *sizes[:-1]])
    first, own = np.repeat(roots, sizes), np.arange(len(inputs))
    feature, threshold, missing_left = raw_splits(scaler, inputs, thresholds)
    left, right = (np.where(inputs < 0, own, first + side).astype(np.int32) for side in (left, right))
    return Trees(
        family=family,
        feature=feature,
        threshold=threshold,
        missing_left=missing_left,
        left=left,
        right=right,
        values=values.astype(np.float32),
        roots=roots.astype(np.int32),
        link=link,
    )
