"""Honest rivals: standard classifiers on the same training rows and the same scaled features."""

from collections.abc import Callable
from typing import Any

import numpy as np

from scarcegan.data.players import UNLABELED
from scarcegan.problems import DataProblem
from scarcegan.settings.model_sections import RivalName

_TREES, _TREES_UNLABELED = 500, 300
_SHRINKAGE = {"logistic_regression": 1.0, "logistic_regression_shrunk": 0.01}  # C: the smaller, the stronger


def train_rival(
    name: RivalName, features: np.ndarray, labels: np.ndarray, rare_index: int, seed: int
) -> Callable[[np.ndarray], np.ndarray]:
    """Train a rival on one thread, every class weighing the same.

    Features are scaled as for the networks, [n, features]; labels [n]. `extra_trees_unlabeled` tells the rare class
    from all other rows, unlabelled ones among them; the other rivals tell the labelled classes apart, and leave
    unlabelled rows out. What is returned maps such features to the probability of the rare class, float64 [n].

    Raises:
        DataProblem: no labelled row is of the rare class, or all are.
    """
    from threadpoolctl import threadpool_limits

    labelled, is_rare = labels != UNLABELED, labels == rare_index
    rare = int(np.count_nonzero(is_rare))
    if rare in (0, np.count_nonzero(labelled)):
        raise DataProblem(
            f"rival '{name}' needs labelled players of the rare class and of others, got {rare} rare of "
            f"{np.count_nonzero(labelled)} labelled: add labelled players"
        )
    # Taken as negatives, unlabelled rows help trees with large leaves; they made boosting worse on real telemetry
    # (PR-AUC .139, not .168).
    if name == "extra_trees_unlabeled":
        rows, target, rare_index = features, is_rare.astype(int), 1
    else:
        rows, target = features[labelled], labels[labelled]
    classifier = _classifier(name, seed)
    with threadpool_limits(limits=1):
        # Rivals train side by side: each with OpenMP's threads would overload the machine.
        classifier.fit(rows, target)
    # A class without labelled rows has no column: the rare one's place may differ.
    column = np.searchsorted(classifier.classes_, rare_index)

    def risk_scores(features: np.ndarray) -> np.ndarray:
        with threadpool_limits(limits=1):
            return np.asarray(classifier.predict_proba(features)[:, column])

    return risk_scores


def _classifier(name: RivalName, seed: int) -> Any:
    # Imported here: scikit-learn takes seconds, and only evaluation needs it.
    from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression

    balanced: dict[str, Any] = {"class_weight": "balanced", "random_state": seed}
    if name == "gradient_boosting":
        return HistGradientBoostingClassifier(**balanced)
    if name in _SHRINKAGE:
        # Which is better hangs on the data: on real telemetry's hundreds of features C = 0.01 (PR-AUC .105, not .071).
        return LogisticRegression(C=_SHRINKAGE[name], max_iter=5_000, **balanced)
    if name == "extra_trees_unlabeled":
        return ExtraTreesClassifier(_TREES_UNLABELED, min_samples_leaf=5, **balanced)
    forest = {"random_forest": RandomForestClassifier, "extra_trees": ExtraTreesClassifier}[name]
    return forest(_TREES, **balanced)
