from pathlib import Path

import boto3
import pytest
from botocore.stub import ANY, Stubber
from snapshot_samples import COLUMNS, publish

from scarcegan.aws import feature_group
from scarcegan.aws.feature_group import FeatureGroup
from scarcegan.problems import DataProblem
from scarcegan.settings import Snapshots
from scarcegan.snapshots.forgetting import forget

GROUP = "player-features"
ROLE = "arn:aws:iam::123456789012:role/feature-store"
NAMES = ["player_id", "event_time", "snapshot", *COLUMNS]
DESCRIBED = {"FeatureGroupName": GROUP}


@pytest.fixture
def aws(monkeypatch):
    """Stubs of both SageMaker clients that answer what a test has queued, and nothing else."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setattr(feature_group, "WRITERS", 1)  # answers come in the order they were queued
    monkeypatch.setattr(feature_group, "POLL_SECONDS", 0)
    names = ("sagemaker", "sagemaker-featurestore-runtime")
    stubs = [Stubber(boto3.client(name, region_name="us-east-1")) for name in names]
    for stub in stubs:
        stub.activate()
    yield stubs
    for stub in stubs:
        stub.assert_no_pending_responses()


def group_of(store, aws, role=ROLE):
    chosen = Snapshots(feature_group=GROUP, feature_group_role=role)
    return FeatureGroup(chosen, store, tuple(stub.client for stub in aws))


def described(status="Created", names=tuple(NAMES), **more):
    return {
        "FeatureGroupArn": f"arn:aws:sagemaker:us-east-1:123456789012:feature-group/{GROUP}",
        "FeatureGroupName": GROUP,
        "RecordIdentifierFeatureName": "player_id",
        "EventTimeFeatureName": "event_time",
        "FeatureDefinitions": [{"FeatureName": name, "FeatureType": "Fractional"} for name in names],
        "CreationTime": 0,
        "NextToken": "",
        "FeatureGroupStatus": status,
        **more,
    }


def test_every_player_becomes_a_record_of_the_offline_store(store, aws):
    manifest = publish(store, players=30, shards=1)
    sagemaker, runtime = aws
    sagemaker.add_response("describe_feature_group", described(), DESCRIBED)
    sent = []
    runtime.client.meta.events.register(
        "provide-client-params.*.BatchWriteRecord", lambda params, **_: sent.append(params["Entries"])
    )
    for _ in range(2):
        runtime.add_response("batch_write_record", {"Errors": [], "UnprocessedEntries": []}, {"Entries": ANY})
    assert group_of(store, aws).publish(manifest) == manifest
    assert [len(entries) for entries in sent] == [25, 5]
    assert {store for entry in sent[0] for store in entry["TargetStores"]} == {"OfflineStore"}
    record = {value["FeatureName"]: value["ValueAsString"] for value in sent[0][6]["Record"]}
    assert sorted(record) == sorted(NAMES)
    assert (record["player_id"], record["event_time"], record["snapshot"]) == (
        "7",
        "2026-01-01T00:00:00Z",
        "players-2026-01-01",
    )
    assert float(record["bets_level"]) == store.read(manifest.name).features[6, 0]


def test_a_snapshot_is_handed_over_once(store, aws):
    manifest = publish(store, players=5, shards=1)
    aws[0].add_response("describe_feature_group", described(), DESCRIBED)
    aws[1].add_response("batch_write_record", {"Errors": [], "UnprocessedEntries": []}, {"Entries": ANY})
    for _ in range(2):
        group_of(store, aws).publish(manifest)
    assert store.names() == [manifest.name]
    store.read(manifest.name)


def test_another_snapshot_under_the_name_of_one_that_was_removed_is_handed_over_too(store, aws):
    manifest = publish(store, players=5, shards=1)
    Path(store.folder, manifest.name, f"_handed-to-{GROUP}").write_text("0123456789abcdef")
    aws[0].add_response("describe_feature_group", described(), DESCRIBED)
    aws[1].add_response("batch_write_record", {"Errors": [], "UnprocessedEntries": []}, {"Entries": ANY})
    group_of(store, aws).publish(manifest)


def test_a_snapshot_that_has_forgotten_a_player_is_not_handed_over_again(store, aws):
    manifest = publish(store, players=5, shards=1)
    aws[0].add_response("describe_feature_group", described(), DESCRIBED)
    aws[1].add_response("batch_write_record", {"Errors": [], "UnprocessedEntries": []}, {"Entries": ANY})
    group_of(store, aws).publish(manifest)
    forget(store, manifest.name, "3")
    group_of(store, aws).publish(store.describe(manifest.name))


def test_the_first_snapshot_makes_the_group(store, aws, monkeypatch):
    manifest = publish(store, players=5, shards=1, text=True)
    folder, store.folder = store.folder, "s3://features/store"
    kinds = ["String", "String", "String", *["Fractional"] * 3]
    wanted = {
        "FeatureGroupName": GROUP,
        "RecordIdentifierFeatureName": "player_id",
        "EventTimeFeatureName": "event_time",
        "FeatureDefinitions": [
            {"FeatureName": name, "FeatureType": kind} for name, kind in zip(NAMES, kinds, strict=True)
        ],
        "OfflineStoreConfig": {"S3StorageConfig": {"S3Uri": "s3://features/store/_offline-store"}},
        "RoleArn": ROLE,
        "Description": ANY,
    }
    aws[0].add_client_error("describe_feature_group", "ResourceNotFound", expected_params=DESCRIBED)
    aws[0].add_response("create_feature_group", {"FeatureGroupArn": described()["FeatureGroupArn"]}, wanted)
    for status in ("Creating", "Creating", "Created"):
        aws[0].add_response("describe_feature_group", described(status), DESCRIBED)
    group_of(store, aws)._ensure(manifest)
    store.folder = folder


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("ResourceNotFound", r"feature_group_role and an s3:// snapshots.folder .* got ''"),
        ("AccessDeniedException", rf"feature group '{GROUP}', got: .*AccessDenied.*not you; check credentials"),
        ({"names": NAMES[:-1]}, r"got no \['night'\]: name a new group"),
        ({"status": "CreateFailed", "FailureReason": "no role"}, r"to be 'Created', got 'CreateFailed' \(no role\)"),
    ],
)
def test_a_group_that_cannot_take_the_snapshot_is_refused(store, aws, answer, message):
    manifest = publish(store, players=5)
    if isinstance(answer, str):
        aws[0].add_client_error("describe_feature_group", answer, "not you", expected_params=DESCRIBED)
    else:
        aws[0].add_response("describe_feature_group", described(**answer), DESCRIBED)
    with pytest.raises(DataProblem, match=message):
        group_of(store, aws, role="").publish(manifest)


def test_unprocessed_records_are_sent_again_and_refused_ones_are_named(store, aws):
    manifest = publish(store, players=2, shards=1)
    entry = {"FeatureGroupName": GROUP, "Record": [{"FeatureName": "player_id", "ValueAsString": "2"}]}
    aws[0].add_response("describe_feature_group", described(), DESCRIBED)
    aws[1].add_response("batch_write_record", {"Errors": [], "UnprocessedEntries": [entry]}, {"Entries": ANY})
    error = {"Entry": entry, "ErrorCode": "ValidationError", "ErrorMessage": "not a number"}
    aws[1].add_response("batch_write_record", {"Errors": [error], "UnprocessedEntries": []}, {"Entries": [entry]})
    with pytest.raises(DataProblem, match="refused 1 of 1 records, first: ValidationError: not a number"):
        group_of(store, aws).publish(manifest)


def test_a_group_that_never_takes_them_is_given_more_time_with_each_try_and_then_up(store, aws, monkeypatch):
    waited = []
    monkeypatch.setattr(feature_group, "POLL_SECONDS", 2)
    monkeypatch.setattr("time.sleep", waited.append)
    manifest = publish(store, players=1, shards=1)
    entry = {"FeatureGroupName": GROUP, "Record": [{"FeatureName": "player_id", "ValueAsString": "1"}]}
    aws[0].add_response("describe_feature_group", described(), DESCRIBED)
    for _ in range(feature_group.TRIES):
        aws[1].add_response("batch_write_record", {"Errors": [], "UnprocessedEntries": [entry]}, {"Entries": ANY})
    with pytest.raises(DataProblem, match="left 1 records unprocessed after 5 tries"):
        group_of(store, aws).publish(manifest)
    assert waited == [0, 2, 4, 6, 8]
