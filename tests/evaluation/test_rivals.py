from typing import get_args

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from scarcegan.evaluation.rivals import train_rival
from scarcegan.problems import DataProblem
from scarcegan.settings import load
from scarcegan.settings.model_sections import RivalName

RARE = 2


def players(rng, n):
    labels = rng.choice([-1, 0, 1, RARE], size=n, p=[0.4, 0.25, 0.25, 0.1])
    features = rng.normal(size=(n, 4)).astype(np.float32)
    features[labels == RARE, 1] += 2.5
    features[labels == 1, 2] += 1
    return features, labels


@pytest.fixture
def few_trees(monkeypatch):
    monkeypatch.setattr("scarcegan.evaluation.rivals._TREES", 30)
    monkeypatch.setattr("scarcegan.evaluation.rivals._TREES_UNLABELED", 30)


@pytest.mark.usefixtures("few_trees")
@pytest.mark.parametrize("name", get_args(RivalName))
def test_every_rival_learns_the_rare_class_and_repeats_itself(rng, name):
    features, labels = players(rng, 400)
    fresh, truth = players(rng, 400)
    scores = [train_rival(name, features, labels, RARE, seed=3)(fresh) for _ in range(2)]
    assert roc_auc_score(truth == RARE, scores[0]) > 0.85
    assert scores[0].min() >= 0
    assert scores[0].max() <= 1
    assert (scores[0] == scores[1]).all()


@pytest.mark.usefixtures("few_trees")
@pytest.mark.parametrize("name", get_args(RivalName))
def test_unlabelled_rows_teach_the_rival_that_takes_them_for_negatives_and_no_other(rng, name):
    features, labels = players(rng, 300)
    changed = features.copy()
    changed[labels == -1] = 99.0
    scores = [train_rival(name, rows, labels, RARE, seed=3)(features) for rows in (features, changed)]
    assert (scores[0] == scores[1]).all() == (name != "extra_trees_unlabeled")


def test_an_unlabelled_row_counts_as_harmless(rng):
    features, labels = players(rng, 400)
    # Where only unlabelled rows lie, nothing else speaks against risk.
    features[labels == -1] = [0, 9, 0, 0]
    fitted = train_rival("extra_trees_unlabeled", features, labels, RARE, seed=3)
    assert fitted(np.array([[0, 9, 0, 0]], np.float32)) < 0.1 < 0.5 < fitted(np.array([[0, 3, 0, 0]], np.float32))


def test_logistic_regression_is_shrunk_where_its_name_says_so(rng):
    features, labels = players(rng, 400)
    plain, shrunk = (
        train_rival(name, features, labels, RARE, seed=3)(features)
        for name in ("logistic_regression", "logistic_regression_shrunk")
    )
    assert np.std(shrunk) < 0.8 * np.std(plain)


def test_every_rival_is_measured_by_default():
    assert load({}).evaluate.rivals == get_args(RivalName)


def test_the_rare_column_is_found_when_a_negative_class_is_missing(rng):
    features, labels = players(rng, 400)
    kept = labels != 0
    fitted = train_rival("logistic_regression", features[kept], labels[kept], RARE, seed=3)
    assert roc_auc_score(labels == RARE, fitted(features)) > 0.85


@pytest.mark.parametrize("labels", [[0, 1, -1, 0], [RARE, RARE, -1, RARE]])
def test_one_sided_labels_are_refused_before_training(labels):
    with pytest.raises(DataProblem, match="labelled players of the rare class and of others"):
        train_rival("extra_trees", np.zeros((4, 2)), np.array(labels), RARE, seed=0)
