import weakref

import numpy as np
import pytest

from scarcegan.features import partition
from scarcegan.features.partition import read_shard, remove_partition
from scarcegan.features.source import Source, Window
from scarcegan.features.telemetry import to_block
from scarcegan.problems import DataProblem

EARLY, LATE = WINDOWS = (Window("2023-02-15", 28), Window("2023-03-03", 28))


@pytest.fixture
def frame(long_form):
    return long_form(60, 60).reset_index(drop=True)


@pytest.mark.parametrize("form", ["integers", "text in a CSV file", "broken counters"])
@pytest.mark.parametrize("collected", [1, 2_000_000])
def test_shards_together_hold_every_player_once(frame, tmp_path, form, collected, monkeypatch, read_sorted):
    monkeypatch.setattr(partition, "COLLECTED_ROWS", collected)
    path = tmp_path / ("telemetry.csv" if "CSV" in form else "telemetry.parquet")
    if "CSV" in form:
        frame = frame.assign(player_id=frame["player_id"].astype(str).str.zfill(4))
        frame.to_csv(path, index=False)
    else:
        frame = frame.assign(bets=frame["bets"].mask(frame.index < 9) + 0.25 * ("broken" in form))
        frame.to_parquet(path)
    for window, blocks in zip(WINDOWS, read_sorted(Source(str(path)), 3, *WINDOWS), strict=True):
        whole, ids = to_block(frame, window.cutoff, 28), np.concatenate([block.ids for block in blocks])
        order = np.argsort(ids)
        assert min(map(len, blocks)) > 5
        np.testing.assert_array_equal(ids[order], whole.ids)
        np.testing.assert_array_equal(np.concatenate([block.counters for block in blocks])[order], whole.counters)
        assert all(block.names == whole.names and (block.observed == whole.observed).all() for block in blocks)


def test_rows_that_are_written_do_not_stay_in_memory(frame, tmp_path, monkeypatch, read_sorted):
    read, alive = partition.checked_counters, []

    def counted(*arguments):
        counters = read(*arguments)
        kept.append(weakref.ref(counters))
        alive.append(sum(one() is not None for one in kept))
        return counters

    kept = []
    monkeypatch.setattr(partition, "checked_counters", counted)
    monkeypatch.setattr(partition, "COLLECTED_ROWS", 1)
    (tmp_path / "telemetry").mkdir()
    for number in range(20):
        frame[["player_id", "date", "bets"]].to_parquet(tmp_path / "telemetry" / f"part-{number:02d}.parquet")
    with pytest.raises(DataProblem, match="rows repeat a"):  # every part has the same days
        read_sorted(Source(str(tmp_path / "telemetry")), 3, LATE)
    assert len(alive) == 20
    assert max(alive) <= 3


def test_a_players_shard_depends_on_the_id_alone(frame, tmp_path, read_sorted):
    seen = []
    for some in (frame, frame[frame["player_id"] < 20].astype({"player_id": np.int32})):
        some.to_parquet(tmp_path / "telemetry.parquet")
        [blocks] = read_sorted(Source(str(tmp_path / "telemetry.parquet")), 3, LATE)
        seen.append([set(block.ids.tolist()) & set(range(20)) for block in blocks])
    assert seen[0] == seen[1]


def test_a_shard_without_rows_is_none(frame, tmp_path, read_sorted):
    frame[frame["player_id"] == frame["player_id"][0]].to_parquet(tmp_path / "telemetry.parquet")
    [blocks] = read_sorted(Source(str(tmp_path / "telemetry.parquet")), 5, LATE)
    assert sum(block is not None for block in blocks) == 1


@pytest.mark.parametrize("half_written", [False, True])
def test_rows_that_are_not_there_are_refused_and_are_not_no_rows(tmp_path, half_written):
    if half_written:
        (tmp_path / "sorted" / "0").mkdir(parents=True)
    with pytest.raises(DataProblem, match=r"sorted by shard in \S+/sorted, found none: another resume has published"):
        read_shard(str(tmp_path / "sorted"), 1, LATE, np.ones(28, bool), "")


def test_telemetry_on_s3_in_parts_by_date_is_read_and_sorted_there(frame, bucket, read_sorted):
    frame = frame[frame["date"] >= "2023-02-01"]  # some days before the window
    for day, rows in frame.groupby(frame["date"].dt.strftime("%Y-%m-%d")):
        body = rows.drop(columns="date").to_parquet(index=False)
        bucket.put_object(Key=f"telemetry/date={day}/part-0.parquet", Body=body)
    [[block]] = read_sorted(Source("s3://models/telemetry"), 1, LATE, folder="s3://models/.sorted")
    np.testing.assert_array_equal(block.counters, to_block(frame, LATE.cutoff, 28).counters)
    for _ in range(2):  # nothing there is no problem
        remove_partition("s3://models/.sorted")
    assert list(bucket.objects.filter(Prefix=".sorted")) == []
