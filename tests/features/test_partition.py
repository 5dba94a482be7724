import numpy as np
import pandas as pd
import pytest

from scarcegan.features import partition
from scarcegan.features.partition import remove_partition, shard_source, write_partition
from scarcegan.features.source import Shard, Source, Window, read_shard
from scarcegan.features.survey import survey
from scarcegan.problems import DataProblem

EARLY, LATE = WINDOWS = (Window("2023-02-15", 28), Window("2023-03-03", 28))


@pytest.fixture
def frame(long_form):
    return long_form(60, 60).reset_index(drop=True)


def sorted_by_shard(location, shards, folder):
    """Survey and sort; return how to read a shard from the sorted rows and from the source itself."""
    found = survey(Source(str(location)), WINDOWS)
    source = Source(str(location), found[0].counters)
    write_partition(source, WINDOWS, shards, str(folder))

    def read(window, number):
        observed, shard = found[WINDOWS.index(window)].observed, Shard(number, shards)
        own = shard_source(str(folder), number, source)
        return (
            read_shard(own, window, shard, observed, source.location) if own else None,
            read_shard(source, window, shard, observed),
        )

    return read


@pytest.mark.parametrize("form", ["integers", "text in a CSV file", "broken counters"])
@pytest.mark.parametrize("collected", [1, 2_000_000])
def test_a_shard_reads_the_same_from_its_own_rows(frame, tmp_path, form, collected, monkeypatch):
    monkeypatch.setattr(partition, "COLLECTED_ROWS", collected)
    path = tmp_path / ("telemetry.csv" if "CSV" in form else "telemetry.parquet")
    if "CSV" in form:
        frame.assign(player_id=frame["player_id"].astype(str).str.zfill(4)).to_csv(path, index=False)
    else:
        frame.assign(bets=frame["bets"].mask(frame.index < 9) + 0.25 * ("broken" in form)).to_parquet(path)
    read = sorted_by_shard(path, 3, tmp_path / "sorted")
    for window in WINDOWS:
        for number in range(3):
            own, all_rows = read(window, number)
            np.testing.assert_array_equal(own.ids, all_rows.ids)
            np.testing.assert_array_equal(own.counters, all_rows.counters)
            assert own.names == all_rows.names


def test_a_shard_without_rows_is_none(frame, tmp_path):
    frame[frame["player_id"] == frame["player_id"][0]].to_parquet(tmp_path / "telemetry.parquet")
    read = sorted_by_shard(tmp_path / "telemetry.parquet", 5, tmp_path / "sorted")
    blocks = [read(LATE, number)[0] for number in range(5)]
    assert sum(block is not None for block in blocks) == 1


@pytest.mark.parametrize("half_written", [False, True])
def test_rows_that_are_not_there_are_refused_and_are_not_no_rows(tmp_path, half_written):
    if half_written:
        (tmp_path / "sorted" / "0").mkdir(parents=True)
    with pytest.raises(DataProblem, match=r"sorted by shard in \S+/sorted, found none: another resume has published"):
        shard_source(str(tmp_path / "sorted"), 1, Source(""))


def test_a_refusal_names_the_telemetry_and_not_the_sorted_rows(frame, tmp_path):
    pd.concat([frame, frame[-3:]]).to_parquet(tmp_path / "telemetry.parquet")
    read = sorted_by_shard(tmp_path / "telemetry.parquet", 1, tmp_path / "sorted")
    with pytest.raises(DataProblem, match=r"^\S+/telemetry.parquet: columns 'player_id', 'date': \d+ of \d+ rows"):
        read(LATE, 0)


def test_telemetry_on_s3_in_parts_by_date_is_read_and_sorted_there(frame, tmp_path, bucket):
    for day, rows in frame.groupby(frame["date"].dt.strftime("%Y-%m-%d")):
        body = rows.drop(columns="date").to_parquet(index=False)
        bucket.put_object(Key=f"telemetry/date={day}/part-0.parquet", Body=body)
    frame.to_parquet(tmp_path / "telemetry.parquet")
    local = sorted_by_shard(tmp_path / "telemetry.parquet", 1, tmp_path / "sorted")(LATE, 0)[0]
    own, all_rows = sorted_by_shard("s3://models/telemetry", 1, "s3://models/.sorted")(LATE, 0)
    np.testing.assert_array_equal(own.counters, local.counters)
    np.testing.assert_array_equal(all_rows.counters, local.counters)
    remove_partition("s3://models/.sorted")
    remove_partition("s3://models/.sorted")  # nothing there is no problem
    assert list(bucket.objects.filter(Prefix=".sorted")) == []
