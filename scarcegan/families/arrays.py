"""Fitted estimators as plain arrays: what a model keeps of them, and serves without a pickle or their library."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from scarcegan.data.scaling import Scaler
from scarcegan.families.estimators import Fitted
from scarcegan.families.fitted_trees import ScaledTree, boosting_trees, forest_trees, is_plain, lightgbm_trees
from scarcegan.problems import DataProblem
from scarcegan.serving.linear import Linear
from scarcegan.serving.lookup import float_keys
from scarcegan.serving.trees import Trees

Link = Literal["mean", "logit"]
Map = Callable[[np.ndarray], np.ndarray]
_CLOSE = 1e-5  # arrays are float32
_MADE_UP = 200
_MISSING = 0.1  # of the values that may be missing


def part_of(fitted: Fitted, scaler: Scaler) -> Linear | Trees:
    """Turn an estimator that was fitted on what the scaler gives into arrays that say the same of raw features.

    It is a forest, a single tree, the binary histogram boosting or the binary logistic regression of scikit-learn, or
    binary LightGBM. The part's risk is the one that `predict_proba` gives the rare class, to 1e-5.

    Raises:
        DataProblem: another kind of estimator, or one whose arrays do not give the risk, such as a class that derives
            from one of those and answers otherwise.
    """
    players = _made_up(scaler)
    risk, asked = np.zeros(len(players)), fitted.risk(scaler.apply(players))
    try:
        part = _part(fitted, scaler)
        if part is not None:
            part.add_risk(np.ascontiguousarray(players.T), risk)
    # A class may keep anything under the names that are read here, as one does that makes columns of its own first.
    except Exception as error:
        raise _unstored(fitted, "arrays over the columns of X", f"{type(error).__name__}: {error}") from error
    if part is None:
        model = type(fitted.model).__name__
        raise _unstored(
            fitted,
            "trees of scikit-learn, its binary boosting or logistic regression, or binary LightGBM without categories",
            f"{model} with {len(fitted.model.classes_)} classes",
        )
    furthest = np.abs(risk - asked).max()
    if not furthest <= _CLOSE:
        raise _unstored(fitted, "arrays that give the risk of predict_proba", f"another one by {furthest:.2g}")
    return part


def _unstored(fitted: Fitted, expected: str, got: str) -> DataProblem:
    return DataProblem(
        f"'{fitted.name}' cannot be stored as plain arrays (expected {expected}, got {got}): "
        "name it under evaluate.rivals instead"
    )


def _made_up(scaler: Scaler) -> np.ndarray:
    """Return raw players, by lot along each feature's knots, some missing where an input says so: float32 [n, F]."""
    along, rng = np.linspace(0, 1, scaler.knots.shape[1]), np.random.default_rng(0)
    known = np.column_stack([np.interp(rng.random(_MADE_UP), along, knots) for knots in scaler.knots])
    raw = np.sign(known) * np.expm1(np.abs(known)) if scaler.kind == "log_minmax" else known
    told = list(scaler.indicators)
    raw[:, told] = np.where(rng.random((_MADE_UP, len(told))) < _MISSING, np.nan, raw[:, told])
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
    feature, threshold, missing_left = _on_raw(scaler, inputs, thresholds)
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


def _on_raw(scaler: Scaler, inputs: np.ndarray, thresholds: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Carry splits on scaled inputs back to raw features: the same way for every player, to the last bit.

    Each input is a function of one raw feature that never falls, so that a split on it is one on the feature: its
    threshold is the largest raw float32 that still goes left, where the scaled input is at most the scaled threshold.
    Inputs are int [nodes], each below the scaler's width, or -1 where there is no split; thresholds float64 [nodes].
    Returns the features, int32, the raw thresholds, float32 (-inf where all values go right), and whether a missing
    value goes left, bool.
    """
    features = np.array([*range(len(scaler.knots)), *scaler.indicators, -1], dtype=np.int32)[inputs]
    raw, missing_left = np.zeros(len(inputs), dtype=np.float32), np.zeros(len(inputs), dtype=bool)
    for number in np.unique(inputs[inputs >= 0]):
        scaled, nodes = _map_to(scaler, int(number)), inputs == number
        raw[nodes] = _last_left(scaled, thresholds[nodes])
        missing_left[nodes] = scaled(np.array([np.nan], dtype=np.float32)) <= thresholds[nodes]
    return features, raw, missing_left


def _map_to(scaler: Scaler, number: int) -> Map:
    """Return the scaler's own arithmetic from one raw feature to one input: a scaler of that feature alone."""
    is_indicator = number >= len(scaler.knots)
    feature = scaler.indicators[number - len(scaler.knots)] if is_indicator else number
    own = slice(feature, feature + 1)
    fill = None if scaler.fill is None else scaler.fill[own]
    # An indicator is the last input, behind the feature's.
    indicators = (0,) if is_indicator else ()
    alone = replace(scaler, knots=scaler.knots[own], values=scaler.values[own], fill=fill, indicators=indicators)
    return lambda raw: alone.apply(raw[:, None])[:, -1]


def _last_left(scaled: Map, thresholds: np.ndarray) -> np.ndarray:
    """Find the largest finite float32 whose scaled value is at most each threshold, -inf where there is none.

    Thresholds are float64 [n]. A bisection halves the floats between, not the distance: 32 steps find any float.
    """
    ends = float_keys(np.array([-np.inf, np.inf], dtype=np.float32))
    low, high = (np.full(len(thresholds), end, dtype=np.int64) for end in ends)
    while (high - low > 1).any():
        middle = (low + high) // 2
        # As the libraries compare: float32 inputs with float64 thresholds.
        goes_left = scaled(_float(middle)) <= thresholds
        low, high = np.where(goes_left, middle, low), np.where(goes_left, high, middle)
    return _float(low)


def _float(keys: np.ndarray) -> np.ndarray:
    """Return the float32 of each key; see `float_keys`."""
    return np.where(keys >= 0, keys, keys ^ 0x7FFFFFFF).astype(np.int32).view(np.float32)
