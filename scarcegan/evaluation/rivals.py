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

    Features are scaled as for the networks, [n, features]; unlabelled rows are left out. What is returned maps such
    features to the probability of the rare class, float64 [n].

    Raises:
        DataProblem: no labelled row is of the rare class, or all are.
    """
    from threadpoolctl import threadpool_limits

    # Taken as negatives, unlabelled rows made boosting worse on real telemetry (PR-AUC .139, not .168).
    labelled = labels != UNLABELED
    rare = int(np.count_nonzero(labels == rare_index))
    if rare in (0, np.count_nonzero(labelled)):
        raise DataProblem(
            f"rival '{name}' needs labelled players of the rare class and of others, got {rare} rare of "
            f"{np.count_nonzero(labelled)} labelled: add labelled players"
        )
    classifier = _classifier(name, seed)
    with threadpool_limits(limits=1):
        # Rivals train side by side: each with OpenMP's threads would overload the machine.
        classifier.fit(features[labelled], labels[labelled])
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

    if name == "gradient_boosting":
        return HistGradientBoostingClassifier(class_weight="balanced", random_state=seed)
    if name == "logistic_regression":
        # C = 1 is weaker on the hundreds of features of real telemetry (PR-AUC .071 instead of .105).
        return LogisticRegression(C=0.01, class_weight="balanced", max_iter=5_000)
    forest = {"random_forest": RandomForestClassifier, "extra_trees": ExtraTreesClassifier}[name]
    return forest(_TREES, class_weight="balanced", random_state=seed)
