"""Trees over raw features say what the fitted estimator says of scaled ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.base import clone
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from scarcegan.data.scaling import fit_scaler
from scarcegan.families.arrays import part_of
from scarcegan.families.estimators import Fitted
from scarcegan.problems import DataProblem
from scarcegan.serving.trees import Trees
from scarcegan.settings import Scaling

ROWS, RARE, ATOL = 600, 2, 1e-6
ESTIMATORS = {
    "extra_trees": ExtraTreesClassifier(30, min_samples_leaf=2, class_weight="balanced", random_state=0),
    "random_forest": RandomForestClassifier(30, class_weight="balanced", max_leaf_nodes=40, random_state=0),
    "tree": DecisionTreeClassifier(random_state=0),
    "boosting": HistGradientBoostingClassifier(max_iter=40, class_weight="balanced", random_state=0),
    "linear": LogisticRegression(class_weight="balanced", max_iter=1_000),
}
KINDS = ["quantile_normal", "log_minmax"]


def players(seed=0):
    """Raw features of many shapes: long tails, counts, mostly zero, negative, constant, yes or no; some missing."""
    rng = np.random.default_rng(seed)
    raw = np.column_stack(
        [
            rng.lognormal(0, 2, ROWS),
            rng.poisson(3, ROWS),
            rng.lognormal(size=ROWS) * (rng.random(ROWS) < 0.2),
            -rng.lognormal(size=ROWS),
            np.full(ROWS, 7.0),
            rng.integers(0, 2, ROWS),
        ]
    ).astype(np.float32)
    score = raw[:, 1] + 2 * raw[:, 5] + rng.normal(size=ROWS)
    # That values are missing tells of the class: trees ask the indicators.
    raw[:, 0][(score > 5) & (rng.random(ROWS) < 0.6)] = np.nan
    raw[:, 3][rng.random(ROWS) < 0.1] = np.nan
    labels = np.where(score > 6, RARE, np.where(raw[:, 2] > 0, 1, 0))
    return raw, labels


def fitted(estimator, kind, labels, raw):
    """A scaler, and a clone of the estimator that was fitted behind it."""
    scaler = fit_scaler(raw, Scaling(kind=kind))
    return scaler, clone(estimator).fit(scaler.apply(raw), labels)


def expected(estimator, scaler, raw, rare):
    column = list(estimator.classes_).index(rare)
    return estimator.predict_proba(scaler.apply(raw))[:, column]


def risk(trees, raw):
    trees.check("part 0", raw.shape[1])
    total = np.zeros(len(raw))
    trees.add_risk(raw.T, total)
    return total


def probes(trees, raw):
    """The players, others on each feature's thresholds and a float beside them, and at the ends of what floats say."""
    rng, columns = np.random.default_rng(1), []
    ends = np.array([0.0, -0.0, 1e-45, -1e-45, 3.4028235e38, -3.4028235e38, np.nan], dtype=np.float32)
    for feature in range(raw.shape[1]):
        own = trees.threshold[trees.feature == feature] if isinstance(trees, Trees) else raw[:50, feature]
        own = own[np.abs(own) < 3e38]
        beside = [np.nextafter(own, np.float32(side)) for side in (-np.inf, np.inf)]
        columns.append(rng.choice(np.concatenate([own, *beside, np.tile(ends, 20), raw[:, feature]]), 4_000))
    return np.concatenate([raw, np.column_stack(columns)])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "classes"),
    [*((name, 2) for name in ESTIMATORS), *((name, 3) for name in ESTIMATORS if name not in ("boosting", "linear"))],
)
def test_raw_trees_say_what_the_estimator_says_of_scaled_players(name, classes, kind):
    raw, labels = players()
    labels = labels if classes == 3 else np.where(labels == RARE, RARE, 0)
    scaler, estimator = fitted(ESTIMATORS[name], kind, labels, raw)
    assert scaler.indicators == (0, 3)
    trees = part_of(Fitted(name, estimator, RARE), scaler)
    asked = probes(trees, raw)
    np.testing.assert_allclose(risk(trees, asked), expected(estimator, scaler, asked, RARE), atol=ATOL)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["extra_trees", "boosting"])
def test_any_player_is_scored_as_by_the_estimator(name, kind):
    raw, labels = players()
    scaler, estimator = fitted(ESTIMATORS[name], kind, labels == RARE, raw)
    trees = part_of(Fitted(name, estimator, True), scaler)

    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(arrays(np.float32, (20, raw.shape[1]), elements=st.floats(width=32, allow_infinity=False)))
    def holds(rows):
        np.testing.assert_allclose(risk(trees, rows), expected(estimator, scaler, rows, True), atol=ATOL)

    holds()


@pytest.mark.parametrize("name", ["extra_trees", "boosting"])
def test_the_first_class_may_be_the_rare_one(name):
    raw, labels = players()
    scaler, estimator = fitted(ESTIMATORS[name], "quantile_normal", np.where(labels == RARE, 0, 1), raw)
    trees = part_of(Fitted(name, estimator, 0), scaler)
    np.testing.assert_allclose(risk(trees, raw), expected(estimator, scaler, raw, 0), atol=ATOL)


