from dataclasses import replace

import numpy as np
import pytest

from scarcegan.gan import losses
from scarcegan.gan.objectives import class_pattern
from scarcegan.gan.tensorflow import tf

# By update: which networks each source's rows reach. T trunk, S supervised and U unsupervised head, G generator.
JOINT_LEEWAY = {"labeled": "TS", "unlabeled": "TSU", "noise": "TSU"}  # generated rows teach S the unknown output
JOINT_PLAIN = {"labeled": "TS", "unlabeled": "TSU", "noise": "TU"}  # no unknown output to teach
SEPARATE = ({"labeled": "TS"}, {"unlabeled": "TU"}, {"noise": "TU"})
REACHED = {
    ("corrected", "full"): (JOINT_LEEWAY, {"unlabeled": "G", "noise": "G"}),
    ("corrected", "without_leeway"): (JOINT_PLAIN, {"unlabeled": "G", "noise": "G"}),
    ("corrected", "without_bad_generator"): (JOINT_LEEWAY, {"noise": "G"}),
    ("corrected", "vanilla"): (JOINT_PLAIN, {"noise": "G"}),
    ("published", "full"): (*SEPARATE, {"labeled": "TG", "noise": "TG"}),
    ("published", "without_leeway"): (*SEPARATE, {"labeled": "TG", "noise": "TG"}),
    ("published", "without_bad_generator"): (*SEPARATE, {"noise": "TUG"}),
    ("published", "vanilla"): (*SEPARATE, {"noise": "TUG"}),
}
PREFIX = {"T": "trunk", "S": "supervised", "U": "unsupervised", "G": "generator"}


def gradients(update, weights, batch):
    """Gradients of the weights that the update may move, as the program takes them."""
    moved = {name: value for name, value in weights.items() if name.split("/")[0] in update.networks}
    with tf.GradientTape() as tape:
        tape.watch(moved)
        loss, _ = update.loss(weights | moved, batch)
    return {name: gradient.numpy() for name, gradient in tape.gradient(loss, moved).items()}


def other_rows(batch, source):
    """The same batch with other rows of one source, far enough to turn the signs of feature matching."""
    return replace(batch, **{source: -3.0 * getattr(batch, source) + 1.0})


def reached_networks(update, weights, batch, source):
    before, after = gradients(update, weights, batch), gradients(update, weights, other_rows(batch, source))
    moved = {name.split("/")[0] for name in before if np.abs(before[name] - after[name]).max() > 1e-6}
    return "".join(letter for letter, prefix in PREFIX.items() if prefix in moved)


@pytest.mark.parametrize("key", REACHED, ids="-".join)
def test_gradients_reach_each_network_from_each_of_its_sources_and_only_those(game, key):
    updates, weights, batch = game(objective=key[0], variant=key[1])
    reached = [
        {source: reached_networks(update, weights, batch, source) for source in ("labeled", "unlabeled", "noise")}
        for update in updates
    ]
    expected = [{source: step.get(source, "") for source in ("labeled", "unlabeled", "noise")} for step in REACHED[key]]
    assert reached == expected


@pytest.mark.parametrize("key", REACHED, ids="-".join)
def test_every_weight_that_may_move_gets_a_gradient_for_every_member(game, key):
    updates, weights, batch = game(objective=key[0], variant=key[1])
    for update in updates:
        for name, gradient in gradients(update, weights, batch).items():
            assert np.abs(gradient).max(axis=(1, 2)).min() > 0, name


def test_the_published_generator_step_takes_the_features_of_real_rows_as_a_fixed_target(game):
    updates, weights, batch = game(objective="published")
    with tf.GradientTape() as tape:
        tape.watch(batch.labeled)
        loss, _ = updates[-1].loss(weights, batch)
    assert tape.gradient(loss, batch.labeled) is None


def test_the_joint_loss_is_the_sum_of_its_terms(game):
    updates, weights, batch = game(alpha=0.6, unlabeled_weight=0.5, prior_weight=2.0)
    loss, figures = updates[0].loss(weights, batch)
    log_p, real, fake = heads_by_hand(weights, batch)
    labels, rare = np.arange(12) % 3, np.arange(12) % 3 == 2
    p_rare = np.exp(log_p[0][..., 2])
    supervised = -(losses.leeway_targets(labels, 3, 0.6) * log_p[0]).sum(-1).mean(-1)
    supervised += 0.4 * (p_rare * ~rare).sum(-1) / (1 + p_rare.sum(-1))
    unsupervised = -(0.6 * real[..., 0] + 0.4 * real[..., 1]).mean(-1) - fake[..., 2].mean(-1)
    p = np.exp(log_p[1])
    prior = -np.log(1 - p[..., 2]).mean(-1)
    unknown = -(0.6 * np.log(1 - p[..., 3]) + 0.4 * log_p[1][..., 3]).mean(-1) - 0.4 * log_p[2][..., 3].mean(-1)
    assert figures["discriminator_supervised_loss"].numpy() == pytest.approx(supervised, rel=1e-5)
    assert figures["discriminator_unsupervised_loss"].numpy() == pytest.approx(unsupervised, rel=1e-5)
    assert loss.numpy() == pytest.approx(supervised + 0.5 * (unsupervised + 2.0 * prior + unknown), rel=1e-5)


