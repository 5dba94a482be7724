"""The training loop of one fold: rounds and checkpoints; it knows nothing of players or definitions."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from scarcegan.gan.checkpoints import CheckpointFile
from scarcegan.gan.health import alarms, member_faults, require_survivors
from scarcegan.gan.program import Program
from scarcegan.gan.progress import Progress
from scarcegan.machine import MachineTakenAway

MAX_KEPT_ROUNDS = 40  # enough to choose from; their weights are held in memory and in each checkpoint
# First share of the training whose weights are never selected: half trained, some look best by luck.
BURN_IN = 0.3
# Rounds between two checkpoints: each holds the weights of all kept rounds, and a killed task repeats at most so many.
CHECKPOINT_ROUNDS = 4

Weights = dict[str, np.ndarray]
Measure = Callable[[np.ndarray, Weights], dict[str, np.ndarray]]
OnRound = Callable[[Progress], None]


@dataclass(frozen=True)
class TrainedMembers:
    """What a fold's training leaves behind: R rounds after the burn-in, at most 40, evenly spread and with the last.

    Attributes:
        iterations: int [R], reached by each round.
        weights: R dicts of inference weights, float32 [P, ...] each.
        scores: float32 [R, P, n], risk scores of the validation rows after each round.
        healthy: bool [R, P], what may be selected: rounds in which the member was well, of members well in the end; at
            least one member of the last round.
    """

    iterations: Sequence[int]
    weights: Sequence[Weights]
    scores: np.ndarray
    healthy: np.ndarray
    progress: Progress


def train_members(
    program: Program,
    validation: np.ndarray,
    measure: Measure,
    checkpoint: CheckpointFile | None = None,
    on_round: OnRound | None = None,
) -> TrainedMembers:
    """Train all members to the end, from the latest checkpoint if there is one.

    Validation rows, float32 [n, features], scaled, are scored each round; `measure` maps scores [P, n] and the weights
    behind them to further series, float [P] each. `on_round` sees the progress after each round.

    Raises:
        TrainingCollapsed: no member is left.
        MachineTakenAway: `on_round` raised it; the checkpoint is of the last round.
        CheckpointProblem: the checkpoint is unreadable or of another training.
    """
    run = _Run(program, checkpoint)
    for number in range(run.restore(), program.train.iterations // program.train.round_iterations):
        figures = program.run_round(number)
        scores = program.risk_scores(validation)
        weights = program.inference_weights()
        run.record(number, figures | measure(scores, weights), scores, weights)
        if (number + 1) % CHECKPOINT_ROUNDS == 0:
            run.save()
        try:
            if on_round:
                on_round(run.progress)
        except MachineTakenAway:
            # Without this one, all rounds since the last due checkpoint are lost.
            run.save()
            raise
    return run.outcome()


class _Run:
    """The state that grows while a fold trains; weights and scores are those of the kept rounds, by iteration."""

    def __init__(self, program: Program, checkpoint: CheckpointFile | None) -> None:
        self.program, self.checkpoint = program, checkpoint
        members = program.train.members
        self.progress = Progress(members, program.train.iterations, [], [], [], {}, [True] * members, [])
        self.weights: dict[int, Weights] = {}
        self.scores: dict[int, np.ndarray] = {}
        self.started = time.monotonic()

    def record(self, number: int, figures: dict[str, np.ndarray], scores: np.ndarray, weights: Weights) -> None:
        iteration = (number + 1) * self.program.train.round_iterations
        faults, former = member_faults(figures, scores), self.progress
        reached, all_faults = [*former.iteration, iteration], [*former.faults, faults]
        series = {name: [*former.series.get(name, ()), values.tolist()] for name, values in figures.items()}
        # A new record each round: whoever was shown the former one keeps it as it was.
        self.progress = replace(
            former,
            iteration=reached,
            seconds=[*former.seconds, time.monotonic() - self.started],
            faults=all_faults,
            series=series,
            healthy=[not fault for fault in faults],
            alarms=alarms(reached, all_faults, series),
        )
        require_survivors(faults, iteration)
        if _is_kept(number, self.program):
            self.weights[iteration], self.scores[iteration] = weights, scores

    def outcome(self) -> TrainedMembers:
        # Faults are of all rounds, weights of the kept ones alone.
        kept = np.isin(self.progress.iteration, list(self.scores))
        healthy = (np.array(self.progress.faults)[kept] == "") & np.array(self.progress.healthy)
        weights, scores = list(self.weights.values()), np.stack(list(self.scores.values()))
        return TrainedMembers(list(self.scores), weights, scores, healthy, self.progress)

    def save(self) -> None:
        if self.checkpoint is None:
            return
        arrays = {f"program/{name}": value for name, value in self.program.state().items()}
        arrays |= {f"scores/{iteration}": scores for iteration, scores in self.scores.items()}
        for iteration, weights in self.weights.items():
            arrays |= {f"weights/{iteration}/{name}": value for name, value in weights.items()}
        self.checkpoint.save(arrays, self.progress.to_plain())

    def restore(self) -> int:
        """Take up the latest checkpoint and return the number of the next round."""
        stored = self.checkpoint.load() if self.checkpoint else None
        if stored is None:
            return 0
        arrays, meta = stored
        self.program.restore(_under("program/", arrays))
        self.progress = Progress.from_plain(meta)
        # The clock goes on from where the earlier task stopped.
        self.started -= self.progress.seconds[-1]
        self.scores = {int(iteration): scores for iteration, scores in _under("scores/", arrays).items()}
        self.weights = {iteration: _under(f"weights/{iteration}/", arrays) for iteration in self.scores}
        return len(self.progress.iteration)


def _is_kept(number: int, program: Program) -> bool:
    rounds = program.train.iterations // program.train.round_iterations
    burn_in = int(rounds * BURN_IN)
    every = -(-(rounds - burn_in) // MAX_KEPT_ROUNDS)
    # Counted from the end: the last round is always kept.
    return number >= burn_in and (rounds - 1 - number) % every == 0


def _under(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}
