"""The watch: a scored snapshot beside the one that its champion was trained on, and what follows from it.

Records lie beside the snapshots, in `_drift/<registry group>/<business definition>/`: one JSON file per snapshot and
champion, and in `limits/` one per champion. `_drift/<registry group>/started/` names the snapshots on which drift has
started a retraining. Watching a snapshot again returns what is on record, unless what it depends on has changed since
(`DriftBasis`): then the snapshot is measured again in its place. The decision follows anew from the measures, the
earlier periods and the rule of today.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa

from scarcegan import words
from scarcegan.evaluation.measures import is_unknown
from scarcegan.monitoring.calibration import FEWEST_PAIRS, chance_limits, pair_limits
from scarcegan.monitoring.decision import cannot_measure, decide
from scarcegan.monitoring.drift import (
    ComparedSnapshot,
    DecidedPeriod,
    DriftBasis,
    DriftDecision,
    DriftRecord,
    DriftReport,
    RealisedRecall,
    ScoredPlayers,
    StablePair,
    StablePairs,
)
from scarcegan.monitoring.measures import Measured, Sample, measure, scored_players
from scarcegan.monitoring.records import Records
from scarcegan.monitoring.report import drift_report, realised_recall
from scarcegan.records import Record
from scarcegan.registry import ModelVersion
from scarcegan.serving.distribution import count_scores, counted_quantiles
from scarcegan.serving.model import Model
from scarcegan.settings import Monitoring, Snapshots
from scarcegan.settings.words_section import USUAL, Words
from scarcegan.snapshots import Manifest, SnapshotStore, open_snapshots
from scarcegan.snapshots.labels import Labels, became_risky
from scarcegan.snapshots.store import ID
from scarcegan.storage import join

# The meaning of the distances; see `DriftBasis`. 2: an empty decile of few players counts as half a player.
MEASURES = 2


class Watched(Record):
    """What watching a snapshot gives; drift and reference are None where there is nothing to compare with."""

    drift: DriftReport | None
    decision: DriftDecision
    snapshot: Manifest
    reference: Manifest | None


def retrainings_of(snapshots: Snapshots, group: str) -> Records:
    """Open the record of the snapshots on which drift has started a retraining, one for a registry group."""
    return Records(join(_drift_folder(group, open_snapshots(snapshots.folder)), "started"))


def _drift_folder(group: str, store: SnapshotStore) -> str:
    return join(join(store.folder, "_drift"), group)


@dataclass(frozen=True)
class Watch:
    """Compares snapshots with the one that a champion was trained on, decides, and keeps both on record.

    The model is the champion, the version what the registry says of it; the seed draws the players that are compared.
    The labels, all that are known, are for recall; reports and decisions are in the words given. `scored` says how the
    champion scores all of the snapshot's players, None: those drawn tell; `recall` is the one that reviewers' outcomes
    tell, None: labels that came later do.
    """

    model: Model
    version: ModelVersion
    store: SnapshotStore
    rule: Monitoring
    seed: int
    labels: Labels | None = None
    words: Words = USUAL
    scored: ScoredPlayers | None = None
    recall: RealisedRecall | None = None

    @cached_property
    def _records(self) -> Records:
        return Records(join(_drift_folder(self.version.group, self.store), self.version.definition))

    @cached_property
    def _limits(self) -> Records:
        return Records(join(self._records.folder, "limits"))

    def watch(self, snapshot: str) -> Watched:
        """Watch a snapshot; one that cannot be read, or a record that cannot be kept, is a DataProblem."""
        manifest = self.store.describe(snapshot)
        reference, cutoff, version = self._reference(manifest), manifest.frame.cutoff, self.version.version
        if isinstance(reference, str):  # not for the record: it can be measured once a reference is named
            return Watched(None, cannot_measure(reference, cutoff, version), manifest, None)
        record = self._record(manifest, reference)
        return Watched(record.drift, record.decision, manifest, reference)

    def _record(self, snapshot: Manifest, reference: Manifest) -> DriftRecord:
        """Return the record of a snapshot, measured and kept where there is none that still holds."""
        # With the fingerprint: a snapshot that was made anew is watched anew; one that forgot a player is the same.
        cutoff = snapshot.frame.cutoff
        name = f"{cutoff}_{snapshot.origin}_v{self.version.version}"
        past = [record.decision for record in self._records.before(cutoff, DecidedPeriod)]
        pairs = self._stable_pairs(reference, past)
        basis = self._basis(reference, pairs)
        replaced = self._records.find(name, DecidedPeriod)
        # Asked apart: measures in the form of older code are no damage, they are measured again.
        kept = Records(self._records.folder).find(name, DriftRecord)
        holds = kept is not None and kept.basis == basis
        drift = kept.drift if kept and holds else self._measured(snapshot, reference, pairs)
        drift = replace(drift, words=self.words)  # of this run, whenever it was measured
        decision = decide(drift, self.version.version, past, self.rule)
        unreadable = self._records.unreadable + self._limits.unreadable + self.store.left_out
        # A retraining that was asked for stays so: its model may be in training by now.
        asked_before = replaced is not None and replaced.decision.has_asked
        decision = replace(decision, reasons=[*decision.reasons, *unreadable], asked_before=asked_before)
        record = DriftRecord(decision, drift, basis)
        if record != kept:
            self._records.put(name, record)
        return record

    def _reference(self, manifest: Manifest) -> Manifest | str:
        """Return the snapshot to compare with, or why there is none."""
        name = self.rule.reference or self.version.metadata.get("snapshot", "")
        if not name:
            return (
                f"version {self.version.version} was not trained on a snapshot; name one in monitoring.reference, or "
                "publish the table of all players of that time (`scarcegan snapshots publish TABLE --name NAME`) and "
                "name that: until then neither features nor scores have anything to be compared with"
            )
        if name not in self.store.names():
            return (
                f"there is no snapshot '{name}' in {self.store.folder}, or no longer; name another one in "
                "monitoring.reference"
            )
        reference, trained_on = self.store.describe(name), self.version.metadata.get("snapshot_origin")
        if not self.rule.reference and trained_on not in (None, reference.origin):
            return (
                f"snapshot '{name}' is not the one that version {self.version.version} was trained on: expected the "
                f"fingerprint {trained_on}, got {reference.origin}; name it, or another one of the players "
                "of that time, in monitoring.reference"
            )
        for one in (reference, manifest):
            missing = sorted(set(self.model.feature_names) - set(one.frame.columns))
            if missing:
                return (
                    f"snapshot '{one.name}' lacks {words.plural(len(missing), 'feature')} of the champion, such as "
                    f"'{missing[0]}'; name another one"
                )
        return reference

    def _basis(self, reference: Manifest, pairs: Sequence[StablePair]) -> DriftBasis:
        recall = self.recall
        outcomes = f", outcomes of {recall.reviewed}: {recall.found} of {recall.risky}" if recall else ""
        return DriftBasis(
            reference=f"{reference.name} {reference.origin}",
            champion=self.version.sha256,
            labels=f"{self.labels.digest if self.labels else 'no labels'}{outcomes}",
            scored=self.scored.players if self.scored else 0,
            pairs=len(pairs),
            rows=self.rule.rows,
            false_alarms=self.rule.false_alarms,
            seed=self.seed,
            measures=MEASURES,
        )

    def _measured(self, snapshot: Manifest, reference: Manifest, pairs: Sequence[StablePair]) -> DriftReport:
        measured = self._measure(reference, snapshot, self.scored)
        limits = chance_limits(measured, self.rule.false_alarms)
        if pairs:
            usual = [{name: np.asarray(getattr(pair, name)) for name in limits} for pair in pairs]
            limits = pair_limits(usual, limits, self.rule.false_alarms)
        return drift_report(
            measured,
            self.model.feature_names,
            limits,
            self.recall or self._recall(snapshot, reference),
            threshold=self.model.threshold,
            false_alarms=self.rule.false_alarms,
            pairs=len(pairs),
        )

    def _measure(self, before: Manifest, now: Manifest, scored: ScoredPlayers | None = None) -> Measured:
        samples = self._sample(before), self._sample(now, scored)
        return measure(*samples, seed=self.seed, false_alarms=self.rule.false_alarms)

    def _sample(self, manifest: Manifest, scored: ScoredPlayers | None = None) -> Sample:
        """Draw players of a snapshot, labelled or not, and score them; `scored` as in `Watch`."""
        most, blocks = self.rule.rows, list[np.ndarray]()
        # Parts hold players by a hash of their id: the first ones are as good as all, and the same in each snapshot.
        for part in manifest.parts:
            if sum(map(len, blocks)) < most:
                blocks.append(self._rows(self.store.read_part(manifest, part)))
        features = np.concatenate(blocks)
        rng = np.random.default_rng([self.seed, 8])
        features = features[np.sort(rng.permutation(len(features))[:most])]
        probabilities = self.model.probabilities(features)
        rare = self.model.rare_index
        about = (manifest.name, manifest.frame.cutoff, manifest.fingerprint, manifest.players, len(features))
        score, unknown = np.ascontiguousarray(probabilities[:, rare]), is_unknown(probabilities, rare + 1)
        flagged = int(np.count_nonzero(self.model.flags(score)))
        unknowns = None if unknown is None else int(np.count_nonzero(unknown))
        drawn = scored_players(len(score), flagged, unknowns, counted_quantiles(count_scores(score)))
        return Sample(ComparedSnapshot(*about), features, score, scored or drawn)

    def _rows(self, part: pa.Table, chosen: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Return the features of some of a part's players in the champion's order, float32 [n, F]."""
        return np.stack([part[name].to_numpy()[chosen] for name in self.model.feature_names], axis=1)

    def _stable_pairs(self, reference: Manifest, past: Sequence[DriftDecision]) -> Sequence[StablePair]:
        """Return what was measured between neighbours up to the reference, once for each champion; none if too few."""
        # All that shapes the limits is in the name: other settings measure anew.
        champion = f"v{self.version.version}_{self.version.sha256[:8]}"
        name = f"{champion}_{reference.origin}_{self.rule.pairs}_{self.rule.rows}_{self.seed}_{MEASURES}"
        found, features = self._limits.find(name, StablePairs), len(self.model.feature_names)
        if found is None or len(found.pairs) < FEWEST_PAIRS or not all(pair.covers(features) for pair in found.pairs):
            pairs = self._neighbours(reference, past) if self.rule.pairs >= FEWEST_PAIRS else []
            if len(pairs) < FEWEST_PAIRS:  # not for the record: earlier snapshots may yet be published
                return []
            found = StablePairs([self._pair(*pair) for pair in pairs])
            self._limits.put(name, found)
        return found.pairs

    def _neighbours(self, reference: Manifest, past: Sequence[DriftDecision]) -> list[tuple[Manifest, Manifest]]:
        """Return the latest pairs of neighbours but those where a signal was first raised: there the players moved."""
        raised = {decision.cutoff for decision in past if any(one.periods == 1 for one in decision.signals.values())}
        pairs: list[tuple[Manifest, Manifest]] = []
        later, earlier = reference, self.store.before(reference)
        while earlier is not None and len(pairs) < self.rule.pairs:
            if later.frame.cutoff not in raised:
                pairs.append((earlier, later))
            later, earlier = earlier, self.store.before(earlier)
        return pairs

    def _pair(self, earlier: Manifest, later: Manifest) -> StablePair:
        values = self._measure(earlier, later).values
        # A distance that could not be taken says nothing of what is usual.
        return StablePair(
            [earlier.name, later.name], **{key: np.nan_to_num(one).tolist() for key, one in values.items()}
        )

    def _recall(self, manifest: Manifest, reference: Manifest) -> RealisedRecall | None:
        """Return the recall realised on the snapshot before this one, by the labels that have come since.

        None without labels of risky players that are later than everything the champion was trained on, and where the
        release was registered without a recall.
        """
        scored, registered = self.store.before(manifest), self.version.metrics.get("recall")
        # A snapshot before the reference is older than what the champion was trained on.
        is_ours = scored is not None and scored.frame.cutoff >= reference.frame.cutoff
        if scored is None or not is_ours or self.labels is None or registered is None:
            return None
        after = max(scored.frame.cutoff, self.version.metadata.get("labels_known_by", ""))
        ids = became_risky(self.labels, scored, after, manifest.frame.cutoff)
        blocks = [np.empty((0, len(self.model.feature_names)), np.float32)]
        for part in scored.parts if len(ids) else ():
            table = self.store.read_part(scored, part)
            blocks.append(self._rows(table, np.isin(table[ID].to_numpy().astype(str), ids)))
        flagged = self.model.flags(self.model.risk(np.concatenate(blocks)))
        return realised_recall(flagged, registered, scored.name) if len(flagged) else None
