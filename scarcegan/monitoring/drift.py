"""What watching a snapshot says: how far it lies from its reference, and what follows from that."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

from scarcegan import words
from scarcegan.evaluation.figures import Interval
from scarcegan.records import Record
from scarcegan.settings.operation_sections import SignalName
from scarcegan.settings.words_section import USUAL, Words

Action = Literal["no action", "watch", "retrain"]


class ComparedSnapshot(Record):
    """One side of a drift report; `compared` of its players were drawn."""

    name: str
    cutoff: str
    fingerprint: str
    players: int
    compared: int

    def who(self, their: Words) -> str:
        """Whose features and scores are compared, in words."""
        drawn = f"{words.count(self.compared)} drawn from " if self.compared < self.players else ""
        return f"{drawn}all {their.counted(self.players)} of {self.name}"


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


class ClassifierDrift(Record):
    """Whether a classifier tells the two snapshots apart: its AUC is 0.5 where it cannot.

    Stable snapshots reach `limit`, chance alone `null_high`; without drift such an AUC has the chance `p`. Each side
    has `rows` at most.
    """

    auc: float
    limit: float
    null_high: float
    p: float
    rows: int


class ScoredPlayers(Record):
    """How a model scores so many players; made by `scarcegan.monitoring.measures.scored_players`.

    Shares have their 95 % intervals: players who are flagged, and whose most probable class is 'unknown' (None without
    that output). Quantiles are those of the risk score at `scarcegan.serving.distribution.LEVELS`.
    """

    players: int
    flagged_share: Interval
    unknown_share: Interval | None
    quantiles: Sequence[float]


class ScoreDrift(Record):
    """How the risk scores have moved: `ks`, the largest distance of the two distribution functions, and its limit.

    `before` are the reference's players. These are the only players that those scored `now` are compared with.
    """

    ks: float
    limit: float
    threshold: float
    before: ScoredPlayers
    now: ScoredPlayers


class UnknownDrift(Record):
    """Shares of players whose most probable class is 'unknown', and the limit of their difference."""

    before: Interval
    now: Interval
    limit: float


class RealisedRecall(Record):
    """Of `risky` players of a snapshot labelled risky since, `found` had been flagged: `value` is found / risky.

    `low` and `high` are the ends of its 95 % interval. `registered` is the recall that the release was registered with,
    `p` the chance of finding so few if it holds. Where outcomes of an audit sample tell it, all these are estimates for
    everyone, of all snapshots up to this one, from `reviewed` players; otherwise that is 0.
    """

    snapshot: str
    risky: int
    found: int
    value: float
    low: float
    high: float
    registered: float
    p: float
    reviewed: int = 0


class SignalSize(Record):
    """The size of one signal, and whether it lies beyond its limit."""

    size: float
    beyond: bool


class DriftReport(Record):
    """Two snapshots measured against each other, beside their limits; the most moved feature comes first.

    The limits stand for the probability `false_alarms` and come from `pairs` past pairs of snapshots, 0: from chance
    alone. `unknown_share` is None for a model without that output, `recall` where no labels came later.
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
    words: Words = USUAL

    @property
    def beyond(self) -> list[SignalName]:
        """Names of the signals beyond their limits."""
        return [name for name, signal in self.signals.items() if signal.beyond]


class SignalState(Record):
    """One signal in this period: whether it is raised, and for how many periods in a row."""

    size: float
    least: float
    raised: bool
    periods: int
    retrain_after: int


class DriftDecision(Record):
    """What follows from a drift report on the snapshot of a cut-off, scored by a version of the champion.

    Causes name the signals behind a retraining; there are no signals where drift could not be measured. The promise
    says whether what was promised at registration carries over to this snapshot; it is empty where nothing is against
    it. `asked_before`: a decision on this snapshot that this one replaces had asked for a retraining.
    """

    action: Action
    reasons: Sequence[str]
    causes: Sequence[str]
    signals: Mapping[SignalName, SignalState]
    cutoff: str
    version: int
    promise: str = ""
    asked_before: bool = False

    @property
    def has_asked(self) -> bool:
        """Whether a retraining was asked for on this snapshot, now or before."""
        return self.action == "retrain" or self.asked_before


class DriftBasis(Record):
    """What a drift report depends on beside its snapshot: where any of it differs, drift is measured again.

    Attributes:
        reference: name and fingerprint of the snapshot that is compared with.
        champion: sha256 of its archive.
        labels: digest of the labels table, or 'no labels'; with what outcomes tell of the recall.
        scored: players whose scores were counted in full; 0: only those drawn are known.
        pairs: past pairs of snapshots behind the limits.
        rows, false_alarms, seed: the settings of these names.
        measures: how features are compared; another number since what a distance means has changed.
    """

    reference: str
    champion: str
    labels: str
    scored: int
    pairs: int
    rows: int
    false_alarms: float
    seed: int
    measures: int = 1


class DecidedPeriod(Record):
    """What later periods need of an earlier one, whatever code has measured it."""

    decision: DriftDecision


class DriftRecord(DecidedPeriod):
    """What is kept of a period: one snapshot, scored by one champion."""

    drift: DriftReport
    basis: DriftBasis


class StablePair(Record):
    """What was measured between two neighbouring snapshots; see `scarcegan.monitoring.measures` for the measures."""

    snapshots: Sequence[str]
    psi: Sequence[float]
    ks: Sequence[float]
    missing_share: Sequence[float]
    classifier: Sequence[float]
    score: Sequence[float]
    unknown_share: Sequence[float]

    def covers(self, features: int) -> bool:
        """Tell whether it has finite measures of so many features, as one that was damaged may not."""
        of_features, single = (self.psi, self.ks, self.missing_share), (self.classifier, self.score, self.unknown_share)
        measured = [*((each, features) for each in of_features), *((one, 1) for one in single)]
        return all(len(values) == size and all(map(math.isfinite, values)) for values, size in measured)


class StablePairs(Record):
    """The past pairs from which one champion's limits come."""

    pairs: Sequence[StablePair]


class StartedRetraining(Record):
    """The run that has started a retraining on a snapshot; there is one record for each snapshot.

    Attributes:
        process: that waits for the retraining, see `scarcegan.machine.this_process`; empty where none waits.
        state: as that process has left it; if it has died, `started` is no proof of a retraining.
        run: pathspec of the retraining, once it is known.
    """

    snapshot: str
    by: str
    process: str = ""
    state: Literal["started", "finished", "failed"] = "started"
    run: str = ""
