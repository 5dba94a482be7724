"""Players from a published snapshot and a labels table, and what the snapshot tells beside its features."""

from dataclasses import replace

import numpy as np

from scarcegan.data.distances import moves
from scarcegan.data.folds import sample
from scarcegan.data.players import Players
from scarcegan.data.records import SnapshotReport
from scarcegan.data.reviewed import ReviewedPlayers
from scarcegan.datasets.sources import without_ignored
from scarcegan.problems import SettingsProblem
from scarcegan.settings import Populations, Settings
from scarcegan.snapshots import Manifest, open_snapshots
from scarcegan.snapshots.labels import join_labels, read_labels


def load(settings: Settings, reviewed: ReviewedPlayers | None = None) -> Players:
    """Read the snapshot `data.snapshot` and join it with the labels at `data.path`.

    Features are read once it is known who stays: the unlabelled players are sampled before (`folds.sample`).
    See `scarcegan.snapshots.labels` for what a label counts, and what reviewers found out beside it.

    Raises:
        SettingsProblem: the snapshot or the labels are not named.
        DataProblem: either cannot be used.
    """
    store = open_snapshots(settings.own_snapshots.folder)
    if not settings.data.snapshot or not settings.data.path:
        raise SettingsProblem(
            "source 'snapshot' needs data.snapshot (a name) and data.path (the labels table), got "
            f"{settings.data.snapshot!r} and {settings.data.path!r}: name one of {store.names() or 'no snapshots yet'}"
        )
    labels = read_labels(settings.data.path, settings.populations, settings.data.id_key)
    everyone = store.read_ids(settings.data.snapshot)
    players = join_labels(everyone, labels, settings.data, settings.seed, reviewed)
    players, _ = sample(players, settings.data, settings.seed)
    stay = np.isin(everyone.ids, players.ids)
    # With the fingerprint: ids and features come from the same content.
    features = store.read(settings.data.snapshot, everyone.manifest.fingerprint, stay).features
    return without_ignored(replace(players, features=features), settings.data)


def snapshot_report(players: Players, settings: Settings) -> SnapshotReport | None:
    """Describe the snapshot that the players come from, beside the one before it; None for other sources."""
    if settings.data.source != "snapshot":
        return None
    store = open_snapshots(settings.own_snapshots.folder)
    manifest = store.describe(settings.data.snapshot)
    before = store.before(manifest)
    told = {
        "origin": manifest.origin,
        "quiet_days": _quiet_days(players, manifest, settings.populations),
        "previous": before.name if before else "",
        "previous_cutoff": before.frame.cutoff if before else "",
        "moves": moves(before.statistics, manifest.statistics) if before else [],
    }
    return SnapshotReport.from_plain({**vars(manifest), **vars(manifest.frame), **told})


def _quiet_days(players: Players, manifest: Manifest, populations: Populations) -> dict[str, float]:
    if manifest.frame.days_column not in players.feature_names:
        return {}
    active = players.features[:, players.feature_names.index(manifest.frame.days_column)]
    # The feature is a share of the observed days.
    days = manifest.frame.window_days - len(manifest.frame.missing_days)
    of = {name: active[players.labels == label] for name, label in populations.labels.items()}
    return {name: float(days * (1 - np.mean(shares))) for name, shares in of.items() if len(shares)}
