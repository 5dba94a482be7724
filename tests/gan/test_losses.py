import math

import numpy as np
import pytest

from scarcegan.gan import losses
from scarcegan.gan.tensorflow import tf


def columns(rows):
    """Rows [P, B, K] as the losses take them, a player in a column: [P, K, B]."""
    return tf.constant(np.swapaxes(np.array(rows, np.float32), 1, 2))


def log_of(probabilities):
    return columns(np.log(np.array(probabilities, np.float32)))


def numbers(loss):
    return loss.numpy().tolist()


def test_negatives_give_their_leeway_to_unknown_and_rare_rows_give_none():
    targets = losses.leeway_targets(np.array([0, 2, 1]), classes=3, alpha=0.7)
    expected = [[0.7, 0, 0, 0.3], [0, 0, 1, 0], [0, 0.7, 0, 0.3]]
    assert targets == pytest.approx(np.array(expected), abs=1e-6)


def test_cross_entropy_averages_rows_and_keeps_members_apart():
    log_p = log_of([[[0.5, 0.25, 0.25], [0.25, 0.5, 0.25]], [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]])
    targets = np.array([[0.7, 0.0, 0.3], [0.0, 1.0, 0.0]], np.float32)
    # first member: row 1 is -(.7 log 1/2 + .3 log 1/4) = (.7 + .6) log 2, row 2 is log 2
    assert numbers(losses.cross_entropy(log_p, targets)) == pytest.approx([2.3 * math.log(2) / 2, 0.0])


def test_cross_entropy_with_leeway_is_the_published_supervised_loss():
    p = np.array([[0.6, 0.3, 0.1], [0.2, 0.2, 0.6], [0.2, 0.7, 0.1], [0.3, 0.3, 0.4]], np.float32)
    labels, alpha = np.array([0, 1, 1, 0]), 0.7  # one negative class, the rare class, unknown
    is_rare = labels == 1
    weak = -np.mean(np.where(is_rare, 1.0, alpha) * np.log(p[np.arange(4), labels]))
    leeway = -np.mean((1 - alpha) * ~is_rare * np.log(p[:, 2]))
    targets = losses.leeway_targets(labels, 2, alpha)
    assert numbers(losses.cross_entropy(log_of(p[np.newaxis]), targets)) == pytest.approx([weak + leeway])


def test_false_positives_are_counted_in_probability():
    p_rare = tf.constant([[0.5, 0.25, 1.0, 0.75], [0.0, 0.0, 1.0, 1.0]])
    is_rare = tf.constant([0.0, 0.0, 1.0, 1.0])
    # (.5 + .25) / (1 + 2.5), and no false positive
    assert numbers(losses.soft_false_positives(p_rare, is_rare)) == pytest.approx([0.75 / 3.5, 0.0])


def test_false_positives_have_a_gradient_that_lowers_them():
    p_rare, is_rare = tf.constant([[0.5, 0.25, 0.75]]), tf.constant([0.0, 0.0, 1.0])
    with tf.GradientTape() as tape:
        tape.watch(p_rare)
        loss = losses.soft_false_positives(p_rare, is_rare)
    # d/dp of W / (1 + S): (1 + S - W) / (1 + S)^2 on negatives, -W / (1 + S)^2 on rare rows; S = 1.5, W = .75
    assert numbers(tape.gradient(loss, p_rare))[0] == pytest.approx([1.75 / 6.25, 1.75 / 6.25, -0.75 / 6.25])


def test_the_rarity_prior_charges_the_rare_class_alone():
    log_p = log_of([[[0.5, 0.25, 0.25], [0.125, 0.5, 0.375]]])
    expected = -(math.log(0.75) + math.log(0.5)) / 2
    assert numbers(losses.rarity_prior(log_p, rare=1, taught=tf.zeros((1, 2)))) == pytest.approx([expected])


