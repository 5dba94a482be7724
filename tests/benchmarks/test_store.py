from store import publish, requests_of

from scarcegan.snapshots import SnapshotStore


def test_few_requests_find_the_snapshot_before_one_of_twelve(bucket):
    store = SnapshotStore("s3://models/store")
    published = publish(store, 12)
    assert store.before(published[-1]) == published[-2]
    assert requests_of(lambda: store.before(published[-1])) <= 2
    assert requests_of(lambda: store.latest("players-")) <= 2
    assert requests_of(store.snapshots) == 13
