"""A fitted library's trees, one by one, as they split scaled inputs.

scikit-learn's are read from where it keeps them, LightGBM's from what its booster tells of itself: neither is imported.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np


class ScaledTree(NamedTuple):
    """One tree, its root first and children behind their parent; arrays [nodes].

    Attributes:
        inputs: int, the number of the scaled input that a node asks, -1 in a leaf.
        thresholds: float64; a player goes left where the input is at most that.
        left, right: int, the children's places; whatever in a leaf.
        values: float64; an inner node's is the mean of what lies below it, weighted as in training.
    """

    inputs: np.ndarray
    thresholds: np.ndarray
    left: np.ndarray
    right: np.ndarray
    values: np.ndarray


def forest_trees(trees: list[Any], is_rare: np.ndarray) -> list[ScaledTree]:
    """Return fitted `DecisionTreeClassifier`s; values are the rare class's probability, which is marked, [classes].

    A tree that tells harmless classes apart asks much that does not change this probability: that is left out.
    """
    return [_without_idle_splits(_forest_tree(tree.tree_, is_rare)) for tree in trees]


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


def _without_idle_splits(tree: ScaledTree) -> ScaledTree:
    """Make a leaf of each node below which all leaves have the same value."""
    is_split, values = tree.inputs >= 0, tree.values.copy()
    # From the end: a node's children are done before it.
    for node in np.flatnonzero(is_split)[::-1]:
        left, right = tree.left[node], tree.right[node]
        if not (is_split[left] or is_split[right]) and values[left] == values[right]:
            is_split[node], values[node] = False, values[left]
    is_kept = np.zeros(len(values), dtype=bool)
    is_kept[[0, *tree.left[is_split], *tree.right[is_split]]] = True
    place = np.cumsum(is_kept) - 1
    inputs = np.where(is_split, tree.inputs, -1)
    kept = ScaledTree(inputs, tree.thresholds, place[tree.left], place[tree.right], values)
    return ScaledTree(*(array[is_kept] for array in kept))


def _boosting_tree(nodes: np.ndarray, sign: int) -> ScaledTree:
    inputs = np.where(nodes["is_leaf"], -1, nodes["feature_idx"])
    left, right = (nodes[side].astype(np.int64) for side in ("left", "right"))
    tree = ScaledTree(inputs, nodes["num_threshold"], left, right, sign * nodes["value"])
    return _with_inner_values(tree, nodes["count"])


def is_plain(dump: Mapping[str, Any]) -> bool:
    """Whether a booster's description is of a sum of ordinary trees whose logistic function is a probability."""
    return (
        dump["objective"] == "binary sigmoid:1"
        and not dump["average_output"]
        and all(_is_plain_node(node) for tree in dump["tree_info"] for node in _nodes(tree["tree_structure"]))
    )


def lightgbm_trees(dump: Mapping[str, Any], sign: int) -> list[ScaledTree]:
    """Return a booster's trees; values, times the sign, add up to its log-odds, as the first tree has the average."""
    return [_lightgbm_tree(_nodes(tree["tree_structure"]), sign) for tree in dump["tree_info"]]


def _is_plain_node(node: Mapping[str, Any]) -> bool:
    # No line in a leaf, no set of categories, and zero is a value like any other.
    return (
        "leaf_coeff" not in node
        and node.get("decision_type", "<=") == "<="
        and node.get("missing_type", "None") != "Zero"
    )


def _nodes(root: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """List a tree's nodes, each before its children."""
    # No recursion: a tree that grows by its best leaf may be a thousand nodes deep.
    found, waiting = [], [root]
    while waiting:
        node = waiting.pop()
        found.append(node)
        waiting += [node[side] for side in ("right_child", "left_child") if side in node]
    return found


def _lightgbm_tree(nodes: list[Mapping[str, Any]], sign: int) -> ScaledTree:
    place = {id(node): number for number, node in enumerate(nodes)}
    left, right = (
        np.array([place.get(id(node.get(side)), -1) for node in nodes]) for side in ("left_child", "right_child")
    )
    inputs = np.array([node.get("split_feature", -1) for node in nodes])
    thresholds, values = (
        np.array([node.get(key, 0.0) for node in nodes], dtype=np.float64) for key in ("threshold", "leaf_value")
    )
    counts = np.array([node.get("internal_count", node.get("leaf_count", 1)) for node in nodes])
    return _with_inner_values(ScaledTree(inputs, thresholds, left, right, sign * values), counts)


def _with_inner_values(tree: ScaledTree, counts: np.ndarray) -> ScaledTree:
    """Give inner nodes the mean of their children's values, weighted by the training rows in them, [nodes]."""
    values = tree.values.copy()
    # From the end: a node's children have their values before it.
    for node in np.flatnonzero(tree.inputs >= 0)[::-1]:
        children = [tree.left[node], tree.right[node]]
        values[node] = np.average(values[children], weights=counts[children])
    return tree._replace(values=values)
