"""The watching job: a scored snapshot beside the one that its champion was trained on, and what follows from it.

Records lie beside the snapshots, in `_drift/<registry group>/<business definition>/`: one JSON file per snapshot and
champion, and in `limits/` one per champion. `_drift/<registry group>/started/` names the snapshots on which drift has
started a retraining. A record is written once: watching the same snapshot again returns it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from scarcegan.aws.model_monitor import constraints_json, statistics_json
from scarcegan.evaluation.classes import is_unknown
from scarcegan.monitoring.calibration import FEWEST_PAIRS, chance_limits, pair_limits
from scarcegan.monitoring.decision import Decision, cannot_measure, decide
from scarcegan.monitoring.records import Records
from scarcegan.monitoring.report import Measured, Sample, drift_report, measure, realised_recall
from scarcegan.registry import ModelVersion
from scarcegan.serving.model import Model
from scarcegan.settings import Settings
from scarcegan.snapshots import Manifest, SnapshotStore, open_snapshots
from scarcegan.snapshots.labels import became_risky, read_labels
from scarcegan.snapshots.store import ID
from scarcegan.storage import join

FOLDER = "_drift"


@dataclass(frozen=True)
class Champion:
    """The model that scored, and what the registry says of it."""

    model: Model
    version: ModelVersion


@dataclass(frozen=True)
class Watched:
    """What watching a snapshot gives.

    Attributes:
        drift: the report of `scarcegan.monitoring.report`; None where there is nothing to compare with.
        decision: see `scarcegan.monitoring.decision`.
        statistics: of the snapshot, in the form of SageMaker Model Monitor's `statistics.json`.
        constraints: what the reference holds it to, as `constraints.json`; empty without a reference.
    """

    drift: dict[str, Any] | None
    decision: Decision
    statistics: str
    constraints: str


def watch_snapshot(champion: Champion, snapshot: str, settings: Settings) -> Watched:
    """Compare a snapshot with the one that the champion was trained on, decide, and keep both on record.

    Args:
        champion: the model that scores it.
        snapshot: its name in the store; it has the champion's features.
        settings: `[monitoring]`, `[snapshots]`, the registry's group and, for recall, `data.path`: the labels.

    Raises:
        DataProblem: a snapshot or the labels cannot be read, or a record cannot be kept.
    """
    store = open_snapshots(settings.snapshots.folder)
    manifest, records = store.describe(snapshot), records_of(champion.version, settings)
    reference = _reference(champion, store, settings)
    statistics = statistics_json(manifest.players, manifest.statistics)
    if isinstance(reference, str):  # not for the record: it can be measured once a reference is named
        decision = cannot_measure(reference, manifest.frame.cutoff, champion.version.version)
        return Watched(None, decision, statistics, "")
    name = f"{manifest.frame.cutoff}_{manifest.fingerprint}_v{champion.version.version}"
    record = records.find(name) or records.keep(name, _record(champion, manifest, reference, records, settings))
    drift = record["drift"]
    return Watched(drift, record["decision"], statistics, constraints_json(reference.statistics, drift["features"]))


def records_of(version: ModelVersion, settings: Settings) -> Records:
    """Open the records of a version's business definition."""
    folder = open_snapshots(settings.snapshots.folder).folder
    return Records(join(join(join(folder, FOLDER), version.group), version.definition))


def retrainings_of(settings: Settings) -> Records:
    """Open the record of the snapshots on which drift has started a retraining, one for a registry group."""
    folder = open_snapshots(settings.snapshots.folder).folder
    return Records(join(join(join(folder, FOLDER), settings.registry.group), "started"))


def _reference(champion: Champion, store: SnapshotStore, settings: Settings) -> Manifest | str:
    """Return the snapshot to compare with, or why there is none."""
    name = settings.monitoring.reference or champion.version.metadata.get("snapshot", "")
    if not name:
        return (
            f"version {champion.version.version} was not trained on a snapshot; name one in monitoring.reference, "
            "or train with data.source = 'snapshot'"
        )
    if name not in store.names():
        return f"there is no snapshot '{name}' in {store.folder} (any more); name another one in monitoring.reference"
    manifest = store.describe(name)
    missing = sorted(set(champion.model.feature_names) - set(manifest.frame.columns))
    if missing:
        return f"snapshot '{name}' lacks features of the champion, such as '{missing[0]}'; name another one"
    return manifest


def _record(
    champion: Champion, manifest: Manifest, reference: Manifest, records: Records, settings: Settings
) -> dict[str, Any]:
    rule, version = settings.monitoring, champion.version.version
    past: list[Decision] = [record["decision"] for record in records.before(manifest.frame.cutoff)]
    before, now = (_sample(champion, one, settings) for one in (reference, manifest))
    measured = _measure(before, now, settings)
    usual = _usual(champion, reference, past, records, settings)
    drift = drift_report(
        before,
        now,
        champion.model.feature_names,
        measured,
        _limits(before, now, measured, usual, settings),
        _recall(champion, manifest, reference, settings),
        threshold=champion.version.threshold,
        false_alarms=rule.false_alarms,
        pairs=len(usual) if len(usual) >= FEWEST_PAIRS else 0,
    )
    return {"drift": drift, "decision": decide(drift, version, past, rule)}


