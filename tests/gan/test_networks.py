import numpy as np
import pytest

from scarcegan.gan.networks import (
    SLOPE,
    THRESHOLDS,
    Architecture,
    generate,
    initial_weights,
    supervised_log_probabilities,
    trunk_features,
    unsupervised_logits,
)
from scarcegan.gan.tensorflow import tf
from scarcegan.settings import Model


def architecture(variant="full", thresholds=0):
    model = Model(trunk=(6, 5), generator=(5, 7), noise=3, variant=variant, thresholds=thresholds)
    return Architecture(model, features=4, classes=3, low=-2.0, high=1.0)


def constants(weights):
    return {name: tf.constant(value) for name, value in weights.items()}


@pytest.mark.parametrize(
    ("variant", "supervised", "unsupervised"),
    [("full", 4, 3), ("without_bad_generator", 4, 3), ("without_leeway", 3, 1), ("vanilla", 3, 1)],
)
def test_only_variants_with_leeway_have_an_unknown_output(variant, supervised, unsupervised):
    shapes = architecture(variant).shapes()
    assert shapes["supervised/0/weights"] == (5, supervised)
    assert shapes["unsupervised/0/weights"] == (5, unsupervised)


def test_a_member_starts_the_same_alone_and_in_company():
    company, alone = initial_weights(architecture(), (4, 9)), initial_weights(architecture(), (9,))
    assert all(np.array_equal(company[name][1], alone[name][0]) for name in alone)
    assert not np.array_equal(company["trunk/0/weights"][0], company["trunk/0/weights"][1])


def test_weights_start_within_glorots_bound_with_zero_biases_and_unit_scales():
    weights = initial_weights(architecture(), (4,))
    bound = np.sqrt(6 / (4 + 6))
    assert 0.5 * bound < np.abs(weights["trunk/0/weights"]).max() <= bound
    assert not weights["trunk/0/bias"].any()
    assert (weights["generator/1/scale"] == 1).all()


def test_members_see_steps_where_each_drew_its_thresholds():
    weights = initial_weights(architecture(thresholds=2), (4, 9))
    thresholds = weights[THRESHOLDS]
    assert thresholds.shape == (2, 1, 8)
    assert not np.array_equal(thresholds[0], thresholds[1])
    rows = np.random.default_rng(0).normal(size=(2, 6, 4)).astype(np.float32)
    repeated = np.concatenate([rows, rows], axis=2)
    seen = np.concatenate([rows, np.clip(2 * (repeated - thresholds), -1, 1)], axis=2)
    as_features = {name: value for name, value in weights.items() if name != THRESHOLDS}
    expected = trunk_features(constants(as_features), tf.constant(seen.astype(np.float32)))
    np.testing.assert_allclose(trunk_features(constants(weights), tf.constant(rows)), expected, atol=1e-6)


def test_one_batch_of_rows_serves_all_members_with_steps():
    weights = constants(initial_weights(architecture(thresholds=1), (4, 9)))
    rows = np.random.default_rng(0).normal(size=(1, 6, 4)).astype(np.float32)
    twice = trunk_features(weights, tf.constant(np.repeat(rows, 2, axis=0)))
    np.testing.assert_array_equal(trunk_features(weights, tf.constant(rows)), twice)


def test_each_member_is_a_plain_dense_network_with_leaky_rectifiers():
    weights = initial_weights(architecture(), (4, 9))
    rows = np.random.default_rng(0).normal(size=(2, 6, 4)).astype(np.float32)
    features = trunk_features(constants(weights), tf.constant(rows))
    for member in range(2):
        hidden = rows[member]
        for layer in ("trunk/0", "trunk/1"):
            hidden = hidden @ weights[f"{layer}/weights"][member] + weights[f"{layer}/bias"][member].T
            hidden = np.where(hidden > 0, hidden, SLOPE * hidden)
        assert features[member].numpy() == pytest.approx(hidden.T, abs=1e-6)
    log_p = supervised_log_probabilities(constants(weights), features).numpy()
    assert np.exp(log_p).sum(axis=1) == pytest.approx(np.ones((2, 6)), abs=1e-6)
    assert unsupervised_logits(constants(weights), features).shape == (2, 3, 6)


def test_dropout_masks_apply_to_their_own_layer():
    weights = constants(initial_weights(architecture(), (4,)))
    rows = tf.random.stateless_normal((1, 6, 4), (1, 2))
    masks = [None, tf.ones((1, 6, 6)), tf.concat([tf.zeros((1, 1, 6)), 2 * tf.ones((1, 4, 6))], axis=1)]
    kept, dropped = trunk_features(weights, rows).numpy(), trunk_features(weights, rows, masks).numpy()
    assert not dropped[:, 0].any()
    assert dropped[:, 1:] == pytest.approx(2 * kept[:, 1:])


def test_generated_rows_stay_within_the_range_of_scaled_features():
    weights = {name: value * 50 for name, value in initial_weights(architecture(), (4, 9)).items()}
    rows = generate(constants(weights), tf.random.stateless_normal((1, 3, 64), (1, 2)), architecture()).numpy()
    assert rows.shape == (2, 64, 4)
    assert rows.min() == pytest.approx(-2.0, abs=0.01)
    assert rows.max() == pytest.approx(1.0, abs=0.01)


def test_batch_norm_makes_the_generator_blind_to_shift_and_scale_of_its_first_layer():
    weights = initial_weights(architecture(), (4,))
    noise = tf.random.stateless_normal((1, 3, 64), (1, 2))
    wider = weights | {"generator/0/weights": weights["generator/0/weights"] * 100}
    expected = generate(constants(weights), noise, architecture()).numpy()
    assert generate(constants(wider), noise, architecture()).numpy() == pytest.approx(expected, abs=0.02)
