"""Settings of what follows a release: how drift is watched, what people find out, for how long it is kept."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from scarcegan.settings.section import Positive, Section, Share

SignalName = Literal["features", "classifier", "score", "unknown_share", "recall"]
RETRAIN_AFTER: dict[SignalName, int] = {"classifier": 2, "score": 2, "recall": 1}
Meaning = Literal["risky", "harmless", "undecided"]
DECISIONS: dict[str, Meaning] = {"risky": "risky", "harmless": "harmless", "undecided": "undecided"}
Line = Annotated[str, Field(min_length=1, pattern=r"^[^\n]+$")]


class Monitoring(Section):
    """How far a scored snapshot may move from the reference, and when that retrains."""

    reference: str = ""
    """Snapshot to compare with; empty: the one that the champion was trained on."""
    rows: Annotated[int, Field(ge=100)] = 50_000
    """Players of each snapshot that are compared; drawn at random where there are more."""
    false_alarms: Share = 0.01
    """Chance that one signal is raised by a snapshot that did not drift."""
    pairs: Annotated[int, Field(ge=0, le=50)] = 6
    """Most past pairs of snapshots that set limits, the latest ones; fewer than 3: chance alone sets them."""
    cool_down: Annotated[int, Field(ge=0)] = 2
    """Periods after a retraining in which no other is asked for."""
    start_retraining: bool = False
    """Whether ScoreFlow starts RetrainFlow by itself when the decision is to retrain."""
    retrain_after: dict[SignalName, Positive] = RETRAIN_AFTER
    """Periods in a row after which a signal makes a retraining; a signal that is not named is only watched."""


class Outcomes(Section):
    """What reviewers decide of players, and when their decisions make a label."""

    folder: str = ""
    """Where outcomes are kept, local or `s3://`; empty: `.scarcegan/outcomes` in the project."""
    decisions: Annotated[dict[str, Meaning], Field(min_length=1)] = DECISIONS
    """What reviewers may decide, and whether that means `risky`, `harmless` or `undecided`."""
    agreeing: Positive = 1
    """Reviewers who must agree, and be the majority of those who have decided, before a decision is a label."""


class Hold(Section):
    """A legal hold: `scarcegan forget` and `prune` refuse to touch what it names."""

    player: Annotated[str, Field(pattern=r"^([0-9a-f]{32})?$")] = ""
    """Digest of a player's id, as `scarcegan forget PLAYER` shows it: all but runs with its rows; empty: no player."""
    snapshot: str = ""
    """Name of a snapshot: itself and its scores; empty: no snapshot."""
    run: Annotated[str, Field(pattern=r"^(\w+/\w+)?$")] = ""
    """A run, as in `ScoreFlow/12`: itself and its scores; empty: no run."""
    reason: Line
    """Why it is held."""
    who: Line
    """Who has asked for it."""

    def _faults(self) -> Iterator[str]:
        named = [name for name in ("player", "snapshot", "run") if getattr(self, name)]
        if len(named) != 1:
            yield f"expected a hold of a player, a snapshot or a run, got {named or 'none'}: name one"

    def names(self, place: str) -> bool:
        """Tell whether a path, or the pathspec of a run, is under this hold."""
        if self.run == place:
            return bool(self.run)
        parts = place.replace("\\", "/").split("/")
        # The scores of ScoreFlow/12 with version 3 lie in v3-ScoreFlow-12.
        own = f"-{self.run.replace('/', '-')}"
        return self.snapshot in parts if self.snapshot else bool(self.run) and any(one.endswith(own) for one in parts)

    @property
    def told(self) -> str:
        """What is held, why and for whom, without its name."""
        return f"held for {self.who}: {self.reason}"


class Retention(Section):
    """For how many days `scarcegan prune` keeps what holds players; not set: for good."""

    snapshots: Positive | None = None
    """Days after its cut-off for which a snapshot is kept."""
    scores: Positive | None = None
    """Days for which the scores and the review list of a run are kept, with them the design of its audit sample."""
    runs: Positive | None = None
    """Days for which a run is kept, also one behind a release; pinned runs stay."""
    outcomes: Positive | None = None
    """Days after the decision for which an outcome is kept."""
    holds: tuple[Hold, ...] = ()
    """Legal holds, a table each."""

    def holds_on(self, place: str) -> list[Hold]:
        """Return the holds on a run's pathspec, or on a path with the name of a snapshot or of a run's scores."""
        return [hold for hold in self.holds if hold.names(place)]
