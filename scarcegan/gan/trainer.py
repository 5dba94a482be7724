"""The training loop of one fold: rounds, snapshots, checkpoints; it knows nothing of players or definitions."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from scarcegan.gan.checkpoints import CheckpointFile
from scarcegan.gan.health import alarms, member_faults, note_troubles, require_survivors
from scarcegan.gan.program import SERIES, Program
from scarcegan.machine import MachineTakenAway

MAX_SNAPSHOTS = 40

Measure = Callable[[np.ndarray, dict[str, np.ndarray]], dict[str, np.ndarray]]
OnRound = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class TrainedMembers:
    """What a fold's training leaves behind.

    Attributes:
        iterations: int list [S], when each snapshot was taken.
        snapshots: S dicts of inference weights, float32 [P, ...] each.
        scores: float32 [S, P, n], risk scores of the validation rows at each snapshot.
        healthy: bool [S, P], what may be selected: snapshots taken while the member was well, of members that
            are well in the end.
        history: the watched series by round, see `new_history`.
    """

    iterations: list[int]
    snapshots: list[dict[str, np.ndarray]]
    scores: np.ndarray
    healthy: np.ndarray
    history: dict[str, Any]


def new_history(program: Program) -> dict[str, Any]:
    """Return an empty history.

    `iteration`, `seconds`, `faults` (a word or nothing per member) and every watched series grow by one entry a
    round; `healthy`, `troubles` and `alarms` (the troubles in words) are as of the last round.
    """
    train = program.train
    by_round: dict[str, Any] = {name: [] for name in ("iteration", "seconds", "faults", *SERIES)}
    state = {"healthy": [True] * train.members, "troubles": {}, "alarms": []}
    return by_round | state | {"members": train.members, "iterations": train.iterations}


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
        measure: maps scores [P, n] and the weights behind them to further series, float [P] each.
        checkpoint: where to save and restore; None trains without.
        on_round: sees the history after each round.

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
        run.save_when_due(number)
        if on_round:
            _tell(on_round, run, number)
    return TrainedMembers(run.iterations, run.snapshots, np.stack(run.scores), run.healthy(), run.history)


def _tell(on_round: OnRound, run: "_Run", number: int) -> None:
    try:
        on_round(run.history)
    except MachineTakenAway:
        run.save(number)
        raise


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
        self, number: int, figures: dict[str, np.ndarray], scores: np.ndarray, weights: dict[str, np.ndarray]
    ) -> None:
        iteration, history = (number + 1) * self.program.train.round_iterations, self.history
        faults = member_faults(figures, scores)
        history["iteration"].append(iteration)
        history["seconds"].append(self.seconds_before + time.monotonic() - self.started)
        history["faults"].append(faults)
        for name, values in figures.items():
            history.setdefault(name, []).append([float(value) for value in values])
        history["healthy"] = [not fault for fault in faults]
        history["troubles"] = note_troubles(history["troubles"], faults, figures, iteration)
        history["alarms"] = alarms(history["troubles"])
        require_survivors(faults, iteration)
        if _takes_snapshot(number, self.program):
            self.iterations.append(iteration)
            self.snapshots.append(weights)
            self.scores.append(scores)

    def healthy(self) -> np.ndarray:
        """Tell which snapshots may be selected, bool [S, P]; at least one of the last may."""
        rounds = np.searchsorted(self.history["iteration"], self.iterations)
        well = np.array(self.history["faults"])[rounds] == ""
        return well & np.array(self.history["healthy"])

    def save_when_due(self, number: int) -> None:
        if (number + 1) % self.program.train.checkpoint_rounds == 0:
            self.save(number)

    def save(self, number: int) -> None:
        if self.checkpoint is None:
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
