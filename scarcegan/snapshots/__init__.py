"""The feature store: immutable, fingerprinted tables of features, one row per player at a cut-off."""

from scarcegan.snapshots.manifest import Manifest, Part
from scarcegan.snapshots.store import Snapshot, SnapshotStore, open_snapshots

__all__ = ["Manifest", "Part", "Snapshot", "SnapshotStore", "open_snapshots"]
