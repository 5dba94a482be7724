"""Honest rivals: standard classifiers on the same labelled rows and the same scaled features."""

from collections.abc import Callable
from typing import Any

import numpy as np

from scarcegan.data.players import UNLABELED
from scarcegan.problems import DataProblem
from scarcegan.settings.model_sections import RivalName

_TREES = 500


def train_rival(
    name: RivalName, features: np.ndarray, labels: np.ndarray, rare_index: int, seed: int
) -> Callable[[np.ndarray], np.ndarray]:
    """Train a rival on one thread to tell the labelled classes apart, every class weighing the same.

    Features are scaled as for the networks, [n, features]; unlabelled rows are left out.

    Returns:
        Maps scaled features [n, features] to the probability of the rare class, float64 [n].

    Raises:
        DataProblem: no labelled row is of the rare class, or all are.
    """
    from threadpoolctl import threadpool_limits

    labelled = labels != UNLABELED
    rare = int(np.count_nonzero(labels == rare_index))
    if rare in (0, np.count_nonzero(labelled)):
        raise DataProblem(
            f"rival '{name}' needs labelled players of the rare class and of others, got {rare} rare of "
            f"{np.count_nonzero(labelled)} labelled: add labelled players"
        )
    classifier = _classifier(name, seed)
    with threadpool_limits(limits=1):
        classifier.fit(features[labelled], labels[labelled])
    column = np.searchsorted(classifier.classes_, rare_index)

    def risk_scores(features: np.ndarray) -> np.ndarray:
        with threadpool_limits(limits=1):
            return np.asarray(classifier.predict_proba(features)[:, column])

    return risk_scores


def _classifier(name: RivalName, seed: int) -> Any:
    # Imported here: scikit-learn takes seconds, and only evaluation needs it.
    from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression

    if name == "gradient_boosting":
        return HistGradientBoostingClassifier(class_weight="balanced", random_state=seed)
    if name == "logistic_regression":
        return LogisticRegression(C=0.01, class_weight="balanced", max_iter=5_000)
    forest = {"random_forest": RandomForestClassifier, "extra_trees": ExtraTreesClassifier}[name]
    return forest(_TREES, class_weight="balanced", random_state=seed)
