"""S3 requests to find a snapshot among twelve months of four parts each; prints one JSON object as its last line.

Run: python benchmarks/store.py [snapshots]

S3 is a server in this process. `store.requests_for_before` is what `SnapshotStore.before` asks in a fresh process for
the last snapshot: the one of drift reports. `store.requests_for_all` is the list with all manifests.
"""

import json
import logging
import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from scarcegan.snapshots import Manifest, SnapshotStore
from scarcegan.snapshots.manifest import Frame, describe_snapshot
from scarcegan.storage import s3

COLUMNS = tuple(f"feature {number}" for number in range(50))
PARTS, PLAYERS = 4, 100


def publish(store: SnapshotStore, snapshots: int) -> list[Manifest]:
    """Publish a snapshot at the first of each month, from January 2026."""
    features = np.random.default_rng(7).gamma(2, 3, (PLAYERS, len(COLUMNS))).astype(np.float32)
    published = []
    for month in range(snapshots):
        cutoff = f"{2026 + month // 12}-{month % 12 + 1:02d}-01"
        frame, name = Frame(cutoff=cutoff, window_days=60, columns=COLUMNS), f"players-{cutoff}"
        ids = [np.arange(PLAYERS) + part * PLAYERS for part in range(PARTS)]
        parts = [store.write_part(name, part, ids[part], features, COLUMNS) for part in range(PARTS)]
        published.append(store.publish(describe_snapshot(name, frame, parts)))
    return published


def requests_of(question: Callable[[], Any]) -> int:
    """Count the requests that reach S3 while a question is answered."""
    sent: list[str] = []
    events = s3.client().meta.events
    events.register("before-send.s3", lambda request, **_: sent.append(request.method), unique_id="counted")
    question()
    events.unregister("before-send.s3", unique_id="counted")
    return len(sent)


def main() -> None:
    """Publish, count and print."""
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it notes every request
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    key = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}
    os.environ.update(key, AWS_ENDPOINT_URL="http://{}:{}".format(*server.get_host_and_port()))
    boto3.client("s3").create_bucket(Bucket="models")
    store = SnapshotStore("s3://models/snapshots")
    published = publish(store, int(sys.argv[1]) if len(sys.argv) > 1 else 12)
    figures = {
        "store.requests_for_before": requests_of(lambda: store.before(published[-1])),
        "store.requests_for_all": requests_of(store.snapshots),
    }
    server.stop()
    print(json.dumps({"figures": figures, "snapshots": len(published)}))


if __name__ == "__main__":
    main()
