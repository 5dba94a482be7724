import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scarcegan.data import tables
from scarcegan.features.source import Shard, Source, Window, read_shard, shard_numbers
from scarcegan.features.survey import largest_step, survey
from scarcegan.features.telemetry import to_block
from scarcegan.problems import DataProblem

CUTOFF = "2023-03-03"  # 60 days after the first day
WINDOW = Window(CUTOFF, 60)


@pytest.fixture
def frame(long_form):
    return long_form(60, 60).reset_index(drop=True)


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """Write a frame as parquet, as CSV, or partitioned by date, and return its source, read in pieces of 500 rows."""
    monkeypatch.setattr(tables, "BATCH_ROWS", 500)

    def store(frame, form="parquet", counters=()):
        path = tmp_path / f"telemetry-{form}"
        if form == "csv":
            path = path.with_suffix(".csv")
            frame.to_csv(path, index=False)
        elif form == "parquet":
            path = path.with_suffix(".parquet")
            pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path)
        else:
            for day, rows in frame.groupby(frame["date"].dt.strftime("%Y-%m-%d")):
                (path / f"date={day}").mkdir(parents=True)
                kept = rows.drop(columns="date") if form == "dates in the path alone" else rows
                kept.to_parquet(path / f"date={day}" / "part-0.parquet", index=False)
        return Source(str(path), counters)

    return store


def shards_of(source, shards, window=WINDOW):
    [found] = survey(source, [window])
    return [read_shard(source, window, Shard(number, shards), found.observed) for number in range(shards)]


@pytest.mark.parametrize("form", ["parquet", "csv", "dates in the path", "dates in the path alone"])
def test_shards_together_hold_every_player_once(stored, frame, form):
    blocks = shards_of(stored(frame, form), 3)
    whole = to_block(frame, CUTOFF, 60)
    ids = np.concatenate([block.ids for block in blocks]).astype(np.int64)
    assert sorted(ids) == whole.ids.tolist()
    assert min(map(len, blocks)) > 5
    order = np.argsort(ids)
    np.testing.assert_array_equal(np.concatenate([block.counters for block in blocks])[order], whole.counters)
    assert all((block.observed == whole.observed).all() for block in blocks)


def test_a_players_shard_depends_on_the_id_alone():
    ids = pd.Series([5, 900, 17, 5, 123456789])
    assert shard_numbers(ids, 7).tolist() == shard_numbers(ids.astype(np.int32), 7).tolist() == [2, 3, 4, 2, 2]
    names = pd.Series(["ana", "bo", "ana", "çelik"])
    assert shard_numbers(names, 7).tolist() == shard_numbers(names.astype(object), 7).tolist() == [1, 4, 1, 2]


def test_shards_are_of_about_one_size():
    sizes = np.bincount(shard_numbers(pd.Series(np.arange(100_000)), 8), minlength=8)
    assert abs(sizes - 12_500).max() < 500


def test_a_shard_without_players_is_nothing(stored, frame):
    source = stored(frame[frame["player_id"] == 3])
    blocks = shards_of(source, 5)
    assert sorted(len(block) for block in blocks if block) == [1]
    assert blocks.count(None) == 4


def test_parts_of_days_outside_the_window_are_not_opened(stored, frame, tmp_path):
    source = stored(frame, "dates in the path")
    window = Window("2023-02-20", 28)
    expected = shards_of(source, 1, window)[0].counters
    for day in ("2023-01-10", "2023-02-20", "2023-03-01"):
        (tmp_path / f"telemetry-dates in the path/date={day}/part-0.parquet").write_bytes(b"broken")
    np.testing.assert_array_equal(shards_of(source, 1, window)[0].counters, expected)
    (tmp_path / "telemetry-dates in the path/date=2023-02-19/part-0.parquet").write_bytes(b"broken")
    with pytest.raises(DataProblem, match=r"date=2023-02-19/part-0.parquet"):
        shards_of(source, 1, window)


def test_only_the_named_counters_are_read(stored, frame):
    frame = frame.assign(country="PT")
    assert shards_of(stored(frame, counters=("losses", "bets")), 1)[0].names == ("losses", "bets")
    assert shards_of(stored(frame, "dates in the path alone", ("nights",)), 1)[0].names == ("nights",)
    with pytest.raises(
        DataProblem, match=r"telemetry-parquet.parquet.*'country': expected numbers, got \w+ in 500 rows"
    ):
        shards_of(stored(frame), 1)
    with pytest.raises(DataProblem, match=r"\['stakes'\]"):
        shards_of(stored(frame, counters=("bets", "stakes")), 1)


def test_ids_of_a_csv_file_keep_their_zeros(stored, frame):
    named = frame.assign(player_id=frame["player_id"].astype(str).str.zfill(4))
    assert shards_of(stored(named, "csv"), 1)[0].ids[:2].tolist() == ["0000", "0001"]


def test_integer_and_string_ids_in_two_parts_are_refused(frame, tmp_path):
    frame.to_parquet(tmp_path / "a.parquet")
    frame.assign(player_id=frame["player_id"].astype(str)).to_parquet(tmp_path / "b.parquet")
    with pytest.raises(DataProblem, match=r"'player_id': .* integers in .*a.parquet and strings in .*b.parquet \(\d+"):
        survey(Source(str(tmp_path)), [WINDOW])


