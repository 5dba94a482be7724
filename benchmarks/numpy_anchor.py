"""The `corrected` objective written by hand in NumPy for one member: the on-the-spot anchor of the speed figures.

The same maths as `scarcegan.gan` (full variant, no dropout, no weight decay): one joint discriminator step and one
generator step, forward and backward by hand, Adam on flat vectors. A test holds its gradients against
TensorFlow's. Of the series that the program watches it computes the two losses only, which flatters the anchor.
"""

from dataclasses import dataclass

import numpy as np

from scarcegan.gan.losses import leeway_targets
from scarcegan.gan.networks import BATCH_NORM_EPSILON, SLOPE, Architecture
from scarcegan.gan.objectives import class_pattern
from scarcegan.gan.program import ADAM_EPSILON, TrainingRows
from scarcegan.settings import Model, Train

Array = np.ndarray
BETAS = (0.5, 0.99), (0.5, 0.999)  # of the discriminator's and the generator's step
_UNIT_EPSILON = 1e-12  # of tf.math.l2_normalize


@dataclass
class Flat:
    """Arrays of one member by name, all views of one vector, the generator's last.

    Attributes:
        vector: float32 [weights].
        views: the arrays by name.
        split: where the generator's weights begin.
    """

    vector: Array
    views: dict[str, Array]
    split: int

    @classmethod
    def zeros(cls, sizes: Architecture) -> "Flat":
        """Lay out the weights of an architecture."""
        shapes = sizes.shapes()
        ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])
        vector = np.zeros(ends[-1], np.float32)
        parts = np.split(vector, ends[:-1])
        views = {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}
        first = next(index for index, name in enumerate(shapes) if name.startswith("generator"))
        return cls(vector, views, int(ends[first - 1]))