def _sample(champion: Champion, manifest: Manifest, settings: Settings) -> Sample:
    """Draw players of a snapshot and score them.

    Parts hold players by a hash of their id: the first of them are as good as all, and the same in each snapshot.
    """
    most, store = settings.monitoring.rows, open_snapshots(settings.snapshots.folder)
    blocks: list[np.ndarray] = []
    for part in manifest.parts:
        if sum(map(len, blocks)) < most:
            table = store.read_part(manifest, part)
            blocks.append(np.stack([table[name].to_numpy() for name in champion.model.feature_names], axis=1))
    features = np.concatenate(blocks)
    rng = np.random.default_rng([settings.seed, 8])
    features = features[np.sort(rng.permutation(len(features))[:most])]
    probabilities = champion.model.probabilities(features)
    rare = champion.model.rare_index
    unknown = is_unknown(probabilities, rare + 1)
    return Sample(
        name=manifest.name,
        cutoff=manifest.frame.cutoff,
        fingerprint=manifest.fingerprint,
        players=manifest.players,
        features=features,
        score=probabilities[:, rare],
        unknown_share=None if unknown is None else float(unknown.mean()),
    )


def _measure(before: Sample, now: Sample, settings: Settings) -> Measured:
    return measure(before, now, seed=settings.seed, false_alarms=settings.monitoring.false_alarms)


def _limits(
    before: Sample, now: Sample, measured: Measured, usual: Sequence[Mapping[str, Any]], settings: Settings
) -> dict[str, np.ndarray]:
    false_alarms = settings.monitoring.false_alarms
    chance = chance_limits(
        (len(before.score), len(now.score)),
        before.features.shape[1],
        before.unknown_share or 0.0,
        measured.classifier["null_high"],
        false_alarms,
    )
    if len(usual) < FEWEST_PAIRS:
        return chance
    return pair_limits([{name: np.asarray(one[name]) for name in chance} for one in usual], chance, false_alarms)


def _usual(
    champion: Champion, reference: Manifest, past: Sequence[Decision], records: Records, settings: Settings
) -> list[dict[str, Any]]:
    """Return what was measured between neighbouring snapshots up to the reference, once for each champion."""
    limits, rule = Records(join(records.folder, "limits")), settings.monitoring
    name = f"v{champion.version.version}_{reference.fingerprint}_{rule.pairs}_{rule.rows}"
    found = limits.find(name)
    if found is None:
        pairs = _stable_pairs(reference, past, settings) if rule.pairs >= FEWEST_PAIRS else []
        if len(pairs) < FEWEST_PAIRS:  # they teach nothing, and are not kept: earlier snapshots may yet be published
            return []
        found = limits.keep(name, {"pairs": [_pair(champion, *pair, settings) for pair in pairs]})
    usual: list[dict[str, Any]] = found["pairs"]
    return usual


def _stable_pairs(reference: Manifest, past: Sequence[Decision], settings: Settings) -> list[tuple[Manifest, Manifest]]:
    """Return the latest pairs of neighbours, without those across which a signal was raised anew: there it moved."""
    store = open_snapshots(settings.snapshots.folder)
    moved = {
        decision["cutoff"]
        for decision in past
        if any(signal["periods"] == 1 for signal in decision["signals"].values())
    }
    pairs: list[tuple[Manifest, Manifest]] = []
    later, earlier = reference, store.before(reference)
    while earlier is not None and len(pairs) < settings.monitoring.pairs:
        if later.frame.cutoff not in moved:
            pairs.append((earlier, later))
        later, earlier = earlier, store.before(earlier)
    return pairs


def _pair(champion: Champion, earlier: Manifest, later: Manifest, settings: Settings) -> dict[str, Any]:
    before, now = (_sample(champion, one, settings) for one in (earlier, later))
    values = _measure(before, now, settings).values
    # A distance that could not be taken says nothing of what is usual.
    return {"snapshots": [earlier.name, later.name]} | {
        name: np.nan_to_num(value).tolist() for name, value in values.items()
    }


def _recall(champion: Champion, manifest: Manifest, reference: Manifest, settings: Settings) -> dict[str, Any] | None:
    """Return the recall realised on the snapshot before this one, by the labels that have come since.

    None without labels of risky players that are later than everything the champion was trained on, and where the
    release could promise no recall.
    """
    store = open_snapshots(settings.snapshots.folder)
    scored = store.before(manifest)
    is_ours = scored is not None and scored.frame.cutoff >= reference.frame.cutoff
    if scored is None or not is_ours or settings.data.source != "snapshot" or not settings.data.path:
        return None
    labels = read_labels(settings.data.path, settings)
    after = max(scored.frame.cutoff, champion.version.metadata.get("labels_known_by", ""))
    ids = became_risky(labels, scored, after, manifest.frame.cutoff, settings)
    score, promised = _score_of(champion, scored, ids, store), champion.version.metrics.get("recall")
    if promised is None or not len(score):
        return None
    return realised_recall(score, champion.version.threshold, promised, scored.name)


def _score_of(champion: Champion, manifest: Manifest, ids: np.ndarray, store: SnapshotStore) -> np.ndarray:
    """Score the players of a snapshot with these ids, part by part."""
    blocks = [np.empty((0, len(champion.model.feature_names)), np.float32)]
    for part in manifest.parts if len(ids) else ():
        table = store.read_part(manifest, part)
        rows = np.flatnonzero(np.isin(table[ID].to_numpy().astype(str), ids))
        if len(rows):
            blocks.append(np.stack([table[name].to_numpy()[rows] for name in champion.model.feature_names], axis=1))
    return champion.model.risk(np.concatenate(blocks))
