import numpy as np

from scarcegan.snapshots.manifest import Frame, describe_snapshot

COLUMNS = ("bets_level", "bets_active_share", "night")


def features_of(players, seed=0):
    """Random features; the last column is mostly 0."""
    rng = np.random.default_rng(seed)
    features = rng.gamma(2, 3, (players, len(COLUMNS))).astype(np.float32)
    features[:, 2] *= rng.random(players) < 0.2
    return features


def publish(store, name="players-2026-01-01", players=100, seed=0, shards=2, cutoff="2026-01-01", text=False, **frame):
    """Publish a small snapshot, its ids from 1, and return its manifest."""
    ids = np.arange(1, players + 1)
    ids = np.array([f"p{number:04d}" for number in ids]) if text else ids
    features = features_of(players, seed)
    whole = Frame(cutoff=cutoff, window_days=60, columns=COLUMNS, **{"code_version": "abc", **frame})
    written = [
        store.write_part(name, shard, ids[shard::shards], features[shard::shards], COLUMNS) for shard in range(shards)
    ]
    return store.publish(describe_snapshot(name, whole, written))
