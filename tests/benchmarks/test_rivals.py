"""Every rival learns from the rows it is given and repeats itself."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

rivals = pytest.importorskip("rivals", reason="the bench extra is missing: run `make bench`")

pytestmark = pytest.mark.slow  # with `make bench` only
RIVALS, Rows = rivals.RIVALS, rivals.Rows

RARE = 2


def players(rng, n):
    classes = rng.choice(RARE + 1, size=n, p=[0.5, 0.4, 0.1])
    features = rng.normal(size=(n, 5)).astype(np.float32)
    features[classes == RARE, 1] += 3
    features[classes == 1, 2] += 1
    return features, classes


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(4)
    labeled, labels = players(rng, 300)
    return Rows(labeled, labels, players(rng, 600)[0], RARE, seed=5, members=2)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    for name, value in {"TREES": 20, "BAGS": 20, "SAMPLE": 400, "SPREAD_SAMPLE": 300}.items():
        monkeypatch.setattr(rivals, name, value)


@pytest.mark.parametrize("name", RIVALS)
def test_rival_finds_rare_rows_it_has_not_seen_and_repeats_itself(name, rows):
    if not rivals.is_installed(name):
        pytest.skip("the neural rivals are missing: run `make bench-neural`")
    features, classes = players(np.random.default_rng(9), 1_000)
    scores = [RIVALS[name](rows)(features) for _ in range(2)]
    assert scores[0].shape == (1_000,)
    np.testing.assert_array_equal(*scores)
    assert average_precision_score(classes == RARE, scores[0]) > 0.5


def test_there_are_more_than_ten_rivals():
    assert len(RIVALS) >= 11


def test_vote_is_the_mean_of_three_unlike_rivals(rows):
    features = players(np.random.default_rng(9), 200)[0]
    voters = [RIVALS[name](rows)(features) for name in ("extra_trees", "histogram_boosting", "logistic")]
    np.testing.assert_allclose(RIVALS["voting"](rows)(features), np.mean(voters, axis=0))


SEMI_SUPERVISED = [
    "extra_trees_unlabeled",
    "lightgbm_unlabeled_negative",
    "self_training",
    "elkan_noto",
    "pu_bagging",
    "xgbod",
    "label_spreading",
]


@pytest.mark.parametrize("name", SEMI_SUPERVISED)
def test_semi_supervised_rivals_look_at_the_unlabelled_rows(name, rows):
    features = players(np.random.default_rng(9), 200)[0]
    elsewhere = Rows(rows.labeled, rows.labels, rows.unlabeled + 2, RARE, rows.seed, rows.members)
    assert not np.array_equal(RIVALS[name](rows)(features), RIVALS[name](elsewhere)(features))


def test_sample_of_unlabelled_rows_is_theirs_and_no_larger_than_asked(rows):
    sample = rows.some_unlabeled(50)
    assert len(sample) == 50
    assert all((rows.unlabeled == row).all(axis=1).any() for row in sample)
    assert rows.some_unlabeled(10_000) is rows.unlabeled
