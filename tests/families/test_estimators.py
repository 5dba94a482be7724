"""Estimators with scikit-learn's protocol: what they are given, what they may answer, and what is said of others."""

import importlib
import sys
from types import ModuleType

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.metrics import roc_auc_score

from scarcegan.families.estimators import fit_estimator
from scarcegan.problems import DataProblem
from scarcegan.settings import load
from scarcegan.settings.estimators import BUILT_IN, Estimator

RARE = 2


def players(rng, n):
    labels = rng.choice([-1, 0, 1, RARE], size=n, p=[0.4, 0.25, 0.25, 0.1])
    features = rng.normal(size=(n, 4)).astype(np.float32)
    features[labels == RARE, 1] += 2.5
    features[labels == 1, 2] += 1
    return features, labels


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def built_in(name):
    chosen = BUILT_IN[name]
    trees = {"n_estimators": 30} if "n_estimators" in chosen.parameters else {}
    return chosen.model_copy(update={"parameters": {**chosen.parameters, **trees}})


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_built_in_estimator_learns_the_rare_class_and_repeats_itself(rng, name):
    features, labels = players(rng, 400)
    fresh, truth = players(rng, 400)
    risks = [fit_estimator(built_in(name), features, labels, RARE, seed=3).risk(fresh) for _ in range(2)]
    assert roc_auc_score(truth == RARE, risks[0]) > 0.85
    assert risks[0].min() >= 0
    assert risks[0].max() <= 1
    assert (risks[0] == risks[1]).all()


@pytest.mark.parametrize("name", BUILT_IN)
def test_unlabelled_rows_teach_those_that_take_them_for_negatives_and_no_others(rng, name):
    features, labels = players(rng, 300)
    changed = features.copy()
    changed[labels == -1] = 99.0
    risks = [fit_estimator(built_in(name), rows, labels, RARE, seed=3).risk(features) for rows in (features, changed)]
    assert (risks[0] == risks[1]).all() == (BUILT_IN[name].unlabeled == "left_out")


def test_an_unlabelled_row_counts_as_harmless(rng):
    features, labels = players(rng, 400)
    # Where only unlabelled rows lie, nothing else speaks against risk.
    features[labels == -1] = [0, 9, 0, 0]
    fitted = fit_estimator(built_in("extra_trees_unlabeled"), features, labels, RARE, seed=3)
    asked = np.array([[0, 9, 0, 0], [0, 3, 0, 0]], np.float32)
    assert fitted.risk(asked)[0] < 0.1 < 0.5 < fitted.risk(asked)[1]


def test_the_rare_column_is_found_when_a_negative_class_is_missing(rng):
    features, labels = players(rng, 400)
    kept = labels != 0
    fitted = fit_estimator(built_in("logistic_regression"), features[kept], labels[kept], RARE, seed=3)
    assert roc_auc_score(labels == RARE, fitted.risk(features)) > 0.85


@pytest.mark.parametrize("labels", [[0, 1, -1, 0], [RARE, RARE, -1, RARE]])
def test_one_sided_labels_are_refused_before_training(labels):
    with pytest.raises(DataProblem, match="labelled players of the rare class and of others"):
        fit_estimator(built_in("extra_trees"), np.zeros((4, 2)), np.array(labels), RARE, seed=0)


class Prior(BaseEstimator):
    """An estimator as somebody else may write it; it notes what y it was given."""

    seen: list

    def __init__(self, shape=None, value=0.3, random_state=None):
        self.shape, self.value, self.random_state = shape, value, random_state

    def fit(self, X, y):
        Prior.seen = sorted(set(y.tolist()))
        self.classes_ = np.array([label for label in Prior.seen if label >= 0])
        return self

    def predict_proba(self, X):
        return np.full(self.shape or (len(X), len(self.classes_)), self.value)


class Learner(Prior):
    learns_from_unlabeled = True


