"""The compiled training program: one call runs a whole round of iterations for all members of a fold."""

from dataclasses import dataclass

import numpy as np

from scarcegan.gan.networks import Architecture, Masks, initial_weights, supervised_log_probabilities, trunk_features
from scarcegan.gan.objectives import Batch, Update, class_pattern, updates
from scarcegan.gan.tensorflow import tf
from scarcegan.settings import Model, Train

ADAM_EPSILON = 1e-7  # as Keras has it
SERIES = (
    "discriminator_supervised_loss",
    "discriminator_unsupervised_loss",
    "generator_loss",
    "accuracy_supervised",
    "p_real",
    "p_fake",
    "feature_distance",
    "unknown_share",
    "gradient_norm",
)
MANY_FEATURES = 40  # of so many, half the share is hidden that is hidden of very many
_SCORING_ROWS = 4096  # rows scored at once: bounds memory at many members


@dataclass(frozen=True)
class TrainingRows:
    """The rows of one fold, float32, scaled to values between `low` and `high`.

    Labelled ones are [n, features], their labels int [n], unlabelled ones [m, features]. Each of the labelled classes
    occurs; the last one is rare. `taught` is a teacher's risk of the unlabelled ones, float [m]; None: there is none.
    """

    labeled: np.ndarray
    labels: np.ndarray
    unlabeled: np.ndarray
    classes: int
    low: float
    high: float
    taught: np.ndarray | None = None


def hidden_share(most: float, features: int) -> float:
    """Return the share of so many features that is hidden in training: `most` of very many, less where there are few.

    Where each of a few features counts, hiding as many as of telemetry's hundreds costs PR-AUC .02 to .08 (measured).
    """
    return most * features / (features + MANY_FEATURES)


