"""Hand snapshots to a SageMaker feature group (offline store): the same interface as the folder of snapshots.

One record per player: `player_id`, `event_time` (the cut-off), `snapshot` (its name) and the features. The folder of
snapshots stays the source: it checks and keeps what was published, the feature group serves Athena and other teams.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from itertools import islice
from typing import Any

import pyarrow as pa

from scarcegan import settings
from scarcegan.aws.findings import expecting_aws, patient_client
from scarcegan.problems import DataProblem
from scarcegan.snapshots.manifest import Manifest
from scarcegan.snapshots.store import ID, SnapshotStore
from scarcegan.storage import find_bytes, join, write_bytes

EVENT_TIME, NAME = "event_time", "snapshot"
BATCH = 25  # the most that one request takes
WRITERS = 8  # fewer than the connections that a client keeps open
TRIES = 5
POLL_SECONDS = 5.0
READY_SECONDS = 600.0


class FeatureGroup:
    """A SageMaker feature group that receives snapshots; made by the first one.

    A marker beside the manifest tells that a snapshot has been handed over, so that the same again changes nothing. If
    the hand-over breaks off, the next one repeats it whole: the offline store keeps both records of a player, with
    the same event time and another write time; take the latest, as SageMaker's own queries do. The boto3 clients
    `sagemaker` and `sagemaker-featurestore-runtime` are made from the environment if left out.
    """

    def __init__(
        self, chosen: settings.Snapshots, store: SnapshotStore, clients: tuple[Any, Any] | None = None
    ) -> None:
        self.group, self._role, self._store = chosen.feature_group, chosen.feature_group_role, store
        with self._asking("open a session for"):
            self._sagemaker, self._runtime = clients or (
                patient_client("sagemaker"),
                patient_client("sagemaker-featurestore-runtime"),
            )

    def publish(self, manifest: Manifest) -> Manifest:
        """Hand over a snapshot that is published in the folder; the same again changes nothing.

        A DataProblem tells that the feature group has other features, cannot be made, or refuses records.
        """
        marker = join(join(self._store.folder, manifest.name), f"_handed-to-{self.group}")
        # Another snapshot of that name may have been handed over, and removed since.
        if (find_bytes(marker) or b"").decode(errors="replace") in (manifest.fingerprint, *manifest.forgotten):
            return manifest
        with self._asking("describe or make"):
            self._ensure(manifest)
        for part in manifest.parts:
            table = self._store.read_part(manifest, part)
            with self._asking("write records to"), ThreadPoolExecutor(WRITERS) as pool:
                records = _records(table, manifest)
                # A few requests at a time: a part's records as text are many times the part.
                while some := list(islice(records, 4 * WRITERS * BATCH)):
                    list(pool.map(self._write, [some[start : start + BATCH] for start in range(0, len(some), BATCH)]))
        # Last: without the marker the next hand-over repeats everything.
        write_bytes(marker, manifest.fingerprint.encode())
        return manifest

    def _ensure(self, manifest: Manifest) -> None:
        describe = partial(self._sagemaker.describe_feature_group, FeatureGroupName=self.group)
        try:
            found = describe()
        except self._sagemaker.exceptions.ResourceNotFound:
            self._create(manifest)
            found = describe()
        deadline = time.monotonic() + READY_SECONDS
        while found["FeatureGroupStatus"] == "Creating" and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            found = describe()
        if found["FeatureGroupStatus"] != "Created":
            raise DataProblem(
                f"expected feature group '{self.group}' to be 'Created', got '{found['FeatureGroupStatus']}' "
                f"({found.get('FailureReason', 'no reason given')}): mend or delete it in SageMaker"
            )
        names = {definition["FeatureName"] for definition in found["FeatureDefinitions"]}
        missing = sorted({ID, EVENT_TIME, NAME, *manifest.frame.columns} - names)
        if missing:
            raise DataProblem(
                f"expected the {len(manifest.frame.columns)} features of snapshot '{manifest.name}' in feature group "
                f"'{self.group}', got no {missing[:5]}: name a new group in snapshots.feature_group"
            )

    def _create(self, manifest: Manifest) -> None:
        if not self._role or not self._store.folder.startswith("s3://"):
            raise DataProblem(
                f"expected snapshots.feature_group_role and an s3:// snapshots.folder to make feature group "
                f"'{self.group}', got {self._role!r} and {self._store.folder!r}: set them, or make the group yourself"
            )
        kind = "Integral" if manifest.parts[0].id_type == "int64" else "String"
        definitions = [(ID, kind), (EVENT_TIME, "String"), (NAME, "String")]
        definitions += [(column, "Fractional") for column in manifest.frame.columns]
        self._sagemaker.create_feature_group(
            FeatureGroupName=self.group,
            RecordIdentifierFeatureName=ID,
            EventTimeFeatureName=EVENT_TIME,
            FeatureDefinitions=[{"FeatureName": name, "FeatureType": kind} for name, kind in definitions],
            OfflineStoreConfig={"S3StorageConfig": {"S3Uri": join(self._store.folder, "_offline-store")}},
            RoleArn=self._role,
            Description="Snapshots of player features, one record per player and cut-off.",
        )

    def _write(self, records: list[list[dict[str, str]]]) -> None:
        entries: list[dict[str, Any]] = [
            {"FeatureGroupName": self.group, "Record": record, "TargetStores": ["OfflineStore"]} for record in records
        ]
        for tries in range(TRIES):
            time.sleep(tries * POLL_SECONDS)  # a busy group answers at once that it takes no more for now
            answer = self._runtime.batch_write_record(Entries=entries)
            if answer["Errors"]:
                first = answer["Errors"][0]
                raise DataProblem(
                    f"feature group '{self.group}' refused {len(answer['Errors'])} of {len(entries)} records, first: "
                    f"{first['ErrorCode']}: {first['ErrorMessage']}; compare its features with the snapshot's"
                )
            entries = answer["UnprocessedEntries"]
            if not entries:
                return
        raise DataProblem(
            f"feature group '{self.group}' left {len(entries)} records unprocessed after {TRIES} tries: "
            "publish again later, or raise its throughput"
        )

    def _asking(self, what: str) -> AbstractContextManager[None]:
        return expecting_aws(f"{what} feature group '{self.group}'", DataProblem)


def _records(table: pa.Table, manifest: Manifest) -> Iterator[list[dict[str, str]]]:
    same = [
        {"FeatureName": EVENT_TIME, "ValueAsString": f"{manifest.frame.cutoff}T00:00:00Z"},
        {"FeatureName": NAME, "ValueAsString": manifest.name},
    ]
    for piece in table.select([ID, *manifest.frame.columns]).to_batches(max_chunksize=1_000):
        for row in piece.to_pylist():
            told = [(name, value) for name, value in row.items() if value == value]  # a record lacks what is missing
            yield [{"FeatureName": name, "ValueAsString": str(value)} for name, value in told] + same