@pytest.mark.parametrize("name", ["extra_trees", "boosting"])
def test_an_inner_nodes_value_is_the_mean_of_what_lies_below(name):
    """Each row counts as in training: by its weight in forests, once in boosting."""
    raw, labels = players()
    is_rare = labels == RARE
    scaler, estimator = fitted(ESTIMATORS[name], "quantile_normal", is_rare, raw)
    trees = part_of(Fitted(name, estimator, True), scaler)
    weights = np.where(is_rare, 1 / is_rare.mean(), 1 / (~is_rare).mean()) if name == "extra_trees" else np.ones(ROWS)
    for root in trees.roots:
        node = np.full(ROWS, root)
        passed = [node]
        while (trees.feature[node] >= 0).any():
            value = raw[np.arange(ROWS), trees.feature[node]]
            goes_left = np.where(np.isnan(value), trees.missing_left[node], value <= trees.threshold[node])
            node = np.where(goes_left, trees.left[node], trees.right[node])
            passed.append(node)
        for inner in np.unique(passed[:-1]):
            below = (np.array(passed) == inner).any(axis=0)
            mean = np.average(trees.values[node][below], weights=weights[below])
            np.testing.assert_allclose(trees.values[inner], mean, atol=1e-5)


def test_a_forest_keeps_no_splits_that_tell_only_harmless_classes_apart():
    raw, labels = players()
    scaler, estimator = fitted(ESTIMATORS["extra_trees"], "quantile_normal", labels, raw)
    trees = part_of(Fitted("extra_trees", estimator, RARE), scaler)
    assert len(trees.values) < sum(tree.tree_.node_count for tree in estimator.estimators_)
    splits = trees.feature >= 0
    last = splits & ~splits[trees.left] & ~splits[trees.right]
    assert (trees.values[trees.left[last]] != trees.values[trees.right[last]]).all()


def test_splits_that_part_nobody_are_carried_over():
    """A threshold below all scaled values sends every player right, one above them every player left."""
    raw, labels = players()
    scaler, estimator = fitted(ESTIMATORS["tree"], "quantile_normal", labels == RARE, raw)
    for threshold in (-50.0, 50.0):
        state = estimator.tree_.__getstate__()
        state["nodes"]["threshold"][::2] = threshold
        estimator.tree_.__setstate__(state)
        trees = part_of(Fitted("tree", estimator, True), scaler)
        asked = probes(trees, raw)
        np.testing.assert_allclose(risk(trees, asked), expected(estimator, scaler, asked, True), atol=ATOL)


LIGHTGBM = {
    "plain": {},
    "weighted": {"class_weight": "balanced", "num_leaves": 60, "min_child_samples": 1},
    "a_single_leaf": {"min_child_samples": 2 * ROWS},
    "dart": {"boosting_type": "dart"},
}


@pytest.mark.slow  # with `make bench` only
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", LIGHTGBM)
def test_lightgbm_is_carried_over(options, kind):
    lightgbm = pytest.importorskip("lightgbm")
    raw, labels = players()
    given = lightgbm.LGBMClassifier(n_estimators=40, n_jobs=1, verbose=-1, **LIGHTGBM[options])
    scaler, estimator = fitted(given, kind, labels == RARE, raw)
    for rare in (True, False):
        trees = part_of(Fitted("lightgbm", estimator, rare), scaler)
        asked = probes(trees, raw)
        np.testing.assert_allclose(risk(trees, asked), expected(estimator, scaler, asked, rare), atol=ATOL)


@pytest.mark.slow  # with `make bench` only
@pytest.mark.parametrize(
    "options",
    [
        {"boosting_type": "rf", "subsample": 0.5, "subsample_freq": 1},
        {"linear_tree": True},
        {"objective": "cross_entropy"},
        {"zero_as_missing": True},
    ],
)
def test_other_sums_of_lightgbm_are_refused(options):
    lightgbm = pytest.importorskip("lightgbm")
    raw, labels = players()
    scaler, estimator = fitted(
        lightgbm.LGBMClassifier(n_estimators=3, n_jobs=1, verbose=-1, **options),
        "quantile_normal",
        (labels == RARE).astype(int),
        raw,
    )
    with pytest.raises(DataProblem, match="'lightgbm' cannot be stored as plain arrays"):
        part_of(Fitted("lightgbm", estimator, 1), scaler)


class Moderate(ExtraTreesClassifier):
    """Trees whose answer is not what their leaves say."""

    def predict_proba(self, X):
        return (super().predict_proba(X) + 0.5) / 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_class_that_answers_otherwise_than_its_trees_is_refused(kind):
    raw, labels = players()
    scaler, estimator = fitted(Moderate(n_estimators=5, random_state=0), kind, labels == RARE, raw)
    with pytest.raises(DataProblem, match=r"expected arrays that give the risk of predict_proba, got another one by 0"):
        part_of(Fitted("mine", estimator, True), scaler)


@pytest.mark.parametrize(
    "estimator",
    [
        make_pipeline(StandardScaler(), DecisionTreeClassifier()),
        GradientBoostingClassifier(n_estimators=2),
        HistGradientBoostingClassifier(max_iter=2),
        HistGradientBoostingClassifier(max_iter=2, categorical_features=[5]),
    ],
    ids=["pipeline", "other boosting", "many classes", "categories"],
)
def test_what_is_no_plain_tree_is_refused(estimator):
    raw, labels = players()
    raw = np.nan_to_num(raw)
    labels = labels == RARE if getattr(estimator, "categorical_features", None) == [5] else labels
    scaler = fit_scaler(raw, Scaling(kind="quantile_normal"))
    inputs = scaler.apply(raw)
    inputs[:, 5] = raw[:, 5]
    estimator.fit(inputs, labels)
    with pytest.raises(DataProblem, match=r"'mine' cannot be stored as plain arrays .* under evaluate\.rivals"):
        part_of(Fitted("mine", estimator, RARE), scaler)
