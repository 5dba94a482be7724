"""The watch: a scored snapshot beside the one that its champion was trained on, and what follows from it.

Records lie beside the snapshots, in `_drift/<registry group>/<business definition>/`: one JSON file per snapshot and
champion, and in `limits/` one per champion. `_drift/<registry group>/started/` names the snapshots on which drift has
started a retraining. A record is written once: watching the same snapshot again returns it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa

from scarcegan.evaluation.classes import is_unknown
from scarcegan.monitoring.calibration import FEWEST_PAIRS, chance_limits, pair_limits
from scarcegan.monitoring.decision import cannot_measure, decide
from scarcegan.monitoring.drift import (
    ComparedSnapshot,
    DriftDecision,
    DriftRecord,
    DriftReport,
    RealisedRecall,
    StablePair,
    StablePairs,
)
from scarcegan.monitoring.measures import Measured, Sample, measure
from scarcegan.monitoring.records import Records
from scarcegan.monitoring.report import drift_report, realised_recall
from scarcegan.registry import ModelVersion
from scarcegan.serving.model import Model
from scarcegan.settings import Monitoring, Snapshots
from scarcegan.snapshots import Manifest, SnapshotStore, open_snapshots
from scarcegan.snapshots.labels import Labels, became_risky
from scarcegan.snapshots.store import ID
from scarcegan.storage import join


@dataclass(frozen=True)
class Watched:
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
    The labels, all that are known, are for recall.
    """

    model: Model
    version: ModelVersion
    store: SnapshotStore
    rule: Monitoring
    seed: int
    labels: Labels | None = None

    @cached_property
    def _records(self) -> Records:
        return Records(join(_drift_folder(self.version.group, self.store), self.version.definition))

    @cached_property
    def _limits(self) -> Records:
        return Records(join(self._records.folder, "limits"))

    def watch(self, snapshot: str) -> Watched:
        """Watch a snapshot, which has the champion's features.

        Raises:
            DataProblem: a snapshot cannot be read, or a record cannot be kept.
        """
        manifest, reference = self.store.describe(snapshot), self._reference()
        cutoff, version = manifest.frame.cutoff, self.version.version
        if isinstance(reference, str):  # not for the record: it can be measured once a reference is named
            return Watched(None, cannot_measure(reference, cutoff, version), manifest, None)
        # With the fingerprint: a snapshot that was made anew is watched anew.
        name = f"{cutoff}_{manifest.fingerprint}_v{version}"
        record = self._records.find(name, DriftRecord)
        record = record or self._records.keep(name, self._measured(manifest, reference))
        return Watched(record.drift, record.decision, manifest, reference)

    def _reference(self) -> Manifest | str:
        """Return the snapshot to compare with, or why there is none."""
        name = self.rule.reference or self.version.metadata.get("snapshot", "")
        if not name:
            return (
                f"version {self.version.version} was not trained on a snapshot; name one in monitoring.reference, "
                "or train with data.source = 'snapshot'"
            )
        if name not in self.store.names():
            return (
                f"there is no snapshot '{name}' in {self.store.folder}, or no longer; name another one in "
                "monitoring.reference"
            )
        manifest = self.store.describe(name)
        missing = sorted(set(self.model.feature_names) - set(manifest.frame.columns))
        if missing:
            return f"snapshot '{name}' lacks features of the champion, such as '{missing[0]}'; name another one"
        return manifest

    def _measured(self, manifest: Manifest, reference: Manifest) -> DriftRecord:
        past = [record.decision for record in self._records.before(manifest.frame.cutoff, DriftRecord)]
        measured = self._measure(reference, manifest)
        pairs = self._stable_pairs(reference, past)
        limits = chance_limits(measured, self.rule.false_alarms)
        if pairs:
            usual = [{name: np.asarray(getattr(pair, name)) for name in limits} for pair in pairs]
            limits = pair_limits(usual, limits, self.rule.false_alarms)
        drift = drift_report(
            measured,
            self.model.feature_names,
            limits,
            self._recall(manifest, reference),
            threshold=self.version.threshold,
            false_alarms=self.rule.false_alarms,
            pairs=len(pairs),
        )
        decision = decide(drift, self.version.version, past, self.rule)
        unreadable = self._records.unreadable + self._limits.unreadable
        return DriftRecord(drift, replace(decision, reasons=[*decision.reasons, *unreadable]))

    def _measure(self, before: Manifest, now: Manifest) -> Measured:
        samples = (self._sample(manifest) for manifest in (before, now))
        return measure(*samples, seed=self.seed, false_alarms=self.rule.false_alarms)

    def _sample(self, manifest: Manifest) -> Sample:
        """Draw players of a snapshot and score them."""
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
        unknown = is_unknown(probabilities, rare + 1)
        about = (manifest.name, manifest.frame.cutoff, manifest.fingerprint, manifest.players, len(features))
        unknown_share = None if unknown is None else float(unknown.mean())
        return Sample(ComparedSnapshot(*about), features, probabilities[:, rare], unknown_share)

    def _rows(self, part: pa.Table, chosen: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Return the features of some of a part's players in the champion's order, float32 [n, F]."""
        return np.stack([part[name].to_numpy()[chosen] for name in self.model.feature_names], axis=1)

    def _stable_pairs(self, reference: Manifest, past: Sequence[DriftDecision]) -> Sequence[StablePair]:
        """Return what was measured between neighbours up to the reference, once for each champion; none if too few."""
        # All that shapes the limits is in the name: other settings measure anew.
        name = f"v{self.version.version}_{reference.fingerprint}_{self.rule.pairs}_{self.rule.rows}"
        found = self._limits.find(name, StablePairs)
        if found is None:
            pairs = self._neighbours(reference, past) if self.rule.pairs >= FEWEST_PAIRS else []
            if len(pairs) < FEWEST_PAIRS:  # not for the record: earlier snapshots may yet be published
                return []
            found = self._limits.keep(name, StablePairs([self._pair(*pair) for pair in pairs]))
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
        release could promise no recall.
        """
        scored, promised = self.store.before(manifest), self.version.metrics.get("recall")
        # A snapshot before the reference is older than what the champion was trained on.
        is_ours = scored is not None and scored.frame.cutoff >= reference.frame.cutoff
        if scored is None or not is_ours or self.labels is None or promised is None:
            return None
        after = max(scored.frame.cutoff, self.version.metadata.get("labels_known_by", ""))
        ids = became_risky(self.labels, scored, after, manifest.frame.cutoff)
        blocks = [np.empty((0, len(self.model.feature_names)), np.float32)]
        for part in scored.parts if len(ids) else ():
            table = self.store.read_part(scored, part)
            blocks.append(self._rows(table, np.isin(table[ID].to_numpy().astype(str), ids)))
        score = self.model.risk(np.concatenate(blocks))
        return realised_recall(score, self.version.threshold, promised, scored.name) if len(score) else None
