import json
import threading
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from snapshot_samples import COLUMNS, features_of, publish

from scarcegan.problems import DataProblem
from scarcegan.snapshots import SnapshotStore
from scarcegan.snapshots.manifest import Frame, describe_snapshot
from scarcegan.storage import remove

NAME = "players-2026-01-01"


def part_files(store, name=NAME):
    return sorted(Path(store.folder, name).glob("*.parquet"))


def test_what_was_published_is_read_back(store):
    manifest = publish(store, players=101)
    snapshot = store.read(NAME, manifest.fingerprint)
    order = np.argsort(snapshot.ids)
    assert snapshot.ids[order].tolist() == list(range(1, 102))
    assert snapshot.features.dtype == np.float32
    np.testing.assert_array_equal(snapshot.features[order], features_of(101))
    assert snapshot.manifest == manifest
    assert (manifest.players, manifest.first_day) == (101, "2025-11-02")


def test_string_ids_stay_strings(store):
    publish(store, text=True)
    assert store.read(NAME).ids[:2].tolist() == ["p0001", "p0003"]


def test_parts_are_plain_floats_without_compression(store):
    publish(store)
    column = pq.ParquetFile(part_files(store)[0]).metadata.row_group(0).column(1)
    assert (column.physical_type, column.compression) == ("FLOAT", "UNCOMPRESSED")
    assert not column.has_dictionary_page


def test_publishing_the_same_again_changes_nothing(store):
    first = publish(store)
    before = {path: path.stat().st_mtime_ns for path in Path(store.folder, NAME).glob("manifest.json")}
    again = publish(store, code_version="later")
    assert again == first
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert len(part_files(store)) == 2
    store.read(NAME)


def test_other_content_under_the_same_name_is_refused_and_leaves_no_trace(store):
    manifest = publish(store)
    files = part_files(store)
    with pytest.raises(
        DataProblem, match=rf"'{NAME}' .*fingerprint {manifest.fingerprint} .* publish it under another"
    ):
        publish(store, seed=1)
    assert part_files(store) == files
    assert store.read(NAME).manifest == manifest


