"""Settings of the watch: how drift is measured, and when it makes a retraining."""

from typing import Annotated, Literal

from pydantic import Field

from scarcegan.settings.section import Positive, Section, Share

SignalName = Literal["features", "classifier", "score", "unknown_share", "recall"]
RETRAIN_AFTER: dict[SignalName, int] = {"classifier": 2, "score": 2, "recall": 1}


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