class Program:
    """Weights, Adam moments and the compiled round of P members over one fold's resident rows.

    Random numbers are stateless: batches of member p in round r derive from (its seed, r), so a member trains
    the same alone or in company, before or after a restore. Generator noise and dropout masks derive from
    (fold seed, r) and are shared by the members.
    """

    def __init__(
        self, rows: TrainingRows, model: Model, train: Train, seed: int, member_seeds: tuple[int, ...]
    ) -> None:
        self.train, self.seed = train, seed
        self.sizes = Architecture(model, rows.labeled.shape[1], rows.classes, rows.low, rows.high)
        self.updates = updates(train, self.sizes)
        initial = initial_weights(self.sizes, member_seeds)
        self.weights = {name: tf.Variable(value, name=name) for name, value in initial.items()}
        # The first and the second moment of each weight that an update moves.
        self.moments = [
            {name: [tf.Variable(tf.zeros_like(self.weights[name])) for _ in range(2)] for name in self._moved(update)}
            for update in self.updates
        ]
        # The generator and the unsupervised head never serve: they need no average.
        serving = [name for name in self.weights if name.split("/")[0] in ("steps", "trunk", "supervised")]
        self._averages = {name: tf.Variable(self.weights[name]) for name in serving}
        rates = (hidden_share(model.input_dropout, rows.labeled.shape[1]), *[model.dropout] * len(model.trunk))
        self._dropout = rates if model.objective == "corrected" else (0.0,) * len(rates)
        self._member_seeds = tf.constant(member_seeds, tf.int32)
        self._place(rows)
        # Without AutoGraph: rewriting the source of every function in here takes longer than tracing it.
        self._round = tf.function(self._iterate, autograph=False, jit_compile=train.xla)
        self._draw = tf.function(self._draw_round, autograph=False)
        self._average = tf.function(self._average_in, autograph=False)
        # Chunks of rows differ in length: this keeps it to one more trace.
        self._score = tf.function(self._rare_probability, autograph=False, reduce_retracing=True)

    def run_round(self, number: int) -> dict[str, np.ndarray]:
        """Train for one round of iterations and return the round's mean of every watched series, float [P] each."""
        draws = self._draw(tf.constant(number, tf.int32))
        means = self._round(tf.constant(number * self.train.round_iterations, tf.int32), *draws).numpy()
        # A running average would remember the initial weights: at first it is the plain mean of the rounds so far.
        self._average(tf.constant(min(self.train.averaging, number / (number + 1)), tf.float32))
        return {name: means[index] for index, name in enumerate(SERIES)}

    def risk_scores(self, rows: np.ndarray) -> np.ndarray:
        """Return the rare class's probability of scaled rows [n, features] by each averaged member: float32 [P, n]."""
        chunks = [rows[start : start + _SCORING_ROWS] for start in range(0, len(rows), _SCORING_ROWS)]
        return np.concatenate([self._score(tf.constant(chunk)).numpy() for chunk in chunks], axis=1)

    def state(self) -> dict[str, np.ndarray]:
        """Return copies of all weights, averages and Adam moments by name."""
        return {name: variable.numpy() for name, variable in self._variables().items()}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Set all weights, averages and Adam moments to a former `state`."""
        for name, variable in self._variables().items():
            variable.assign(state[name])

    def inference_weights(self) -> dict[str, np.ndarray]:
        """Return copies of the averaged weights that a risk score needs: trunk and supervised head."""
        return {name: average.numpy() for name, average in self._averages.items()}

    def _place(self, rows: TrainingRows) -> None:
        # Sorted by class: a row of a given class is then an index in one range.
        order = np.argsort(rows.labels, kind="stable")
        counts = np.bincount(rows.labels, minlength=rows.classes)
        starts = np.cumsum(counts) - counts
        pattern = class_pattern(self.train.batch, rows.classes)
        self._first = tf.constant(starts[pattern], tf.int32)
        self._count = tf.constant(counts[pattern], tf.float32)
        self._rows = tf.constant(np.concatenate([rows.labeled[order], rows.unlabeled]), tf.float32)
        self._labeled_rows, self._all_rows = len(rows.labeled), len(rows.labeled) + len(rows.unlabeled)
        taught = np.zeros(len(rows.unlabeled)) if rows.taught is None else rows.taught
        self._taught = tf.constant(np.concatenate([np.zeros(len(rows.labeled)), taught]), tf.float32)

    def _draw_round(self, number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, Masks]:
        """Draw a round's row indices [T, P, 2 B], noise [T, 1, z, B] and a step's dropout masks (see `Batch`)."""
        steps, batch = self.train.round_iterations, self.train.batch

        def of_member(seed: tf.Tensor) -> tf.Tensor:
            # Even second seeds for labelled rows and noise, odd ones for unlabelled rows and masks.
            uniform = tf.random.stateless_uniform((steps, batch), (seed, 2 * number))
            labeled = self._first + tf.cast(uniform * self._count, tf.int32)
            unlabeled = tf.random.stateless_uniform(
                (steps, batch), (seed, 2 * number + 1), self._labeled_rows, self._all_rows, tf.int32
            )
            return tf.concat([labeled, unlabeled], axis=1)

        indices = tf.map_fn(of_member, self._member_seeds, fn_output_signature=tf.int32)
        noise = tf.random.stateless_normal((steps, 1, self.sizes.model.noise, batch), (self.seed, 2 * number))
        widths = (self.sizes.features, *self.sizes.model.trunk)
        # Shared by the members: masks of their own gained nothing where that was measured.
        masks: Masks = []
        for layer, (rate, width) in enumerate(zip(self._dropout, widths, strict=True)):
            shape = (steps, 1, width, 3 * batch) if layer else (steps, 1, 3 * batch, width)
            seed = (self.seed + layer, 2 * number + 1)
            # The floor is 1 with probability 1 - rate; divided by that, inference needs no scale.
            kept = tf.floor(tf.random.stateless_uniform(shape, seed) + 1.0 - rate) / (1.0 - rate) if rate else None
            masks.append(kept)
        return tf.transpose(indices, (1, 0, 2)), noise, masks

    def _iterate(self, first: tf.Tensor, indices: tf.Tensor, noise: tf.Tensor, masks: Masks) -> tf.Tensor:
        def one_more(step: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            labeled, unlabeled = tf.split(tf.gather(self._rows, indices[step]), 2, axis=1)
            taught = tf.gather(self._taught, indices[step][:, self.train.batch :])
            at_step = [None if mask is None else mask[step] for mask in masks]
            batch = Batch(labeled, unlabeled, taught, noise[step], at_step)
            return step + 1, total + self._one_iteration(first + step, batch)

        steps = self.train.round_iterations
        start = (tf.constant(0), tf.zeros((len(SERIES), len(self._member_seeds))))
        # The length is fixed when it is traced, which XLA compiles best.
        total = tf.while_loop(lambda step, _: step < steps, one_more, start, maximum_iterations=steps)[1]
        return total / steps

    def _one_iteration(self, iteration: tf.Tensor, batch: Batch) -> tf.Tensor:
        watched: dict[str, tf.Tensor] = {}
        squares = []
        # Weights are read again only after they moved, so that passes over networks at rest are computed once.
        weights = {name: tf.convert_to_tensor(variable) for name, variable in self.weights.items()}
        for update, moments in zip(self.updates, self.moments, strict=True):
            names = self._moved(update)
            with tf.GradientTape() as tape:
                # Nothing else is watched: other networks stand still, though the loss passes through them.
                tape.watch([weights[name] for name in names])
                loss, figures = update.loss(weights, batch)
            gradients = tape.gradient(loss, [weights[name] for name in names])
            squares += [tf.reduce_sum(tf.square(gradient), axis=(1, 2)) for gradient in gradients]
            for name, gradient in zip(names, gradients, strict=True):
                _adam(self.weights[name], moments[name], gradient, iteration, update)
            weights |= {name: tf.convert_to_tensor(self.weights[name]) for name in names}
            # Unlabelled and generated rows may report one loss in two parts.
            for name, value in figures.items():
                watched[name] = watched[name] + value if name in watched else value
        watched["gradient_norm"] = tf.sqrt(tf.add_n(squares))
        # One tensor for all series: a round's figures come back in one transfer.
        return tf.stack([watched[name] for name in SERIES])

    def _average_in(self, keep: tf.Tensor) -> None:
        for name, average in self._averages.items():
            average.assign(keep * average + (1.0 - keep) * self.weights[name])

    def _rare_probability(self, rows: tf.Tensor) -> tf.Tensor:
        weights = {name: tf.convert_to_tensor(average) for name, average in self._averages.items()}
        log_p = supervised_log_probabilities(weights, trunk_features(weights, rows[tf.newaxis]))
        return tf.exp(log_p[:, self.sizes.classes - 1])

    def _moved(self, update: Update) -> list[str]:
        # No update names `steps`: thresholds stay where they were drawn.
        return [name for name in self.weights if name.split("/")[0] in update.networks]

    def _variables(self) -> dict[str, tf.Variable]:
        named = {f"weights/{name}": variable for name, variable in self.weights.items()}
        named |= {f"averages/{name}": average for name, average in self._averages.items()}
        for number, moments in enumerate(self.moments):
            for name, (first, second) in moments.items():
                named |= {f"first_moment/{number}/{name}": first, f"second_moment/{number}/{name}": second}
        return named


def _adam(
    variable: tf.Variable, moments: list[tf.Variable], gradient: tf.Tensor, iteration: tf.Tensor, update: Update
) -> None:
    """Take one Adam step (Kingma & Ba 2015) in a fused kernel; weight decay is decoupled (Loshchilov & Hutter 2019)."""
    step = tf.cast(iteration, tf.float32)
    rate = update.learning_rate * tf.pow(update.decay, tf.floor(step / 500.0))
    if update.weight_decay and variable.name.split(":")[0].endswith("weights"):
        # Apart from the gradient, so that Adam's moments do not see the decay.
        variable.assign(variable * (1.0 - rate * update.weight_decay))
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=moments[0].handle,
        v=moments[1].handle,
        beta1_power=tf.pow(update.betas[0], step + 1.0),
        beta2_power=tf.pow(update.betas[1], step + 1.0),
        lr=rate,
        beta1=update.betas[0],
        beta2=update.betas[1],
        epsilon=ADAM_EPSILON,
        grad=gradient,
    )
