import datetime
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from scarcegan.features.longform import frame_of
from scarcegan.features.telemetry import to_block
from scarcegan.problems import DataProblem

CUTOFF = "2023-03-03"  # 60 days after the first day


def test_rows_land_on_their_day_and_the_rest_is_zero():
    frame = pd.DataFrame(
        {
            "player_id": [7, 3, 7],
            "date": pd.to_datetime(["2023-01-20", "2023-01-01", "2023-01-19"]),
            "bets": [5, 1, 2],
            "wins": [0.5, 0, 1],
        }
    )
    block = to_block(frame, "2023-01-21", 20)
    assert block.ids.tolist() == [3, 7]
    assert block.names == ("bets", "wins")
    assert block.counters.shape == (2, 20, 2)
    assert block.counters.dtype == np.float32
    assert block.counters[0, 0, 0] == 1
    assert block.counters[1, 18:].tolist() == [[2, 1], [5, 0.5]]
    assert block.counters.sum() == 9.5


def test_the_order_of_rows_does_not_matter(long_form):
    frame = long_form(30, 60)
    one, other = to_block(frame, CUTOFF, 60), to_block(frame.iloc[::-1], CUTOFF, 60)
    np.testing.assert_array_equal(one.counters, other.counters)
    np.testing.assert_array_equal(one.ids, other.ids)


@pytest.mark.parametrize(
    "written",
    [
        lambda dates: dates.dt.date,
        lambda dates: dates.dt.strftime("%Y-%m-%d"),
        lambda dates: dates.dt.strftime("%Y-%m-%dT23:30:00+09:00"),
        lambda dates: (dates + pd.Timedelta(hours=23)).dt.tz_localize("America/New_York"),
        lambda dates: dates.astype("datetime64[ns]"),
        lambda dates: dates.dt.strftime("%Y-%m-%d").astype("category"),
    ],
    ids=["date", "text", "text with zone", "zoned", "nanoseconds", "category"],
)
def test_every_way_to_write_a_date_means_its_wall_clock_day(written, long_form):
    frame = long_form(30, 60)
    same = frame.assign(date=written(frame["date"]))
    np.testing.assert_array_equal(to_block(same, CUTOFF, 60).counters, to_block(frame, CUTOFF, 60).counters)


@pytest.mark.parametrize("kind", [pa.date32(), pa.date64(), pa.timestamp("us"), pa.string()])
def test_dates_of_every_type_are_read_from_tables(kind, long_form):
    frame = long_form(30, 60)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    place = table.column_names.index("date")
    days = table["date"].cast(pa.timestamp("s")).cast(pa.date32())
    table = table.set_column(place, "date", days.cast(kind))
    np.testing.assert_array_equal(to_block(frame_of(table), CUTOFF, 60).counters, to_block(frame, CUTOFF, 60).counters)


@pytest.mark.parametrize("kind", ["str", object, "category"])
def test_ids_may_be_strings(kind, long_form):
    frame = long_form(12, 60)
    named = frame.assign(player_id=("p" + frame["player_id"].astype(str).str.zfill(3)).astype(kind))
    block = to_block(named, CUTOFF, 60)
    assert block.ids.dtype.kind == "U"
    assert block.ids[[0, -1]].tolist() == ["p000", "p011"]
    np.testing.assert_array_equal(block.counters, to_block(frame, CUTOFF, 60).counters)


def test_rows_outside_the_window_are_dropped_with_their_players(long_form):
    frame = long_form(10, 60)
    early = frame.assign(date=frame["date"] - pd.Timedelta(days=60), player_id=frame["player_id"] + 100)
    late = frame.assign(date=frame["date"] + pd.Timedelta(days=60), bets=-1)
    block = to_block(pd.concat([early, frame, late]), CUTOFF, 60)
    np.testing.assert_array_equal(block.counters, to_block(frame, CUTOFF, 60).counters)
    assert block.ids.max() < 100


