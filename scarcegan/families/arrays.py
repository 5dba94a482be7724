"""Fitted estimators as plain arrays: what a model keeps of them, and serves without a pickle or their library."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from scarcegan.data.scaling import Scaler
from scarcegan.families.estimators import Fitted
from scarcegan.families.fitted_trees import ScaledTree, boosting_trees, forest_trees, is_plain, lightgbm_trees
from scarcegan.families.raw_splits import raw_splits
from scarcegan.problems import DataProblem
from scarcegan.serving.linear import Linear
from scarcegan.serving.trees import Trees

Link = Literal["mean", "logit"]
_CLOSE = 1e-5  # arrays are float32
_MADE_UP = 200


def part_of(fitted: Fitted, scaler: Scaler) -> Linear | Trees:
    """Turn an estimator that was fitted on what the scaler gives into arrays that say the same of raw features.

    It is a forest, a single tree, the binary histogram boosting or the binary logistic regression of scikit-learn, or
    binary LightGBM. The part's risk is the one that `predict_proba` gives the rare class, to 1e-5.

    Raises:
        DataProblem: another kind of estimator, or one whose arrays do not give the risk, such as a class that derives
            from one of those and answers otherwise.
    """
    part = _part(fitted, scaler)
    if part is None:
        model = type(fitted.model).__name__
        raise _unstored(
            fitted,
            "trees of scikit-learn, its binary boosting or logistic regression, or binary LightGBM without categories",
            f"{model} with {len(fitted.model.classes_)} classes",
        )
    players = _made_up(scaler)
    risk = np.zeros(len(players))
    part.add_risk(np.ascontiguousarray(players.T), risk)
    furthest = np.abs(risk - fitted.risk(scaler.apply(players))).max()
    if furthest > _CLOSE:
        raise _unstored(fitted, "arrays that give the risk of predict_proba", f"another one by {furthest:.2g}")
    return part


def _unstored(fitted: Fitted, expected: str, got: str) -> DataProblem:
    return DataProblem(
        f"'{fitted.name}' cannot be stored as plain arrays (expected {expected}, got {got}): "
        "name it under evaluate.rivals instead"
    )


def _made_up(scaler: Scaler) -> np.ndarray:
    """Return a few raw players, by lot along each feature's knots: float32 [n, F]."""
    along, rng = np.linspace(0, 1, scaler.knots.shape[1]), np.random.default_rng(0)
    known = np.column_stack([np.interp(rng.random(_MADE_UP), along, knots) for knots in scaler.knots])
    raw = np.sign(known) * np.expm1(np.abs(known)) if scaler.kind == "log_minmax" else known
    return raw.astype(np.float32)


def _part(fitted: Fitted, scaler: Scaler) -> Linear | Trees | None:
    # Imported here: scikit-learn takes seconds.
    from sklearn.linear_model import LogisticRegression

    model, classes = fitted.model, np.asarray(fitted.model.classes_)
    if isinstance(model, LogisticRegression) and len(classes) == 2:
        sign = 1 if classes[1] == fitted.rare else -1
        return Linear(scaler, sign * model.coef_[0].astype(np.float32), sign * float(model.intercept_[0]))
    found = _read(model, classes, fitted.rare)
    return found and _joined(found[1], scaler, found[0])


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
