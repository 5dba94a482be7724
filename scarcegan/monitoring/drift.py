"""What watching a snapshot says: how far it lies from its reference, and what follows from that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from scarcegan.records import Record
from scarcegan.settings.monitoring_sections import SignalName

Action = Literal["no action", "watch", "retrain"]


@dataclass(frozen=True)
class ComparedSnapshot(Record):
    """One side of a drift report; `compared` of its players were drawn."""

    name: str
    cutoff: str
    fingerprint: str
    players: int
    compared: int


@dataclass(frozen=True)
class FeatureDrift(Record):
    """How far one feature has moved, each measure beside its limit; None where one side has no value at all."""

    name: str
    psi: float | None
    psi_limit: float
    ks: float | None
    ks_limit: float
    missing_share: float | None
    missing_share_limit: float
    missing_before: float
    missing_now: float
    median_before: float | None
    median_now: float | None
    flagged: bool


@dataclass(frozen=True)
class ClassifierDrift(Record):
    """Whether a classifier tells the two snapshots apart.

    Attributes:
        auc: 0.5 where it cannot.
        limit: what stable snapshots reach.
        null_high: what chance alone reaches.
        p: chance of such an AUC without drift.
        rows: of each side, at most.
    """

    auc: float
    limit: float
    null_high: float
    p: float
    rows: int


@dataclass(frozen=True)
class ScoreDrift(Record):
    """How the risk scores have moved.

    Attributes:
        ks, limit: largest distance of the two distribution functions, and what stable snapshots reach.
        threshold: score from which a player is flagged.
        flagged_before, flagged_now: shares of players.
        scores: a grid in [0, 1].
        above_before, above_now: share of players with at least that score.
    """

    ks: float
    limit: float
    threshold: float
    flagged_before: float
    flagged_now: float
    scores: Sequence[float]
    above_before: Sequence[float]
    above_now: Sequence[float]


@dataclass(frozen=True)
class UnknownDrift(Record):
    """Shares of players whose most probable class is 'unknown', and the limit of their difference."""

    before: float
    now: float
    limit: float


@dataclass(frozen=True)
class RealisedRecall(Record):
    """Of `risky` players of a snapshot labelled risky since, `found` had been flagged.

    Attributes:
        value: found / risky.
        promised: the recall that the release was registered with.
        p: chance of finding so few if the promise holds.
    """

    snapshot: str
    risky: int
    found: int
    value: float
    promised: float
    p: float


@dataclass(frozen=True)
class SignalSize(Record):
    """The size of one signal, and whether it lies beyond its limit."""

    size: float
    beyond: bool


@dataclass(frozen=True)
class DriftReport(Record):
    """Two snapshots measured against each other, beside their limits.

    Attributes:
        false_alarms: probability that the limits stand for.
        pairs: past pairs of snapshots behind the limits; 0: chance alone.
        features: the most moved first.
        unknown_share: None for a model without that output.
        recall: None where no labels came later.
        signals: `recall` only where labels came later.
    """

    reference: ComparedSnapshot
    current: ComparedSnapshot
    false_alarms: float
    pairs: int
    features: Sequence[FeatureDrift]
    classifier: ClassifierDrift
    score: ScoreDrift
    unknown_share: UnknownDrift | None
    recall: RealisedRecall | None
    signals: Mapping[SignalName, SignalSize]

    @property
    def beyond(self) -> list[SignalName]:
        """Names of the signals beyond their limits."""
        return [name for name, signal in self.signals.items() if signal.beyond]


@dataclass(frozen=True)
class SignalState(Record):
    """One signal in this period: whether it is raised, and for how many periods in a row."""

    size: float
    least: float
    raised: bool
    periods: int
    retrain_after: int


@dataclass(frozen=True)
class DriftDecision(Record):
    """What follows from a drift report.

    Attributes:
        reasons: in words.
        causes: names of the signals behind a retraining.
        signals: their states; none where drift could not be measured.
        cutoff: of the snapshot.
        version: of the champion that scored it.
    """

    action: Action
    reasons: Sequence[str]
    causes: Sequence[str]
    signals: Mapping[SignalName, SignalState]
    cutoff: str
    version: int


@dataclass(frozen=True)
class DriftRecord(Record):
    """What is kept of a period: one snapshot, scored by one champion."""

    drift: DriftReport
    decision: DriftDecision


@dataclass(frozen=True)
class StablePair(Record):
    """What was measured between two neighbouring snapshots; see `scarcegan.monitoring.measures` for the measures."""

    snapshots: Sequence[str]
    psi: Sequence[float]
    ks: Sequence[float]
    missing_share: Sequence[float]
    classifier: Sequence[float]
    score: Sequence[float]
    unknown_share: Sequence[float]


@dataclass(frozen=True)
class StablePairs(Record):
    """The past pairs from which one champion's limits come."""

    pairs: Sequence[StablePair]


@dataclass(frozen=True)
class StartedRetraining(Record):
    """The run that has started a retraining on a snapshot; there is one record for each snapshot."""

    snapshot: str
    by: str