def _some(frame, column, value, whole=False):
    """The column, or the whole frame, with another value in its first three rows."""
    changed = frame[column].astype(object if isinstance(value, str | None) else float).where(frame.index > 2, value)
    return frame.assign(**{column: changed}) if whole else changed


@pytest.mark.parametrize(
    ("bad", "cutoff", "message"),
    [
        (lambda f: f.assign(bets=_some(f, "bets", -1)), CUTOFF, r"'bets': 3 of 500 rows are negative"),
        (lambda f: _some(f.assign(date=f["date"].astype(str)), "date", "soon", whole=True), CUTOFF, "'date': 3 of 500"),
        (lambda f: _some(f.assign(player_id="a"), "player_id", None, whole=True), CUTOFF, r"'player_id': 3 of 500"),
        (lambda f: pd.concat([f, f[:3]]), CUTOFF, r"'player_id', 'date': 3 of \d+ rows repeat"),
        (lambda f: f, "2024-03-03", r"'date': none of \d+ rows lies in .* span 2023-01-02 to 2023-03-02"),
        (lambda f: f, "2023-03-13", r"'date': the cut-off 2023-03-13 lies 10 days after .* \(\d+ rows"),
        (lambda f: f[:0], CUTOFF, "got an empty table"),
        (lambda f: f.drop(columns="date"), CUTOFF, r"expected columns 'player_id', 'date' and counters"),
    ],
)  # fmt: skip
def test_bad_telemetry_is_refused_with_file_column_and_rows(stored, frame, bad, cutoff, message):
    with pytest.raises(DataProblem, match=rf"telemetry-parquet.parquet: .*{message}"):
        shards_of(stored(bad(frame)), 1, Window(cutoff, 60))


def test_an_empty_id_in_a_csv_file_is_refused(stored, frame):
    with pytest.raises(DataProblem, match=r"telemetry-csv.csv: column 'player_id': 3 of \d+ rows have no id"):
        shards_of(stored(frame.assign(player_id=_some(frame, "player_id", np.nan)), "csv"), 1)


def test_rows_after_the_last_cutoff_may_be_anything(stored, frame):
    late = frame[:5].assign(date=pd.Timestamp("2023-03-05"), bets=-1)
    [found] = survey(stored(pd.concat([frame, late])), [WINDOW])
    assert found.notes == ()


def test_one_pass_describes_every_window(stored, frame):
    first, last = survey(stored(frame), [Window("2023-02-15", 28), WINDOW])
    assert (len(first.observed), len(last.observed)) == (28, 60)
    assert first.counters == last.counters == ("bets", "losses", "nights")


def test_days_missing_for_everyone_are_noted(stored, frame):
    holes = pd.to_datetime(["2023-01-10", "2023-01-11"])
    [found] = survey(stored(frame[~frame["date"].isin(holes)]), [WINDOW])
    assert found.missing_days == ("2023-01-10", "2023-01-11")
    assert "2 of the window's days are missing for everyone" in found.notes[0]
    assert np.flatnonzero(~found.observed).tolist() == [8, 9]


def test_a_counter_that_is_empty_on_some_days_is_noted(stored, frame):
    day = frame["date"] == pd.Timestamp("2023-02-01")
    losses = frame["losses"].astype(float).mask(day | (frame.index < 4))
    [found] = survey(stored(frame.assign(losses=losses)), [WINDOW])
    [note] = found.notes
    assert note.startswith(f"counter 'losses' is empty in {losses.isna().sum()} of {len(frame)} rows")
    assert "on 1 days in every row (first 2023-02-01): it counts as 0 there" in note


def test_a_player_with_one_active_day_has_features(stored, frame):
    from scarcegan.features.extract import extract

    lone = frame[:1].assign(player_id=999, date=pd.Timestamp("2023-02-01"), bets=4, losses=0, nights=0)
    [block] = shards_of(stored(pd.concat([frame, lone])), 1)
    table = extract(block)
    row = dict(zip(table.names, table.features[-1], strict=True))
    assert table.ids[-1] == 999
    assert np.isfinite(table.features).all()
    assert (row["bets_peak"], row["bets_recency_days"]) == (4, 29)


@pytest.mark.parametrize("factor", [100, 0.5])
def test_a_change_of_unit_half_way_is_noted_with_its_date(stored, frame, factor):
    late = frame["date"] >= pd.Timestamp("2023-02-05")
    [found] = survey(stored(frame.assign(bets=frame["bets"] * np.where(late, factor, 1))), [WINDOW])
    [note] = found.notes
    assert "'bets' per active player from 2023-02-0" in note
    assert f"(x {factor:.2f}"[:5] in note
    assert "losses" not in note


def test_neither_a_week_nor_growth_nor_one_odd_day_is_a_break():
    rng = np.random.default_rng(3)
    days = np.arange(60)
    week = 0.3 * np.sin(2 * np.pi * days / 7) + 0.05 * rng.standard_normal(60)
    assert largest_step(week) is None
    assert largest_step(week + days / 60) is None
    assert largest_step(week + 2 * (days == 31)) is None
    place, step = largest_step(0.05 * rng.standard_normal(60) + 0.7 * (days >= 31))
    assert abs(place - 31) <= 3
    assert step == pytest.approx(0.7, abs=0.1)