def test_of_two_that_publish_at_once_one_wins_and_the_other_is_told(store):
    outcomes = []

    def run(seed):
        try:
            outcomes.append(publish(store, seed=seed).fingerprint)
        except DataProblem as problem:
            outcomes.append(problem)

    threads = [threading.Thread(target=run, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [refused] = [outcome for outcome in outcomes if isinstance(outcome, DataProblem)]
    [won] = [outcome for outcome in outcomes if isinstance(outcome, str)]
    assert "publish it under another name" in str(refused)
    assert store.read(NAME).manifest.fingerprint == won


def test_a_snapshot_without_manifest_does_not_exist(store):
    store.write_part(NAME, 0, np.arange(3), features_of(3), COLUMNS)
    assert store.names() == []
    with pytest.raises(
        DataProblem, match=rf"expected a snapshot '{NAME}' in .*, got none at all: publish .*scarcegan features`"
    ):
        store.read(NAME)


@pytest.mark.parametrize("path", [f"{NAME}/", f"./{NAME}", f"../store/{NAME}"])
def test_a_path_is_no_name(tmp_path, path):
    store = SnapshotStore(str(tmp_path / "store"))
    publish(store)
    with pytest.raises(DataProblem, match="expected a snapshot"):
        store.describe(path)


def test_snapshots_are_listed_by_date_and_found(store):
    for cutoff in ("2026-02-01", "2026-01-01"):
        publish(store, f"players-{cutoff}", cutoff=cutoff)
    publish(store, "other-2026-02-01", cutoff="2026-02-01", players=50)
    assert [manifest.name for manifest in store.snapshots()] == [NAME, "other-2026-02-01", "players-2026-02-01"]
    assert store.latest("players-").name == "players-2026-02-01"
    assert store.latest("nobodys-") is None


def test_a_name_that_ends_with_another_date_is_refused(store):
    with pytest.raises(DataProblem, match="a name that ends with the cut-off 2026-01-02, got 'players-2026-01-01'"):
        publish(store, cutoff="2026-01-02")
    assert store.names() == []


def test_the_one_before_has_the_same_columns_and_window(store):
    publish(store, "a", cutoff="2026-01-01")
    publish(store, "b", cutoff="2026-02-01")
    last = publish(store, "c", cutoff="2026-03-01")
    names, features = ("x", "y", "z"), features_of(9)
    frame = Frame(cutoff="2026-02-15", window_days=60, columns=names)
    store.publish(describe_snapshot("d", frame, [store.write_part("d", 0, np.arange(9), features, names)]))
    publish(store, "late-2026-02-01", cutoff="2026-02-01")
    assert store.before(last).name == "late-2026-02-01"
    store.write_part("e-2026-02-02", 0, np.arange(9), features, names)  # not published
    assert store.before(last).name == "late-2026-02-01"
    assert store.before(store.describe("a")) is None
    assert store.before(store.describe("d")) is None


def test_another_fingerprint_than_expected_is_refused(store):
    manifest = publish(store)
    with pytest.raises(DataProblem, match=rf"with fingerprint 0123, got {manifest.fingerprint}"):
        store.read(NAME, "0123")


@pytest.mark.parametrize("place", ["local", "s3"])
def test_a_missing_part_is_named(store, place, request):
    if place == "s3":
        request.getfixturevalue("bucket")
        store.folder = "s3://models/store"
    gone = f"{store.folder}/{NAME}/{publish(store).parts[1].file}"
    remove(gone)
    with pytest.raises(DataProblem, match=rf"expected 2 parts in snapshot '{NAME}', got no {gone}: restore"):
        store.read(NAME)


@pytest.mark.parametrize("harm", ["changed", "cut"])
def test_a_corrupt_part_is_named(store, harm):
    publish(store)
    part = part_files(store)[0]
    content = part.read_bytes()
    part.write_bytes(content[:100] + b"\1" + content[101:] if harm == "changed" else content[:-20])
    with pytest.raises(DataProblem, match=rf"expected sha256 [0-9a-f]{{12}}\.\.\. of .*{part.name}, got"):
        store.read(NAME)


def test_a_manifest_changed_by_hand_is_refused(store):
    publish(store)
    path = Path(store.folder, NAME, "manifest.json")
    tree = json.loads(path.read_text())
    path.write_text(json.dumps(tree | {"cutoff": "2026-02-01"}))
    with pytest.raises(DataProblem, match="the manifest was changed"):
        store.read(NAME)
    path.write_text("{}")
    with pytest.raises(DataProblem, match="no snapshot's manifest"):
        store.read(NAME)
    path.write_text(json.dumps(tree | {"format": 9}))
    with pytest.raises(DataProblem, match=r"expected a manifest of format 1 .*, got 9"):
        store.read(NAME)


def test_the_fingerprint_is_of_the_content_alone(tmp_path):
    def fingerprint(folder, name="one", **changes):
        return publish(SnapshotStore(str(tmp_path / folder)), name, **changes).fingerprint

    same = fingerprint("a")
    assert fingerprint("b", name="other", code_version="later", notes=("odd",)) == same
    others = [{"seed": 1}, {"players": 99}, {"cutoff": "2026-01-02"}, {"text": True}]
    assert len({same, *(fingerprint(f"c{n}", **change) for n, change in enumerate(others))}) == 5


def test_a_shard_without_players_leaves_no_part(store):
    nobody = store.write_part(NAME, 0, np.empty(0, np.int64), np.empty((0, 3), np.float32), COLUMNS)
    some = store.write_part(NAME, 1, np.arange(5), features_of(5), COLUMNS)
    frame = Frame(cutoff="2026-01-01", window_days=60, columns=COLUMNS)
    manifest = store.publish(describe_snapshot(NAME, frame, [nobody, some]))
    assert [part.players for part in manifest.parts] == [5]
    with pytest.raises(DataProblem, match="got no players at all"):
        describe_snapshot(NAME, frame, [nobody])


def test_ids_of_two_types_are_refused(store):
    numbers = store.write_part(NAME, 0, np.arange(5), features_of(5), COLUMNS)
    texts = store.write_part(NAME, 1, np.array(["a", "b"]), features_of(2), COLUMNS)
    frame = Frame(cutoff="2026-01-01", window_days=60, columns=COLUMNS)
    with pytest.raises(DataProblem, match=r"ids of one type .* got \['int64', 'string'\]"):
        describe_snapshot(NAME, frame, [numbers, texts])


def test_a_snapshot_on_s3_is_the_local_one(bucket, store):
    local, remote = publish(store), SnapshotStore("s3://models/store")
    assert remote.names() == []
    assert publish(remote) == local
    assert publish(remote) == local
    assert remote.names() == [NAME]
    np.testing.assert_array_equal(remote.read(NAME).features, store.read(NAME).features)
    with pytest.raises(DataProblem, match="publish it under another name"):
        publish(remote, seed=1)
    assert len(list(bucket.objects.filter(Prefix=f"store/{NAME}/"))) == 3