def test_empty_counters_count_as_zero(long_form):
    frame = long_form(30, 60)
    holes = np.arange(len(frame)) % 3 == 0
    empty = to_block(frame.assign(losses=frame["losses"].astype(float).mask(holes)), CUTOFF, 60)
    nullable = to_block(frame.assign(losses=frame["losses"].astype("Int64").mask(holes)), CUTOFF, 60)
    zero = to_block(frame.assign(losses=frame["losses"].mask(holes, 0)), CUTOFF, 60)
    np.testing.assert_array_equal(empty.counters, zero.counters)
    np.testing.assert_array_equal(nullable.counters, zero.counters)


def test_a_day_missing_for_everyone_is_not_a_day_of_rest(long_form):
    frame = long_form(60, 60)
    frame = frame[~frame["date"].isin(pd.to_datetime(["2023-01-10", "2023-01-11"]))]
    block = to_block(frame, CUTOFF, 60)
    assert np.flatnonzero(~block.observed).tolist() == [8, 9]
    few = to_block(frame[frame["player_id"] < 5], CUTOFF, 60)
    assert few.observed.all(), "a handful of players may rest on the same day"
    told = to_block(frame[frame["player_id"] < 5], CUTOFF, 60, observed=block.observed)
    assert told.observed is block.observed


def _first(frame, column, value):
    return frame[column].astype(object if isinstance(value, str | None) else float).where(frame.index > 2, value)


@pytest.mark.parametrize(
    ("frame", "cutoff", "message"),
    [
        (lambda f: pd.concat([f, f[:3]]), CUTOFF, r"'player_id', 'date': 3 of \d+ rows repeat"),
        (lambda f: f.assign(bets=_first(f, "bets", -1)), CUTOFF, r"'bets': 3 of \d+ rows are negative.*first -1"),
        (lambda f: f.assign(bets=_first(f, "bets", np.inf)), CUTOFF, r"'bets': 3 of \d+ rows .*infinite"),
        (lambda f: f.assign(date=_first(f, "date", "soon")), CUTOFF, r"'date': 3 of \d+ rows hold no.*'soon'"),
        (lambda f: f.assign(date=f["date"].mask(f.index < 2)), CUTOFF, r"'date': 2 of \d+ rows hold no date"),
        (lambda f: f.assign(date=[{"$date": 1}] * len(f)), CUTOFF, r"'date': expected dates, got lists or records in"),
        (lambda f: f.assign(date=20230101), CUTOFF, r"'date': expected dates, got int64 in \d+ rows"),
        (lambda f: f.assign(player_id=_first(f, "player_id", None)), CUTOFF, r"'player_id': 3 of \d+ rows have no"),
        (lambda f: f.drop(columns="date"), CUTOFF, r"'date' and counters.*got \['player_id', 'bets'"),
        (lambda f: f[["player_id", "date"]], CUTOFF, "and counters"),
        (lambda f: f, "2023-03-13", r"'date': the cut-off 2023-03-13 lies 10 days after the end of the data"),
        (lambda f: f, "2023-01-08", r"'date': 6 of 60 days before 2023-01-08 have any of the \d+ rows"),
        (lambda f: f, "3 March", "ISO date such as 2023-04-13, got '3 March'"),
    ],
)  # fmt: skip
def test_bad_telemetry_is_refused_with_column_and_rows(frame, cutoff, message, long_form):
    with pytest.raises(DataProblem, match=message):
        to_block(frame(long_form(40, 60).reset_index(drop=True)), cutoff, 60)


def test_what_is_no_number_and_no_id_is_refused_at_once(long_form):
    frame = long_form(4, 20).reset_index(drop=True)
    odd = frame.assign(bets=frame["bets"].astype(str) + "?", player_id=frame["player_id"] / 2)
    with pytest.raises(DataProblem) as refused:
        frame_of(pa.Table.from_pandas(odd, preserve_index=False))
    assert re.search(
        r"'player_id': expected integers or text, got double in \d+ rows: .* not whole", str(refused.value)
    )
    assert re.search(r"'bets': expected numbers, got string in \d+ rows", str(refused.value))


def test_a_repeated_row_is_named():
    day = datetime.date(2023, 1, 5)
    frame = pd.DataFrame({"player_id": [1, 4, 4], "date": [day] * 3, "bets": 1})
    with pytest.raises(DataProblem, match=r"1 of 3 rows repeat a \(player, date\), first on 2023-01-05"):
        to_block(frame, "2023-01-19", 14)
