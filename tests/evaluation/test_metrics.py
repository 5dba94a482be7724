import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from scarcegan.evaluation import metrics
from scarcegan.evaluation.scored import Scored


def everybody(score, is_risky):
    return Scored(np.asarray(score, dtype=float), np.asarray(is_risky, dtype=bool), np.ones(len(score), dtype=bool))


def recall_at(scored, share):
    return metrics.recall_at_shares(metrics.curve(scored), np.array([[share]]))[0, 0]


def test_average_precision_and_roc_auc_of_ten_players_by_hand(ten_players):
    points = metrics.curve(ten_players)
    # risky at ranks 1, 3, 8: precision 1/1, 2/3, 3/8 there; 7, 6 and 2 harmless players below them
    assert metrics.average_precision(points)[0] == pytest.approx((1 + 2 / 3 + 3 / 8) / 3)
    assert metrics.roc_auc(points)[0] == pytest.approx((7 + 6 + 2) / 21)


def test_recall_at_shares_of_ten_players_by_hand(ten_players):
    recall = [recall_at(ten_players, share) for share in (0.1, 0.2, 0.3, 0.75, 0.8, 1.0)]
    # at 7.5 of 10 flagged, half of the risky player at rank 8 is
    assert recall == pytest.approx([1 / 3, 1 / 3, 2 / 3, 2.5 / 3, 1, 1])


def test_at_a_threshold_precision_is_true_positives_over_flagged(ten_players):
    at = metrics.at_threshold(ten_players, 0.7)
    assert at.recall[0] == pytest.approx(2 / 3)
    assert at.flagged_share[0] == pytest.approx(4 / 10)
    assert at.precision[0] == pytest.approx(2 / 4)
    assert at.f2[0] == pytest.approx(5 * 0.5 * (2 / 3) / (4 * 0.5 + 2 / 3))


def test_flagging_nobody_is_precision_zero_not_a_division_by_zero(ten_players):
    at = metrics.at_threshold(ten_players, 2.0)
    assert [figure[0] for figure in at] == [0, 0, 0, 0]


def test_labelled_risky_players_beside_the_population_use_the_prevalence(labelled_apart):
    at = metrics.at_threshold(labelled_apart, 0.55)
    # 3 of 4 risky, 5 of 10 unlabelled at or above: 0.75 x 0.2 / 0.5
    assert (at.recall[0], at.flagged_share[0]) == (0.75, 0.5)
    assert at.precision[0] == pytest.approx(0.3)
    points = metrics.curve(labelled_apart)
    # flagged before the four: 1, 3, 5, 10 of 10
    precision = [0.25 * 0.2 / 0.1, 0.5 * 0.2 / 0.3, 0.75 * 0.2 / 0.5, 1 * 0.2 / 1]
    assert metrics.average_precision(points)[0] == pytest.approx(sum(precision) / 4)
    assert metrics.roc_auc(points)[0] == pytest.approx((9 + 7 + 5 + 0) / 40)
    assert recall_at(labelled_apart, 0.3) == 0.5


def test_estimated_precision_never_exceeds_one(labelled_apart):
    top = Scored(labelled_apart.score + labelled_apart.is_risky, labelled_apart.is_risky,
                 labelled_apart.in_population, 0.2)  # fmt: skip
    assert metrics.average_precision(metrics.curve(top))[0] == 1
    assert metrics.at_threshold(top, 1.0).precision[0] == 1


def test_equal_scores_rank_at_random_and_one_risky_player_is_enough():
    flat, one = everybody(np.full(8, 0.5), np.arange(8) < 2), everybody([0.9, 0.8, 0.7], [0, 1, 0])
    for scored, precision in ((flat, 0.25), (one, 0.5)):
        assert metrics.average_precision(metrics.curve(scored))[0] == pytest.approx(precision)
        assert metrics.roc_auc(metrics.curve(scored))[0] == pytest.approx(0.5)
    assert recall_at(flat, 0.1) == pytest.approx(0.1)


tied_players = st.lists(st.tuples(st.integers(0, 6), st.booleans(), st.integers(0, 3)), min_size=2, max_size=40).filter(
    lambda rows: any(risky and drawn for _, risky, drawn in rows) and any(not risky and n for _, risky, n in rows)
)


@settings(deadline=None)
@given(tied_players)
def test_weighted_and_tied_players_agree_with_scikit_learn(rows):
    score, is_risky, drawn = (np.array(column) for column in zip(*rows, strict=True))
    points = metrics.curve(everybody(score, is_risky), drawn[None].astype(np.uint8))
    expected = average_precision_score(is_risky, score, sample_weight=drawn)
    assert metrics.average_precision(points)[0] == pytest.approx(expected)
    assert metrics.roc_auc(points)[0] == pytest.approx(roc_auc_score(is_risky, score, sample_weight=drawn))


def test_a_weight_of_two_is_the_same_as_the_player_twice(rng, labelled_apart):
    drawn = rng.integers(1, 4, len(labelled_apart)).astype(np.uint8)
    rows = np.repeat(np.arange(len(labelled_apart)), drawn)
    copies = Scored(labelled_apart.score[rows], labelled_apart.is_risky[rows], labelled_apart.in_population[rows], 0.2)
    weighted, copied = metrics.curve(labelled_apart, drawn[None]), metrics.curve(copies)
    for measure in (metrics.average_precision, metrics.roc_auc):
        assert measure(weighted) == pytest.approx(measure(copied))
    shares = np.linspace(0.05, 1, 12)[None]
    assert metrics.recall_at_shares(weighted, shares) == pytest.approx(metrics.recall_at_shares(copied, shares))
    at, at_copies = metrics.at_threshold(labelled_apart, 0.5, drawn[None]), metrics.at_threshold(copies, 0.5)
    assert np.array(at) == pytest.approx(np.array(at_copies))


def test_many_resamples_at_once_equal_one_at_a_time(rng):
    scored = everybody(rng.random(300).round(2), rng.random(300) < 0.1)
    weights = rng.poisson(1, (19, 300)).astype(np.uint8)
    together = metrics.average_precision(metrics.curve(scored, weights))
    assert together.tolist() == [metrics.average_precision(metrics.curve(scored, one[None]))[0] for one in weights]
