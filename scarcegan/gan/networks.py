"""Discriminator and generator with a leading member axis: a dense layer is one batched matmul.

Rows of features come and go as [P, B, features]; inside the networks a player is a column, [P, width, B]: sums over
players, biases and softmax run along memory, which makes them up to twice as fast on CPUs.

With `thresholds` the trunk also sees where a feature lies against thresholds that each member draws for itself, as
extremely randomised trees do (Geurts et al. 2006): clip(2 (z - t), -1, 1), a step as wide as a standard deviation of
the scaled feature z. Members then differ in what they see, and a network finds steps that a dense layer learns slowly.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from scarcegan.gan.tensorflow import tf
from scarcegan.settings import Model

SLOPE = 0.2  # of the leaky ReLU, as published
STEEPNESS = 2.0  # of a step at a threshold
THRESHOLDS = "steps/0/thresholds"  # the name of weights that nothing trains
# At this steepness the farthest step ends at 3, where scaled features are clipped.
FARTHEST = 2.5  # threshold from a feature's middle, in its standard deviations
BATCH_NORM_EPSILON = 1e-3  # as Keras has it

Weights = dict[str, tf.Tensor]
Masks = list[tf.Tensor | None]


@dataclass(frozen=True)
class Architecture:
    """Sizes of the networks of one member.

    Attributes:
        model: the variant and the widths of hidden layers.
        features: inputs of the discriminator and outputs of the generator.
        classes: labelled classes C; the rare one is the last.
        low, high: range of scaled features.
    """

    model: Model
    features: int
    classes: int
    low: float
    high: float

    @property
    def supervised_outputs(self) -> int:
        """The labelled classes, and 'unknown' where the variant has it."""
        return self.classes + self.model.has_unknown

    @property
    def unsupervised_outputs(self) -> int:
        """Real as labelled, real as unknown and generated; without leeway one logit of being real."""
        return 3 if self.model.has_unknown else 1

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every weight of one member, in a fixed order; the prefix names the network."""
        model = self.model
        inputs = self.features * (1 + model.thresholds)
        steps = {THRESHOLDS: (1, inputs - self.features)} if model.thresholds else {}
        trunk = _dense_shapes("trunk", (inputs, *model.trunk))
        supervised = _dense_shapes("supervised", (model.trunk[-1], self.supervised_outputs))
        unsupervised = _dense_shapes("unsupervised", (model.trunk[-1], self.unsupervised_outputs))
        generator = _dense_shapes("generator", (model.noise, *model.generator, self.features))
        for number, width in enumerate(model.generator):
            generator[f"generator/{number}/scale"] = (width, 1)
        return steps | trunk | supervised | unsupervised | generator


