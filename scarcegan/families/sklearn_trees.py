"""scikit-learn's fitted trees, read from where it keeps them."""

from typing import Any

import numpy as np

from scarcegan.families.scaled_trees import ScaledTree, with_inner_values


def forest_trees(trees: list[Any], is_rare: np.ndarray) -> list[ScaledTree]:
    """Return fitted `DecisionTreeClassifier`s; values are the rare class's probability, which is marked, [classes]."""
    return [_forest_tree(tree.tree_, is_rare) for tree in trees]


def boosting_trees(estimator: Any, sign: int) -> list[ScaledTree]:
    """Return a fitted binary `HistGradientBoostingClassifier`; values, times the sign, add up to its log-odds.

    The log-odds that it starts from are the first tree: a single leaf.
    """
    leaf = np.array([-1])
    start = np.asarray(estimator._baseline_prediction, dtype=np.float64).ravel()
    first = ScaledTree(leaf, np.zeros(1), leaf, leaf, sign * start)
    return [first, *(_boosting_tree(step[0].nodes, sign) for step in estimator._predictors)]


def _forest_tree(tree: Any, is_rare: np.ndarray) -> ScaledTree:
    # scikit-learn marks leaves with -2; `value` has each class's weighted share, [nodes, outputs, classes].
    inputs, values = np.maximum(tree.feature, -1), tree.value[:, 0] @ is_rare
    return ScaledTree(inputs, tree.threshold, tree.children_left, tree.children_right, values)


def _boosting_tree(nodes: np.ndarray, sign: int) -> ScaledTree:
    inputs = np.where(nodes["is_leaf"], -1, nodes["feature_idx"])
    left, right = (nodes[side].astype(np.int64) for side in ("left", "right"))
    tree = ScaledTree(inputs, nodes["num_threshold"], left, right, sign * nodes["value"])
    return with_inner_values(tree, nodes["count"])
