"""Which losses move which networks: the `corrected` and the `published` objective, in four variants.

| variant                 | supervised head      | unsupervised head        | generator                     |
|-------------------------|----------------------|--------------------------|-------------------------------|
| `full`                  | C + unknown, leeway  | 3 softmax, leeway        | feature matching + pull-away  |
| `without_leeway`        | C, cross-entropy     | 1 logit, binary          | feature matching + pull-away  |
| `without_bad_generator` | C + unknown, leeway  | 3 softmax, leeway        | to be taken for real          |
| `vanilla`               | C, cross-entropy     | 1 logit, binary          | to be taken for real          |

`published` takes one Adam step each for labelled, unlabelled and generated rows, lets the generator's loss move
the discriminator too, and normalises pull-away over the batch, all as the public code does. `corrected` takes one
joint discriminator step, freezes the discriminator in the generator's step, and lets unlabelled and generated
rows teach the supervised head.

Where even `published` departs from the public code: batch norm and the generator's output as `networks.generate`
says; each kind of update keeps Adam moments of its own (there, one optimizer object is shared by three); the
generator's step sees the noise of the discriminator's; the rare class has weight 1 as in the KDD99 script (in the
four-class script every class has alpha).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from scarcegan.gan import losses
from scarcegan.gan.networks import (
    Architecture,
    Masks,
    Weights,
    generate,
    log_softmax,
    supervised_log_probabilities,
    trunk_features,
    unsupervised_logits,
)
from scarcegan.gan.tensorflow import tf
from scarcegan.settings import Train

Metrics = dict[str, tf.Tensor]

# Adam step of the real-or-generated updates, which only `published` takes apart: as in the public code.
UNSUPERVISED_RATE = 1e-4


@dataclass(frozen=True)
class Batch:
    """What one iteration sees.

    Attributes:
        labeled: float [P, B, features], scaled; row j has class j mod C.
        unlabeled: float [P, B, features], scaled.
        taught: float [P, B], what the teacher thinks of the unlabelled rows.
        noise: float [1, z, B], the generator's input.
        masks: dropout masks of the inputs [1, 3 B, features] (labelled, unlabelled, generated rows) and of each trunk
            layer [1, width, 3 B]; None where there is no dropout.
    """

    labeled: tf.Tensor
    unlabeled: tf.Tensor
    taught: tf.Tensor
    noise: tf.Tensor
    masks: Masks


@dataclass(frozen=True)
class Update:
    """One Adam step of an iteration.

    Attributes:
        loss: maps weights and batch to the loss of each member [P] and to figures to watch, each [P].
        networks: prefixes of the weights that the loss may move; all others stand still.
        decay: factor on the learning rate every 500 iterations.
        weight_decay: decoupled, of dense weights.
    """

    loss: Callable[[Weights, Batch], tuple[tf.Tensor, Metrics]]
    networks: tuple[str, ...]
    learning_rate: float
    decay: float
    betas: tuple[float, float]
    weight_decay: float = 0.0


def updates(train: Train, sizes: Architecture) -> tuple[Update, ...]:
    """Return the updates that one iteration takes, in order."""
    objective = _Objective(sizes, class_pattern(train.batch, sizes.classes))
    generator_rate = train.learning_rate_generator
    if objective.is_corrected:
        discriminator = ("trunk", "supervised", "unsupervised")
        betas = (0.5, 0.99)
        return (
            Update(objective.joint, discriminator, train.learning_rate, 1.0, betas, train.weight_decay),
            Update(objective.generator, ("generator",), generator_rate, 1.0, betas),
        )
    # The public code freezes nothing here: the generator's loss moves all that it passes through.
    unfrozen = ("generator", "trunk") if objective.matches_features else ("generator", "trunk", "unsupervised")
    rate, betas = UNSUPERVISED_RATE, (0.5, 0.999)
    return (
        # Rate decay and betas are those of the public code's optimizers.
        Update(objective.supervised, ("trunk", "supervised"), train.learning_rate, 0.96, (0.5, 0.9)),
        Update(objective.real, ("trunk", "unsupervised"), rate, 1.0, betas),
        Update(objective.generated, ("trunk", "unsupervised"), rate, 1.0, betas),
        Update(objective.generator, unfrozen, generator_rate, 1.0, betas),
    )


def class_pattern(batch: int, classes: int) -> np.ndarray:
    """Return the class of each row of a labelled batch: balanced, 0..C-1 in turn; int array [B]."""
    # As published: a batch drawn by the classes' own shares could lack the rare one.
    return np.arange(batch) % classes


class _Objective:
    """The losses of one variant over one batch layout."""

    def __init__(self, sizes: Architecture, labels: np.ndarray) -> None:
        self.model, self.sizes = sizes.model, sizes
        self.is_corrected = self.model.objective == "corrected"
        self.matches_features = self.model.variant in ("full", "without_leeway")
        self.rare = sizes.classes - 1
        self.one_hot = tf.constant(np.eye(sizes.classes)[:, labels], tf.float32)
        self.is_rare = tf.constant(labels == self.rare, tf.float32)
        # Without an unknown output the leeway has nowhere to go: labels are taken whole.
        alpha = self.model.alpha if self.model.has_unknown else 1.0
        self.targets = losses.leeway_targets(labels, sizes.classes, alpha)[:, : sizes.supervised_outputs]

    def joint(self, weights: Weights, batch: Batch) -> tuple[tf.Tensor, Metrics]:
        """All of the discriminator's losses in one pass over labelled, unlabelled and generated rows."""
        generated = generate(weights, batch.noise, self.sizes)
        # One pass and one Adam step are up to twice as fast as a step for each kind of row.
        rows = tf.concat([batch.labeled, batch.unlabeled, generated], axis=1)
        features = trunk_features(weights, rows, batch.masks)
        log_labeled, log_unlabeled, log_generated = tf.split(supervised_log_probabilities(weights, features), 3, 2)
        _, real, fake = tf.split(unsupervised_logits(weights, features), 3, 2)
        supervised = self._supervised_loss(log_labeled)
        unsupervised = self._source_loss(real, is_real=True) + self._source_loss(fake, is_real=False)
        taught = self._supervised_by_unlabeled(log_unlabeled, log_generated, batch.taught)
        watched = {
            "discriminator_supervised_loss": supervised,
            "discriminator_unsupervised_loss": unsupervised,
            "accuracy_supervised": self._accuracy(log_labeled),
            "p_real": self._p_real(real),
            "p_fake": 1.0 - self._p_real(fake),
            "unknown_share": self._unknown_share(log_unlabeled),
        }
        return supervised + self.model.unlabeled_weight * (unsupervised + taught), watched

    def supervised(self, weights: Weights, batch: Batch) -> tuple[tf.Tensor, Metrics]:
        """Labelled rows through the supervised head."""
        log_p = supervised_log_probabilities(weights, trunk_features(weights, batch.labeled))
        loss = self._supervised_loss(log_p)
        return loss, {"discriminator_supervised_loss": loss, "accuracy_supervised": self._accuracy(log_p)}

    def real(self, weights: Weights, batch: Batch) -> tuple[tf.Tensor, Metrics]:
        """Unlabelled rows through the unsupervised head."""
        features = trunk_features(weights, batch.unlabeled)
        logits = unsupervised_logits(weights, features)
        loss = self._source_loss(logits, is_real=True)
        # For the card alone: in `published` unlabelled rows teach the supervised head nothing.
        unknown = self._unknown_share(supervised_log_probabilities(weights, features))
        p_real = self._p_real(logits)
        return loss, {"discriminator_unsupervised_loss": loss, "p_real": p_real, "unknown_share": unknown}

    def generated(self, weights: Weights, batch: Batch) -> tuple[tf.Tensor, Metrics]:
        """Generated rows through the unsupervised head."""
        rows = generate(weights, batch.noise, self.sizes)
        logits = unsupervised_logits(weights, trunk_features(weights, rows))
        loss = self._source_loss(logits, is_real=False)
        return loss, {"discriminator_unsupervised_loss": loss, "p_fake": 1.0 - self._p_real(logits)}

    def generator(self, weights: Weights, batch: Batch) -> tuple[tf.Tensor, Metrics]:
        """Feature matching with pull-away, or (without the bad generator) being taken for real."""
        features = trunk_features(weights, generate(weights, batch.noise, self.sizes))
        # published: the labelled, class-balanced batch stands for the real rows. Their features are a fixed
        # target there too: the public code passes them to Keras as labels.
        real = batch.unlabeled if self.is_corrected else batch.labeled
        # Taken in every variant: the card shows it also where it is not the loss.
        distance = losses.feature_matching(features, tf.stop_gradient(trunk_features(weights, real)))
        if self.matches_features:
            loss = distance + losses.pull_away(features, per_row=self.is_corrected)
        else:
            loss = self._source_loss(unsupervised_logits(weights, features), is_real=True)
        return loss, {"generator_loss": loss, "feature_distance": distance}

    def _supervised_loss(self, log_p: tf.Tensor) -> tf.Tensor:
        loss = losses.cross_entropy(log_p, self.targets)
        # The paper's variants without leeway have plain cross-entropy, without a false-alarm term.
        if self.is_corrected and self.model.has_unknown:
            wrong = losses.soft_false_positives(tf.exp(log_p[:, self.rare]), self.is_rare)
            loss += (1.0 - self.model.alpha) * wrong
        return loss

    def _supervised_by_unlabeled(
        self, log_unlabeled: tf.Tensor, log_generated: tf.Tensor, taught: tf.Tensor
    ) -> tf.Tensor:
        loss = self.model.prior_weight * losses.rarity_prior(log_unlabeled, self.rare, taught)
        if self.model.has_unknown:
            unknown = np.eye(self.sizes.supervised_outputs, dtype=np.float32)[-1]
            loss += losses.known_or_unknown(log_unlabeled, self.model.alpha)
            # Where generated rows look like players, full weight would call half of all players unknown.
            loss += (1.0 - self.model.alpha) * losses.cross_entropy(log_generated, unknown)
        return loss

    def _source_loss(self, logits: tf.Tensor, is_real: bool) -> tf.Tensor:
        """Charge rows that are not taken for real, or for generated ones."""
        if not self.model.has_unknown:
            return losses.real_or_generated(logits, float(is_real))
        alpha = self.model.alpha
        # Of generated rows it is lambda, which is alpha in the public KDD99 scripts.
        targets = [alpha, 1 - alpha, 0] if is_real else [0, 0, 1 if self.is_corrected else alpha]
        return losses.cross_entropy(log_softmax(logits), np.array(targets, np.float32))

    def _p_real(self, logits: tf.Tensor) -> tf.Tensor:
        if not self.model.has_unknown:
            return tf.reduce_mean(tf.sigmoid(logits), axis=(1, 2))
        return 1.0 - tf.reduce_mean(tf.exp(log_softmax(logits)[:, losses.GENERATED]), axis=1)

    def _accuracy(self, log_p: tf.Tensor) -> tf.Tensor:
        # 'Unknown' is no label: the most probable labelled class counts.
        known = log_p[:, : self.sizes.classes]
        of_label = tf.reduce_sum(known * self.one_hot, axis=1)
        return tf.reduce_mean(tf.cast(of_label == tf.reduce_max(known, axis=1), tf.float32), axis=-1)

    def _unknown_share(self, log_p: tf.Tensor) -> tf.Tensor:
        if not self.model.has_unknown:
            return tf.zeros(tf.shape(log_p)[:1])
        is_unknown = log_p[:, -1] == tf.reduce_max(log_p, axis=1)
        return tf.reduce_mean(tf.cast(is_unknown, tf.float32), axis=-1)