def test_without_unlabelled_weight_only_labels_teach(game):
    updates, weights, batch = game(unlabeled_weight=0.0)
    for source in ("unlabeled", "noise"):
        assert reached_networks(updates[0], weights, batch, source) == ""
    assert reached_networks(updates[0], weights, batch, "labeled") == "TS"


def test_the_published_losses_weigh_labels_and_generated_rows_with_alpha(game):
    updates, weights, batch = game(objective="published", alpha=0.6)
    log_p, real, fake = heads_by_hand(weights, batch)
    targets = losses.leeway_targets(np.arange(12) % 3, 3, 0.6)
    expected = [
        -(targets * log_p[0]).sum(-1).mean(-1),
        -(0.6 * real[..., 0] + 0.4 * real[..., 1]).mean(-1),
        -0.6 * fake[..., 2].mean(-1),
    ]
    for update, numbers in zip(updates, expected, strict=False):
        assert update.loss(weights, batch)[0].numpy() == pytest.approx(numbers, rel=1e-5)


@pytest.mark.parametrize("objective", ["corrected", "published"])
@pytest.mark.parametrize(("variant", "target"), [("without_bad_generator", "softmax"), ("vanilla", "logit")])
def test_a_good_generator_wants_to_be_taken_for_real(game, objective, variant, target):
    updates, weights, batch = game(objective=objective, variant=variant, alpha=0.6)
    _, _, fake = heads_by_hand(weights, batch)
    if target == "softmax":
        expected = -(0.6 * fake[..., 0] + 0.4 * fake[..., 1]).mean(-1)
    else:
        expected = np.log1p(np.exp(-fake[..., 0])).mean(-1)
    assert updates[-1].loss(weights, batch)[0].numpy() == pytest.approx(expected, rel=1e-5)


def test_the_rates_of_the_published_steps_are_the_published_ones(game):
    updates, _, _ = game(objective="published")
    assert [update.learning_rate for update in updates[:3]] == [1e-3, 1e-4, 1e-4]
    assert [(update.decay, update.betas) for update in updates] == [(0.96, (0.5, 0.9)), *[(1.0, (0.5, 0.999))] * 3]


@pytest.mark.parametrize(("batch", "classes"), [(4, 4), (32, 4), (13, 4), (128, 2)])
def test_class_counts_of_a_labelled_batch_differ_by_at_most_one(batch, classes):
    counts = np.bincount(class_pattern(batch, classes), minlength=classes)
    assert counts.sum() == batch
    assert counts.max() - counts.min() <= 1


def heads_by_hand(weights, batch):
    """Log probabilities of S on labelled, unlabelled, generated rows; outputs of U on unlabelled and generated ones."""
    plain = {
        name: value.numpy() if name.endswith("weights") else np.swapaxes(value, 1, 2) for name, value in weights.items()
    }

    def rectified(rows):
        return np.where(rows > 0, rows, 0.2 * rows)

    def dense(layer, rows):
        return rows @ plain[f"{layer}/weights"] + plain[f"{layer}/bias"]

    def log_softmax(logits):
        return logits - np.log(np.exp(logits).sum(-1, keepdims=True))

    hidden = np.swapaxes(batch.noise, 1, 2) @ plain["generator/0/weights"]
    hidden = (hidden - hidden.mean(1, keepdims=True)) / np.sqrt(hidden.var(1, keepdims=True) + 1e-3)
    hidden = rectified(hidden * plain["generator/0/scale"] + plain["generator/0/bias"])
    generated = -3.0 + 6.0 / (1 + np.exp(-dense("generator/1", hidden)))
    features = [
        rectified(dense("trunk/1", rectified(dense("trunk/0", rows))))
        for rows in (batch.labeled.numpy(), batch.unlabeled.numpy(), generated)
    ]
    unsupervised = [dense("unsupervised/0", rows) for rows in features[1:]]
    if unsupervised[0].shape[-1] == 3:
        unsupervised = [log_softmax(logits) for logits in unsupervised]
    return [log_softmax(dense("supervised/0", rows)) for rows in features], *unsupervised