class NumpyMember:
    """One member's weights and Adam moments, and the iteration that moves them."""

    def __init__(self, rows: TrainingRows, model: Model, train: Train, weights: dict[str, Array]) -> None:
        """Take the weights of one member by name; the rows stay resident, labelled ones first and sorted by class."""
        self.model, self.train, self.sizes = (
            model,
            train,
            Architecture(model, rows.labeled.shape[1], rows.classes, rows.low, rows.high),
        )
        order = np.argsort(rows.labels, kind="stable")
        self.labeled_rows = len(order)
        self.rows = np.concatenate([rows.labeled[order], rows.unlabeled])
        counts = np.bincount(rows.labels, minlength=rows.classes)
        labels = class_pattern(train.batch, rows.classes)
        self.first, self.count = (np.cumsum(counts) - counts)[labels], counts[labels]
        self.targets = leeway_targets(labels, rows.classes, model.alpha)
        self.is_negative = (labels != rows.classes - 1).astype(np.float32)
        self.weights, self.gradient = Flat.zeros(self.sizes), Flat.zeros(self.sizes)
        for name, view in self.weights.views.items():
            view[...] = weights[name]
        self.moments = np.zeros((2, len(self.weights.vector)), np.float32)

    def draw(self, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw a round's row indices [T, 2 B] and noise [T, B, z], as `Program` does."""
        steps, batch = self.train.round_iterations, self.train.batch
        labeled = self.first + (rng.random((steps, batch), np.float32) * self.count).astype(np.int64)
        unlabeled = rng.integers(self.labeled_rows, len(self.rows), (steps, batch))
        noise = rng.standard_normal((steps, batch, self.model.noise), np.float32)
        return np.concatenate([labeled, unlabeled], axis=1), noise

    def run_round(self, first: int, indices: Array, noise: Array) -> Array:
        """Train from iteration `first` on and return the mean losses of discriminator and generator."""
        total = np.zeros(2)
        for step in range(len(indices)):
            total += self.iterate(first + step, self.rows[indices[step]], noise[step])
        return total / len(indices)

    def iterate(self, iteration: int, real: Array, noise: Array) -> tuple[float, float]:
        """Take one discriminator and one generator step on labelled then unlabelled rows [2 B, features]."""
        generated, kept = self.generate(noise)
        joint = self.joint_gradient(real, generated)
        self._adam(iteration, slice(0, self.weights.split), self.train.learning_rate, BETAS[0])
        generator = self.generator_gradient(real[self.train.batch :], generated, noise, kept)
        self._adam(iteration, slice(self.weights.split, None), self.train.learning_rate_generator, BETAS[1])
        return joint, generator

    def joint_gradient(self, real: Array, generated: Array) -> float:
        """Set the discriminator's gradient and return its loss."""
        layers = self._trunk(np.concatenate([real, generated]))
        log_p, log_q = (_log_softmax(self._dense(f"{head}/0", layers[-1])) for head in ("supervised", "unsupervised"))
        supervised_loss, to_p = self._supervised(log_p)
        unsupervised_loss, to_q = self._unsupervised(log_q)
        to_features = self._dense_gradient("supervised/0", layers[-1], to_p)
        to_features += self._dense_gradient("unsupervised/0", layers[-1], to_q)
        self._trunk_gradient(layers, to_features, moves=True)
        return supervised_loss + unsupervised_loss

    def generator_gradient(self, unlabeled: Array, generated: Array, noise: Array, kept: tuple[Array, ...]) -> float:
        """Set the generator's gradient by feature matching and pull-away and return its loss."""
        layers = self._trunk(generated)
        features, batch = layers[-1], len(generated)
        distance = features.mean(axis=0) - self._trunk(unlabeled)[-1].mean(axis=0)
        pull_away, to_features = _pull_away(features)
        to_features += np.sign(distance) / np.float32(batch * features.shape[1])
        self._generate_gradient(self._trunk_gradient(layers, to_features, moves=False), noise, generated, kept)
        return float(np.abs(distance).mean() + pull_away)

    def _supervised(self, log_p: Array) -> tuple[float, Array]:
        """Return the supervised head's loss on all rows and its gradient by the logits."""
        batch, rare, alpha = self.train.batch, self.sizes.classes - 1, self.model.alpha
        p = np.exp(log_p)
        gradient = p.copy()
        labeled, unlabeled, generated = gradient[:batch], gradient[batch : 2 * batch], gradient[2 * batch :]
        labeled -= self.targets
        generated[:, -1] -= 1.0
        generated *= np.float32(1 - alpha)
        p_real, p_free = p[:batch], p[batch : 2 * batch]
        p_rare = p_real[:, rare]
        wrong, flagged = float(p_rare @ self.is_negative), 1.0 + float(p_rare.sum())
        pull = (1 - alpha) * batch * p_rare * (self.is_negative / flagged - wrong / flagged**2)
        labeled -= pull[:, None] * p_real
        labeled[:, rare] += pull
        known, not_rare = 1.0 - p_free[:, -1:], p_free.sum(axis=1, keepdims=True) - p_free[:, rare : rare + 1]
        as_known, as_others = p_free / known, p_free / not_rare
        as_known[:, -1] = 0.0
        as_others[:, rare] = 0.0
        unlabeled -= alpha * as_known + self.model.prior_weight * (as_others - p_free)
        unlabeled[:, -1] -= 1 - alpha
        gradient[batch:] *= self.model.unlabeled_weight
        taught = alpha * np.log(known).sum() + (1 - alpha) * log_p[batch : 2 * batch, -1].sum()
        taught += self.model.prior_weight * np.log(not_rare).sum() + (1 - alpha) * log_p[2 * batch :, -1].sum()
        loss = -(self.targets * log_p[:batch]).sum() - self.model.unlabeled_weight * taught
        return float(loss) / batch + (1 - alpha) * wrong / flagged, gradient / np.float32(batch)

    def _unsupervised(self, log_q: Array) -> tuple[float, Array]:
        """Return the real-or-generated head's loss on all rows and its gradient by the logits."""
        batch, alpha, weight = self.train.batch, self.model.alpha, self.model.unlabeled_weight
        real, fake = log_q[batch : 2 * batch], log_q[2 * batch :]
        loss = -weight / batch * (alpha * real[:, 0].sum() + (1 - alpha) * real[:, 1].sum() + fake[:, 2].sum())
        gradient = np.zeros_like(log_q)
        gradient[batch:] = np.exp(log_q[batch:])
        gradient[batch : 2 * batch] -= np.array([alpha, 1 - alpha, 0], np.float32)
        gradient[2 * batch :, 2] -= 1.0
        return float(loss), gradient * np.float32(weight / batch)

    def _dense(self, layer: str, rows: Array) -> Array:
        return rows @ self.weights.views[f"{layer}/weights"] + self.weights.views[f"{layer}/bias"].T

    def _dense_gradient(self, layer: str, rows: Array, gradient: Array) -> Array:
        np.matmul(rows.T, gradient, out=self.gradient.views[f"{layer}/weights"])
        np.sum(gradient, axis=0, keepdims=True, out=self.gradient.views[f"{layer}/bias"].T)
        return gradient @ self.weights.views[f"{layer}/weights"].T

    def _trunk(self, rows: Array) -> list[Array]:
        """Return the inputs and every layer's outputs."""
        layers = [rows]
        for number in range(len(self.model.trunk)):
            layers.append(_leaky_relu(self._dense(f"trunk/{number}", layers[-1])))
        return layers

    def _trunk_gradient(self, layers: list[Array], gradient: Array, moves: bool) -> Array:
        """Carry a gradient by the features back to the rows (if the trunk stands still) or into the trunk."""
        for number in reversed(range(len(self.model.trunk))):
            gradient = gradient * _leaky_slope(layers[number + 1])
            if moves:
                gradient = self._dense_gradient(f"trunk/{number}", layers[number], gradient)
            else:
                gradient = gradient @ self.weights.views[f"trunk/{number}/weights"].T
        return gradient

    def generate(self, noise: Array) -> tuple[Array, tuple[Array, ...]]:
        """Return generated rows and what the way back needs; one hidden layer, as published."""
        views = self.weights.views
        product = noise @ views["generator/0/weights"]
        centred = product - product.mean(axis=0)
        inverse = 1.0 / np.sqrt((centred * centred).mean(axis=0) + np.float32(BATCH_NORM_EPSILON))
        normal = centred * inverse
        hidden = _leaky_relu(normal * views["generator/0/scale"].T + views["generator/0/bias"].T)
        unit = 1.0 / (1.0 + np.exp(-self._dense("generator/1", hidden)))
        return self.sizes.low + (self.sizes.high - self.sizes.low) * unit, (unit, hidden, normal, inverse)

    def _generate_gradient(self, gradient: Array, noise: Array, generated: Array, kept: tuple[Array, ...]) -> None:
        unit, hidden, normal, inverse = kept
        weights, gradients = self.weights.views, self.gradient.views
        gradient = gradient * unit * (1.0 - unit) * np.float32(self.sizes.high - self.sizes.low)
        gradient = self._dense_gradient("generator/1", hidden, gradient) * _leaky_slope(hidden)
        gradients["generator/0/bias"].T[...] = gradient.sum(axis=0)
        gradients["generator/0/scale"].T[...] = (gradient * normal).sum(axis=0)
        gradient = gradient * weights["generator/0/scale"].T
        gradient -= gradient.mean(axis=0) + normal * (gradient * normal).mean(axis=0)
        gradients["generator/0/weights"][...] = noise.T @ (gradient * inverse)

    def _adam(self, iteration: int, part: slice, rate: float, betas: tuple[float, float]) -> None:
        gradient, (first, second) = self.gradient.vector[part], self.moments[:, part]
        first += (gradient - first) * (1 - betas[0])
        second += (gradient * gradient - second) * (1 - betas[1])
        step = rate * np.sqrt(1 - betas[1] ** (iteration + 1)) / (1 - betas[0] ** (iteration + 1))
        self.weights.vector[part] -= np.float32(step) * first / (np.sqrt(second) + np.float32(ADAM_EPSILON))


def _log_softmax(logits: Array) -> Array:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def _leaky_relu(rows: Array) -> Array:
    return np.maximum(rows, np.float32(SLOPE) * rows)


def _leaky_slope(outputs: Array) -> Array:
    return np.where(outputs > 0, np.float32(1.0), np.float32(SLOPE))


def _pull_away(features: Array) -> tuple[float, Array]:
    """Return the mean squared cosine between rows and its gradient, by way of the small k x k product."""
    pairs = len(features) * (len(features) - 1)
    length = np.sqrt(np.maximum((features * features).sum(axis=1, keepdims=True), np.float32(_UNIT_EPSILON)))
    unit = features / length
    square = (unit * unit).sum(axis=1, keepdims=True)
    product = unit.T @ unit
    loss = ((product * product).sum() - (square * square).sum()) / pairs
    to_unit = (unit @ product - square * unit) * np.float32(4.0 / pairs)
    return float(loss), (to_unit - unit * (unit * to_unit).sum(axis=1, keepdims=True)) / length
