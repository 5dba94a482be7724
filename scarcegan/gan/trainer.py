"""The training loop of one fold: rounds, snapshots, checkpoints; it knows nothing of players or definitions."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from scarcegan.gan.checkpoints import CheckpointFile
from scarcegan.gan.health import alarms, member_faults, require_survivors
from scarcegan.gan.program import SERIES, Program

MAX_SNAPSHOTS = 40

Measure = Callable[[np.ndarray], dict[str, np.ndarray]]
OnRound = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class TrainedMembers:
    """What a fold's training leaves behind.

    Attributes:
        iterations: int list [S], when each snapshot was taken.
        snapshots: S dicts of inference weights, float32 [P, ...] each.
        scores: float32 [S, P, n], risk scores of the validation rows at each snapshot.
        healthy: bool [P], members that may be selected.
        history: the watched series by round, see `new_history`.
    """

    iterations: list[int]
    snapshots: list[dict[str, np.ndarray]]
    scores: np.ndarray
    healthy: np.ndarray
    history: dict[str, Any]


def new_history(program: Program) -> dict[str, Any]:
    """Return an empty history: `iteration`, `seconds` and every series grow by one entry a round."""
    train = program.train
    empty: dict[str, Any] = {"iteration": [], "seconds": [], "alarms": [], "healthy": [True] * train.members}
    return empty | {"members": train.members, "iterations": train.iterations} | {name: [] for name in SERIES}


def train_members(
    program: Program,
    validation: np.ndarray,
    measure: Measure,
    checkpoint: CheckpointFile | None = None,
    on_round: OnRound | None = None,
) -> TrainedMembers:
    """Train all members to the end, from the latest checkpoint if there is one.

    Args:
        program: the compiled program of the fold.
        validation: float32 [n, features], scaled held-out rows; they are scored each round.
        measure: maps scores [P, n] to further series, float [P] each.
        checkpoint: where to save and restore; None trains without.
        on_round: sees the history after each round.

    Raises:
        TrainingCollapsed: no member is left.
        CheckpointProblem: the checkpoint is unreadable or of another training.
    """
    run = _Run(program, checkpoint)
    for number in range(run.restore(), program.train.iterations // program.train.round_iterations):
        figures = program.run_round(number)
        scores = program.risk_scores(validation)
        run.record(number, figures, measure(scores), scores)
        run.save_when_due(number)
        if on_round:
            on_round(run.history)
    healthy = np.array(run.history["healthy"])
    return TrainedMembers(run.iterations, run.snapshots, np.stack(run.scores), healthy, run.history)


class _Run:
    """The state that grows while a fold trains."""

    def __init__(self, program: Program, checkpoint: CheckpointFile | None) -> None:
        self.program, self.checkpoint = program, checkpoint
        self.history = new_history(program)
        self.iterations: list[int] = []
        self.snapshots: list[dict[str, np.ndarray]] = []
        self.scores: list[np.ndarray] = []
        self.started, self.seconds_before = time.monotonic(), 0.0

    def record(
        self, number: int, figures: dict[str, np.ndarray], measured: dict[str, np.ndarray], scores: np.ndarray
    ) -> None:
        iteration = (number + 1) * self.program.train.round_iterations
        faults = member_faults(figures, scores)
        self.history["iteration"].append(iteration)
        self.history["seconds"].append(self.seconds_before + time.monotonic() - self.started)
        for name, values in (figures | measured).items():
            self.history.setdefault(name, []).append([float(value) for value in values])
        self.history["healthy"] = [not fault for fault in faults]
        self.history["alarms"] = alarms(faults, figures, iteration)
        require_survivors(faults, iteration)
        if _takes_snapshot(number, self.program):
            self.iterations.append(iteration)
            self.snapshots.append(self.program.inference_weights())
            self.scores.append(scores)

    def save_when_due(self, number: int) -> None:
        if self.checkpoint is None or (number + 1) % self.program.train.checkpoint_rounds:
            return
        arrays = {f"program/{name}": value for name, value in self.program.state().items()}
        for index, (snapshot, scores) in enumerate(zip(self.snapshots, self.scores, strict=True)):
            arrays |= {f"snapshot/{index}/{name}": value for name, value in snapshot.items()}
            arrays[f"scores/{index}"] = scores
        meta = {"round": number + 1, "iterations": self.iterations, "history": self.history}
        self.checkpoint.save(arrays, meta)

    def restore(self) -> int:
        """Take up the latest checkpoint and return the number of the next round."""
        stored = self.checkpoint.load() if self.checkpoint else None
        if stored is None:
            return 0
        arrays, meta = stored
        self.program.restore(_under("program/", arrays))
        self.iterations, self.history = meta["iterations"], meta["history"]
        self.seconds_before = self.history["seconds"][-1]
        self.snapshots = [_under(f"snapshot/{index}/", arrays) for index in range(len(self.iterations))]
        self.scores = [arrays[f"scores/{index}"] for index in range(len(self.iterations))]
        return int(meta["round"])


def _takes_snapshot(number: int, program: Program) -> bool:
    rounds = program.train.iterations // program.train.round_iterations
    burn_in = min(int(rounds * program.train.burn_in), rounds - 1)
    every = -(-(rounds - burn_in) // MAX_SNAPSHOTS)
    return number >= burn_in and (rounds - 1 - number) % every == 0


def _under(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}