def test_what_the_teacher_thinks_is_the_priors_target():
    log_p = log_of([[[0.5, 0.25, 0.25], [0.125, 0.5, 0.375]]])
    expected = -(0.8 * math.log(0.25) + 0.2 * math.log(0.75) + 0.1 * math.log(0.5) + 0.9 * math.log(0.5)) / 2
    assert numbers(losses.rarity_prior(log_p, rare=1, taught=tf.constant([[0.8, 0.1]]))) == pytest.approx([expected])


def test_the_rarity_prior_stays_finite_where_the_rare_class_is_certain():
    log_p = columns(tf.nn.log_softmax([[[0.0, 90.0, 0.0]]]))
    assert numbers(losses.rarity_prior(log_p, rare=1, taught=tf.zeros((1, 1)))) == pytest.approx([90.0 - math.log(2)])


def test_unlabelled_rows_are_known_by_alpha_and_unknown_by_the_rest():
    log_p = log_of([[[0.5, 0.25, 0.25], [0.25, 0.25, 0.5]]])
    expected = -(0.7 * math.log(0.75) + 0.3 * math.log(0.25) + 0.7 * math.log(0.5) + 0.3 * math.log(0.5)) / 2
    assert numbers(losses.known_or_unknown(log_p, 0.7)) == pytest.approx([expected])


@pytest.mark.parametrize(
    ("is_real", "expected"), [(1.0, [math.log(2), math.log(4)]), (0.0, [math.log(2), math.log(4 / 3)])]
)
def test_one_logit_tells_real_from_generated(is_real, expected):
    logit = columns([[[0.0], [0.0]], [[-math.log(3)], [-math.log(3)]]])  # p_real 1/2 and 1/4
    assert numbers(losses.real_or_generated(logit, is_real)) == pytest.approx(expected)


def test_feature_matching_compares_means_not_rows():
    generated = columns([[[1.0, 5.0], [3.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]])
    real = columns([[[2.0, 3.0], [2.0, 3.0]], [[1.0, -3.0], [0.0, 0.0]]])
    assert numbers(losses.feature_matching(generated, real)) == pytest.approx([0.0, (0.5 + 1.5) / 2])


def test_pull_away_per_row_is_the_mean_squared_cosine():
    rows = np.array([[3.0, 4.0], [10.0, 0.0], [0.0, 2.0]], np.float32)
    # cosines .6, .8 and 0, each pair counted twice
    expected = 2 * (0.6**2 + 0.8**2 + 0.0) / (3 * 2)
    assert numbers(losses.pull_away(columns(rows[np.newaxis]), per_row=True)) == pytest.approx([expected])


def test_pull_away_per_row_is_1_when_all_generated_rows_are_alike_whatever_their_number():
    for batch in (2, 32):
        alike = tf.ones((1, batch, 5)) * tf.range(1.0, batch + 1)[:, tf.newaxis]
        assert numbers(losses.pull_away(columns(alike), per_row=True)) == pytest.approx([1.0], rel=1e-5)


def test_pull_away_over_the_batch_is_divided_by_the_squared_norm_of_all_rows():
    rows = np.array([[3.0, 4.0], [10.0, 0.0], [0.0, 2.0]], np.float32)
    products = rows @ rows.T / np.sum(rows**2)
    expected = (np.sum(products**2) - np.sum(np.diag(products) ** 2)) / (3 * 2)
    assert numbers(losses.pull_away(columns(rows[np.newaxis]), per_row=False)) == pytest.approx([expected])


def test_pull_away_over_the_batch_never_passes_the_published_bound():
    bound = 1 / (32 * 31)
    alike = losses.pull_away(tf.ones((1, 8, 32)), per_row=False).numpy()[0]
    varied = losses.pull_away(tf.constant(np.random.default_rng(0).normal(size=(1, 8, 32)), tf.float32), per_row=False)
    # rows all alike reach 31/32 of it: the diagonal is left out
    assert alike == pytest.approx(bound * 31 / 32, rel=1e-4)
    assert 0 < varied.numpy()[0] < bound


def test_pull_away_needs_two_rows():
    with pytest.raises(ValueError, match=r"expected at least 2, got 1; raise train\.batch"):
        losses.pull_away(tf.ones((1, 3, 1)), per_row=True)
