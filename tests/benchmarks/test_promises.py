"""The figures of the benchmarks of prevalence and promises, on scores made by hand."""

import numpy as np
import pytest
from held_out import Trained, trainings
from prevalence import adjusted_count, balanced_of_best, factor
from promises import excess_of_limit, least_flagged, measured, summed_up

from scarcegan.evaluation.records import Promise
from scarcegan.evaluation.scored import Scored
from scarcegan.settings import load

FOLDS, PLAYERS = 3, 6_000


@pytest.fixture
def trained():
    """Three folds whose scores find one risky player in a hundred well, and 1,500 test players beside 4,500 others."""
    rng = np.random.default_rng(1)
    risky = rng.random(PLAYERS) < 0.01
    scores = 1 / (1 + np.exp(3 - 4 * risky - rng.normal(size=(FOLDS, PLAYERS))))
    test = np.arange(PLAYERS) < 1_500
    labels = np.where(risky & ~test & (rng.random(PLAYERS) < 0.7), 3, -1)
    labels[~risky & ~test & (rng.random(PLAYERS) < 0.2)] = 0
    fold = np.where(test, -1, np.arange(PLAYERS) % (FOLDS + 1))
    fold[(fold == FOLDS) & (labels >= 0)] = 0
    unlabeled = float(np.count_nonzero((labels == -1) & ~test))
    return Trained(
        "simulated",
        load({"seed": 5}),
        scores,
        scores.mean(axis=0),
        labels,
        risky.astype(int),
        fold,
        unlabeled,
        float(risky[~test].mean()),
    )


def test_every_promise_of_a_training_is_measured_on_its_test_players(trained):
    rows = list(measured(trained))
    assert [row["definition"] for row in rows] == ["recall_first", "precision_first", "review_budget"]
    recall, precision, budget = rows
    assert (recall["promised"], precision["promised"], budget["promised"]) == (True, False, True)
    assert recall["kept"] == (recall["value"] >= 0.85)
    figures = summed_up(rows, "promises.")
    assert figures["promises.kept_share"] == np.mean([recall["kept"], budget["kept"]])
    assert figures["promises.excess_flagged"] == recall["excess"] >= 1
    assert figures["promises.excess_of_limit"] == recall["excess_of_limit"] > 1
    assert figures["promises.budget_ratio"] == pytest.approx(budget["flagged"] / 0.01)


def test_the_least_flagged_is_where_the_recall_is_just_reached():
    score = np.arange(10, 0, -1) / 10
    scored = Scored(score, np.isin(np.arange(10), [0, 3, 5, 9]), np.ones(10, bool))
    assert least_flagged(scored, 0.5) == 0.4
    assert least_flagged(scored, 0.75) == 0.6


def test_what_an_exact_limit_costs_falls_with_the_number_of_labels():
    rng = np.random.default_rng(3)
    risky = np.arange(20_000) < 400
    scored = Scored(rng.normal(2.5 * risky), risky, np.ones(20_000, bool))
    promise = Promise("recall", 0.85, 0.9)
    few, more, many = (excess_of_limit(scored, promise, labelled) for labelled in (20, 80, 2_000))
    assert few > more > many > 1
    assert many < 1.2
    assert excess_of_limit(scored, promise, 10) is None


def test_the_estimate_and_the_best_f2_are_set_beside_the_truth(trained):
    found = trained.estimate()
    assert found.low <= trained.prevalence <= found.high
    assert 0.5 < balanced_of_best(trained) <= 1
    assert factor(0.02, 0.01) == factor(0.005, 0.01) == 2


def test_adjusted_count_recovers_a_planted_share():
    rng = np.random.default_rng(2)
    hidden = rng.random(20_000) < 0.05
    found = adjusted_count(rng.normal(3, 1, 300), rng.normal(0, 1, 3_000), rng.normal(3 * hidden, 1))
    assert found == pytest.approx(0.05, rel=0.2)


def test_a_stored_training_is_read_again(tmp_path, monkeypatch):
    names = []

    def train(path, settings):
        names.append(path.name)
        arrays = {"scores": np.zeros((3, 4)), "labels": np.array([3, 0, -1, -1]), "truth": np.array([1, 0, 0, 1])}
        np.savez(path, **arrays, final=np.zeros(4), fold=np.array([0, 1, 2, -1]), unlabeled=1.0)

    monkeypatch.setattr("held_out._train", train)
    first, again = (next(trainings(["simulated"], [101], tmp_path)) for _ in range(2))
    assert len(names) == 1
    assert first.prevalence == again.prevalence == pytest.approx(1 / 3)
