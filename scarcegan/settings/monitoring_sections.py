"""Settings of the watch: how drift is measured, and when it makes a retraining."""

from typing import Annotated

from pydantic import Field

from scarcegan.settings.section import Section, Share


class Signal(Section):
    """When one sign of drift counts, and when it retrains."""

    least: Annotated[float, Field(ge=0, le=1)]
    """Size from which the signal counts, however sure a smaller one is."""
    retrain_after: Annotated[int, Field(ge=0)]
    """Periods in a row that make a retraining; 0: the signal is watched, it never retrains."""


class Signals(Section):
    """The signs of drift."""

    features: Signal = Signal(least=0.05, retrain_after=0)
    """Size: share of the features beyond their limits."""
    classifier: Signal = Signal(least=0.6, retrain_after=2)
    """Size: AUC of a classifier that tells the snapshot's players from the reference's."""
    score: Signal = Signal(least=0.05, retrain_after=2)
    """Size: largest distance of the distribution functions of the risk score."""
    unknown_share: Signal = Signal(least=0.05, retrain_after=0)
    """Size: change of the share of players whose most probable class is 'unknown'."""
    recall: Signal = Signal(least=0.05, retrain_after=1)
    """Size: how far recall, realised on labels that came later, is below what the release promised."""


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
    signals: Signals = Signals()
    """What counts as a signal, and which of them retrain."""
