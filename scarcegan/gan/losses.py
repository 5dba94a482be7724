"""The losses, each a pure function of network outputs with its equation; members come first, a player is a column.

Notation: B rows, C labelled classes (r is the rare one), u the 'unknown' output of the supervised head,
p the supervised softmax, q the unsupervised softmax over (real as labelled, real as unknown, generated),
alpha the weight of a weak label and 1 - alpha the leeway, f the trunk's features.
Source: ScarceGAN (CIKM 2021, doi 10.1145/3459637.3482474) and its public code, where not marked 'corrected'.
"""

import numpy as np

from scarcegan.gan.tensorflow import tf

GENERATED = 2  # index of the unsupervised softmax, see q above


def leeway_targets(labels: np.ndarray, classes: int, alpha: float) -> np.ndarray:
    """Return the soft targets of weak labels: (alpha at y, 1 - alpha at u) for negatives, 1 at r for the rare class.

    Labels are int [B], class indices in 0..C-1, the last of them rare; alpha is in (0, 1]. The targets are float32
    [B, C + 1]; rows sum to 1.
    """
    rare = labels == classes - 1
    targets = np.zeros((len(labels), classes + 1), np.float32)
    targets[np.arange(len(labels)), labels] = np.where(rare, 1.0, alpha)
    targets[:, classes] = np.where(rare, 0.0, 1.0 - alpha)
    return targets


def cross_entropy(log_probabilities: tf.Tensor, targets: np.ndarray) -> tf.Tensor:
    """Compute -1/B sum_i sum_k y_ik log p_k(x_i).

    With `leeway_targets` this is the published L_sup without its count term (whose gradient is zero); with
    targets (alpha, 1 - alpha, 0) it is the published loss of real unlabelled rows, with (0, 0, 1) of generated ones.

    Log probabilities are float [P, K, B], from a log-softmax (stable where p is 0); targets are float [B, K] or [K],
    the same for every member. The loss is float [P], nats.
    """
    outputs, rows = log_probabilities.shape[1:]
    # One matrix-vector product: several times faster than multiply, sum and mean over a handful of outputs.
    weights = np.broadcast_to(targets, (rows, outputs)).T.reshape(-1) / np.float32(-rows)
    return tf.linalg.matvec(tf.reshape(log_probabilities, (-1, rows * outputs)), weights)


def soft_false_positives(p_rare: tf.Tensor, is_rare: tf.Tensor) -> tf.Tensor:
    """Compute the expected share of false alarms, sum_{y_i != r} p_r(x_i) / (1 + sum_i p_r(x_i)).

    Corrected: the published term counts argmaxes, so it has no gradient; this one counts probabilities.

    For labelled rows, `p_rare` is float [P, B] and `is_rare` float [B], 1 or 0. The share is float [P] in [0, 1).
    """
    wrong = tf.reduce_sum(p_rare * (1.0 - is_rare), axis=-1)
    # The 1 is the published count's: it keeps the share finite where nobody is taken for risky.
    return wrong / (1.0 + tf.reduce_sum(p_rare, axis=-1))


def rarity_prior(log_p: tf.Tensor, rare: int, taught: tf.Tensor) -> tf.Tensor:
    """Compute -1/B sum_i [t_i log p_r(x_i) + (1 - t_i) log(1 - p_r(x_i))] on unlabelled rows.

    The target t is what a teacher, trained on the labelled rows, thinks of the player: nearly always little. With
    t = 0 it says that an unlabelled player is almost surely not risky.

    Corrected: absent from the published losses. The second term is written as the log-sum-exp of the other classes,
    which stays finite where p_r rounds to 1. From the supervised head's log-softmax, float [P, K, B], and t,
    float [P, B]; float [P], nats.

    Source: Hinton, Vinyals and Dean (2015), Distilling the knowledge in a neural network, for the soft targets.
    """
    not_rare = _log_of_others(log_p, rare)
    return -tf.reduce_mean(taught * log_p[:, rare] + (1.0 - taught) * not_rare, axis=-1)


def known_or_unknown(log_p: tf.Tensor, alpha: float) -> tf.Tensor:
    """Compute -1/B sum_i [alpha log(1 - p_u(x_i)) + (1 - alpha) log p_u(x_i)] on unlabelled rows.

    Corrected: the published unlabelled rows never reach the supervised head, so its unknown output cannot learn.

    From the supervised head's log-softmax, float [P, C + 1, B], 'unknown' last; alpha is the share of unlabelled rows
    expected to belong to a labelled class. The loss is float [P], nats.
    """
    known = _log_of_others(log_p, log_p.shape[1] - 1)
    return -tf.reduce_mean(alpha * known + (1.0 - alpha) * log_p[:, -1], axis=-1)


def real_or_generated(logit: tf.Tensor, is_real: float) -> tf.Tensor:
    """Compute the binary cross-entropy of one real-or-generated logit (variants without leeway): float [P], nats.

    The logit is float [P, 1, B]; its target is 1 or 0.
    """
    target = tf.fill(tf.shape(logit), is_real)
    losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=target, logits=logit)
    return tf.reduce_mean(losses, axis=(1, 2))


def feature_matching(generated: tf.Tensor, real: tf.Tensor) -> tf.Tensor:
    """Compute mean_k | mean_i f(G(z_i))_k - mean_i f(x_i)_k |, float [P] >= 0, of trunk features [P, f, B]."""
    distance = tf.reduce_mean(generated, axis=2) - tf.reduce_mean(real, axis=2)
    # Absolute, as the public code runs it; its squared version is commented out there.
    return tf.reduce_mean(tf.abs(distance), axis=-1)


def pull_away(features: tf.Tensor, per_row: bool) -> tf.Tensor:
    """Compute sum_{i != j} s_ij^2 / (B (B - 1)), the mean squared cosine between generated rows.

    Features are the trunk's, float [P, f, B]; the term is float [P] in [0, 1]. `per_row` normalises each row to length
    1 (corrected: the intended term); else the norm of the whole batch divides, as in the published code, which bounds
    the term by 1 / (B (B - 1)).
    """
    rows = features.shape[2]
    if rows < 2:
        raise ValueError(f"pull_away compares rows: expected at least 2, got {rows}; raise train.batch")
    unit = tf.math.l2_normalize(features, axis=1 if per_row else (1, 2))
    # The sum over all i, j is the same for the small product of features, [f, f], as for that of rows, [B, B].
    everything = tf.reduce_sum(tf.square(tf.matmul(unit, unit, transpose_b=True)), axis=(1, 2))
    # A row's cosine with itself tells nothing of variety.
    diagonal = tf.reduce_sum(tf.square(tf.reduce_sum(tf.square(unit), axis=1)), axis=-1)
    return (everything - diagonal) / (rows * (rows - 1))


def _log_of_others(log_p: tf.Tensor, output: int) -> tf.Tensor:
    """Return log(1 - p) of one output, [P, B]: a log-sum-exp over the others."""
    others = log_p + np.where(np.arange(log_p.shape[1]) == output, -np.inf, 0.0).astype(np.float32)[:, np.newaxis]
    # The shift cancels out: it keeps exp from overflowing and needs no gradient.
    highest = tf.stop_gradient(tf.reduce_max(others, axis=1, keepdims=True))
    return tf.math.log(tf.reduce_sum(tf.exp(others - highest), axis=1)) + highest[:, 0]