@pytest.fixture
def fit(rng, monkeypatch):
    """Train an estimator of the module `mine` and score a few players."""
    module = ModuleType("mine")
    vars(module).update(Prior=Prior, Learner=Learner)
    monkeypatch.setitem(sys.modules, "mine", module)
    features, labels = players(rng, 60)

    def trained(path="mine:Prior", parameters=(), **how):
        chosen = Estimator(name="mine", path=path, parameters=dict(parameters), **how)
        return fit_estimator(chosen, features, labels, RARE, seed=3), features[:5]

    return trained


@pytest.mark.parametrize(
    ("how", "seen"),
    [
        ({}, [0, 1]),
        ({"target": "classes"}, [0, 1, RARE]),
        ({"unlabeled": "negatives"}, [0, 1]),
        ({"unlabeled": "marked"}, [-1, 0, 1]),
        ({"unlabeled": "marked", "target": "classes"}, [-1, 0, 1, RARE]),
        ({"path": "mine:Learner"}, [-1, 0, 1]),
    ],
)
def test_y_is_what_the_configuration_or_the_class_asks_for(fit, how, seen):
    fit(**how)
    assert Prior.seen == seen


def test_the_runs_seed_is_the_random_state_unless_the_parameters_say_another(fit):
    assert fit()[0].model.random_state == 3
    assert fit(parameters={"random_state": 8})[0].model.random_state == 8


@pytest.mark.parametrize(
    ("path", "parameters", "message"),
    [
        ("nowhere.to_be:Found", {}, "expected 'nowhere.to_be:Found' of 'mine' to be installed.*No module named"),
        ("mine:Nobody", {}, "expected 'mine:Nobody' of 'mine' to be installed, got AttributeError.*no attribute"),
        ("mine:Prior", {"depth": 3}, "these parameters, got .*'depth'"),
        ("sklearn.svm:LinearSVC", {"C": -1.0}, r"expected fit\(X, y\) that sets classes_, got InvalidParameterError"),
    ],
)
def test_a_class_that_cannot_be_made_or_trained_is_named_with_what_to_do(fit, path, parameters, message):
    with pytest.raises(DataProblem, match=f"{message}(.|\n)*take it off train.families and evaluate.rivals"):
        fit(path, parameters)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"shape": [5, 3]}, r"expected predict_proba to return \[5, 2\], got \[5, 3\]"),
        ({"value": float("nan")}, "expected finite probabilities, got 5 NaN or infinite"),
        ({"value": 1.5}, "expected probabilities from 0 to 1, got 1.5 to 1.5"),
    ],
)
def test_answers_that_break_the_protocol_are_refused(fit, parameters, message):
    fitted, asked = fit(parameters=parameters)
    with pytest.raises(DataProblem, match=f"'mine' breaks scikit-learn's protocol: {message}"):
        fitted.risk(asked)


def test_whatever_a_foreign_class_raises_becomes_one_message(fit, monkeypatch):
    def fails(*anything, **more):
        raise OSError("libgomp.so.1: cannot open shared object file")

    fitted, asked = fit()
    monkeypatch.setattr(Prior, "predict_proba", fails)
    with pytest.raises(DataProblem, match=r"expected predict_proba\(X\) of any players, got OSError: libgomp"):
        fitted.risk(asked)
    monkeypatch.setattr(Prior, "__init__", fails)
    with pytest.raises(DataProblem, match="that takes these parameters, got OSError: libgomp"):
        fit()
    monkeypatch.setattr(importlib, "import_module", fails)
    with pytest.raises(DataProblem, match="expected 'mine:Prior' of 'mine' to be installed, got OSError: libgomp"):
        fit()


def test_families_and_rivals_are_named_in_the_configuration():
    mine = {"name": "boosted", "path": "lightgbm:LGBMClassifier", "parameters": {"n_estimators": 50}}
    settings = load({"estimators": [mine], "train": {"families": ["linear", "boosted"]}})
    assert list(settings.families) == ["linear", "boosted"]
    assert settings.families["boosted"].parameters == {"n_estimators": 50}
    assert list(load({}).rivals) == list(load({}).evaluate.rivals)