def initial_weights(sizes: Architecture, member_seeds: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Draw Glorot-uniform weights, normal thresholds, zero biases and unit scales, each member from its own seed alone.

    Returns float32 arrays [P, ...] by the weights' names.
    """
    rngs = [np.random.default_rng(seed) for seed in member_seeds]
    # One generator a member, in a fixed order: a weight put in between changes all that are drawn after it.
    return {
        name: np.stack([_initial_weight(name, shape, rng) for rng in rngs]).astype(np.float32)
        for name, shape in sizes.shapes().items()
    }


def trunk_features(weights: Weights, rows: tf.Tensor, masks: Masks | None = None) -> tf.Tensor:
    """Map scaled rows [P, B, features] to the shared features f [P, trunk[-1], B].

    While training, the masks are one [1, B, features] for the inputs and one [1, width, B] for each layer, None for no
    dropout there; at inference there are none at all.
    """
    inputs = _with_steps(weights, _masked(rows, masks, 0))
    # Rows become columns inside the product: a transpose by itself would copy them.
    first = tf.matmul(weights["trunk/0/weights"], inputs, transpose_a=True, transpose_b=True)
    columns = first + weights["trunk/0/bias"]
    number = 1
    # The names tell the depth: inference weights come without an `Architecture`.
    while True:
        columns = _masked(tf.nn.leaky_relu(columns, SLOPE), masks, number)
        if f"trunk/{number}/weights" not in weights:
            return columns
        columns = _dense(weights, f"trunk/{number}", columns)
        number += 1


def supervised_log_probabilities(weights: Weights, features: tf.Tensor) -> tf.Tensor:
    """Map trunk features [P, f, B] to log p [P, C (+ 1), B]."""
    return log_softmax(_dense(weights, "supervised/0", features))


def unsupervised_logits(weights: Weights, features: tf.Tensor) -> tf.Tensor:
    """Map trunk features [P, f, B] to the logits of the real-or-generated head [P, 3 or 1, B]."""
    return _dense(weights, "unsupervised/0", features)


def log_softmax(logits: tf.Tensor) -> tf.Tensor:
    """Normalise logits [P, K, B] over their K outputs; TensorFlow's own would transpose twice."""
    shifted = logits - tf.stop_gradient(tf.reduce_max(logits, axis=1, keepdims=True))
    return shifted - tf.math.log(tf.reduce_sum(tf.exp(shifted), axis=1, keepdims=True))


def generate(weights: Weights, noise: tf.Tensor, sizes: Architecture) -> tf.Tensor:
    """Map noise [1 or P, z, B] to rows [P, B, features] inside the range of scaled features.

    Hidden layers are dense, batch norm, leaky ReLU. Batch norm always uses the statistics of the batch: the
    published code showed the discriminator other generated rows than those the generator is trained on. The
    output is bounded by a sigmoid to the scaled features' range (published: an unbounded ReLU).
    """
    last = len(sizes.model.generator)
    columns = noise
    for number in range(last):
        columns = tf.nn.leaky_relu(_batch_norm(weights, number, columns), SLOPE)
    rows = tf.matmul(columns, weights[f"generator/{last}/weights"], transpose_a=True)
    rows += tf.transpose(weights[f"generator/{last}/bias"], (0, 2, 1))
    return sizes.low + (sizes.high - sizes.low) * tf.sigmoid(rows)


def _masked(rows: tf.Tensor, masks: Masks | None, number: int) -> tf.Tensor:
    mask = masks[number] if masks else None
    return rows if mask is None else rows * mask


def _with_steps(weights: Weights, rows: tf.Tensor) -> tf.Tensor:
    """Append to rows [P or 1, B, features] the steps at the members' thresholds, [P, B, features x thresholds]."""
    if THRESHOLDS not in weights:
        return rows
    thresholds = weights[THRESHOLDS]
    # At inference all members share one copy of the rows.
    if rows.shape[0] != thresholds.shape[0]:
        rows = tf.repeat(rows, thresholds.shape[0], axis=0)
    # Threshold j belongs to feature j mod F.
    repeated = tf.tile(rows, (1, 1, thresholds.shape[2] // rows.shape[2]))
    return tf.concat([rows, tf.clip_by_value(STEEPNESS * (repeated - thresholds), -1.0, 1.0)], axis=2)


def _dense(weights: Weights, layer: str, columns: tf.Tensor) -> tf.Tensor:
    return tf.matmul(weights[f"{layer}/weights"], columns, transpose_a=True) + weights[f"{layer}/bias"]


def _batch_norm(weights: Weights, number: int, columns: tf.Tensor) -> tf.Tensor:
    # The dense bias would be cancelled by the mean: it serves as the norm's offset instead.
    product = tf.matmul(weights[f"generator/{number}/weights"], columns, transpose_a=True)
    centred = product - tf.reduce_mean(product, axis=2, keepdims=True)
    variance = tf.reduce_mean(tf.square(centred), axis=2, keepdims=True)
    scale = weights[f"generator/{number}/scale"] * tf.math.rsqrt(variance + BATCH_NORM_EPSILON)
    return centred * scale + weights[f"generator/{number}/bias"]


def _dense_shapes(network: str, widths: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for number, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
        shapes[f"{network}/{number}/weights"] = (inputs, outputs)
        shapes[f"{network}/{number}/bias"] = (outputs, 1)
    return shapes


def _initial_weight(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    if name.endswith("thresholds"):
        return np.clip(rng.normal(size=shape), -FARTHEST, FARTHEST)
    if name.endswith("weights"):
        limit = np.sqrt(6.0 / sum(shape))
        return rng.uniform(-limit, limit, shape)
    return np.full(shape, float(name.endswith("scale")))
