import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scarcegan.data import tables
from scarcegan.features.source import Source, Window
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


@pytest.fixture
def block_of(read_sorted):
    """Read all players of a source in one window, as the only shard."""

    def read(source, window=WINDOW):
        [[block]] = read_sorted(source, 1, window)
        return block

    return read


@pytest.mark.parametrize("form", ["parquet", "csv", "dates in the path", "dates in the path alone"])
def test_telemetry_is_the_same_in_every_form(stored, frame, form, block_of):
    block, whole = block_of(stored(frame, form)), to_block(frame, CUTOFF, 60)
    order = np.argsort(block.ids.astype(np.int64))  # a CSV file's ids are text
    assert block.ids.astype(np.int64)[order].tolist() == whole.ids.tolist()
    np.testing.assert_array_equal(block.counters[order], whole.counters)
    np.testing.assert_array_equal(block.observed, whole.observed)


def test_parts_of_days_outside_the_window_are_not_opened(stored, frame, tmp_path, block_of):
    source = stored(frame, "dates in the path alone")
    window = Window("2023-02-20", 28)
    expected = block_of(source, window).counters
    for day in ("2023-01-10", "2023-02-20", "2023-03-01"):
        (tmp_path / f"telemetry-dates in the path alone/date={day}/part-0.parquet").write_bytes(b"broken")
    np.testing.assert_array_equal(block_of(source, window).counters, expected)
    (tmp_path / "telemetry-dates in the path alone/date=2023-02-19/part-0.parquet").write_bytes(b"broken")
    with pytest.raises(DataProblem, match=r"date=2023-02-19/part-0.parquet"):
        block_of(source, window)


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
@pytest.mark.parametrize("counters", [(), ("bets",)])
def test_the_files_own_dates_count_and_not_the_day_they_were_ingested_on(frame, tmp_path, block_of, suffix, counters):
    frame = frame[frame["date"].between("2023-01-20", "2023-02-22")]  # some days before and after the window
    for day, rows in frame.groupby("date"):
        part = tmp_path / "ingest" / f"date={(day + pd.Timedelta(days=1)).date()}" / f"part-0{suffix}"
        part.parent.mkdir(parents=True)
        rows.to_csv(part, index=False) if suffix == ".csv" else rows.to_parquet(part, index=False)
    window = Window("2023-02-20", 28)
    whole = to_block(frame[["player_id", "date", *(counters or ("bets", "losses", "nights"))]], "2023-02-20", 28)
    block = block_of(Source(str(tmp_path / "ingest"), counters), window)
    np.testing.assert_array_equal(block.counters[np.argsort(block.ids.astype(int))], whole.counters)


@pytest.mark.parametrize("is_folder", [True, False])
def test_a_folder_above_the_location_says_nothing_about_its_rows(frame, tmp_path, block_of, is_folder):
    file = tmp_path / f"date={CUTOFF}" / "export" / "daily.parquet"
    file.parent.mkdir(parents=True)
    frame.to_parquet(file)
    block = block_of(Source(str(file.parent if is_folder else file)))
    np.testing.assert_array_equal(block.counters, to_block(frame, CUTOFF, 60).counters)
    frame.drop(columns="date").to_parquet(file)
    with pytest.raises(DataProblem, match=r"expected columns 'player_id', 'date' and counters"):
        block_of(Source(str(file)))


def test_folders_of_days_are_named_in_either_iso_form_and_others_are_refused(stored, frame, tmp_path, block_of):
    source = stored(frame, "dates in the path alone")
    expected = block_of(source).counters
    for folder in list((tmp_path / "telemetry-dates in the path alone").iterdir()):
        folder.rename(folder.with_name(folder.name.replace("-", "")))
    np.testing.assert_array_equal(block_of(source).counters, expected)
    folder.with_name(folder.name.replace("-", "")).rename(folder.with_name("date=__HIVE_DEFAULT_PARTITION__"))
    with pytest.raises(DataProblem, match=r"expected a day in the folder's name, .*'date=__HIVE_DEFAULT_PARTITION__'"):
        block_of(source)


def test_counters_that_only_the_names_of_folders_tell_are_named(frame, tmp_path):
    frame.assign(date=frame["date"].dt.strftime("%Y-%m-%d")).to_parquet(tmp_path, partition_cols=["date", "nights"])
    [found] = survey(Source(str(tmp_path)), [WINDOW])
    assert found.counters == ("bets", "losses")
    told = "1 column is left out, standing in the names of folders and not in the files: 'nights'"
    assert found.notes[0] == told


@pytest.mark.parametrize("form", ["parquet", "csv", "dates in the path alone"])
def test_a_column_that_numbers_the_rows_is_no_counter(stored, frame, form, block_of):
    numbered = stored(frame.reset_index(names="row"), form)
    [found] = survey(numbered, [WINDOW])
    assert found.counters == ("bets", "losses", "nights")
    assert found.notes == ("1 column is left out, numbering the rows: 'row'",)
    # Who names it wants it.
    assert survey(Source(numbered.location, ("row", "bets")), [WINDOW])[0].counters == ("row", "bets")
    with pytest.raises(DataProblem, match=r"expected columns 'player_id', 'date' and counters"):
        survey(stored(frame[["player_id", "date"]].reset_index(names="row"), "csv"), [WINDOW])


def test_a_part_without_rows_says_nothing_about_the_type_of_ids(frame, tmp_path, block_of):
    folder = tmp_path / "telemetry"
    folder.mkdir()
    frame = frame.assign(player_id="p" + frame["player_id"].astype(str))
    frame.to_parquet(folder / "a.parquet")
    expected = block_of(Source(str(folder)))
    frame.head(0).astype({"player_id": "int64", "date": object}).to_parquet(folder / "b.parquet")
    block = block_of(Source(str(folder)))
    assert block.ids.tolist() == expected.ids.tolist()
    np.testing.assert_array_equal(block.counters, expected.counters)


def test_counters_may_have_the_names_of_columns_that_the_sorting_adds(stored, frame, block_of):
    frame = frame.rename(columns={"bets": "shard", "losses": "complete"})
    assert block_of(stored(frame)).names == ("shard", "complete", "nights")


def test_only_the_named_counters_are_read(stored, frame, block_of):
    frame = frame.assign(country="PT")
    assert block_of(stored(frame, counters=("losses", "bets"))).names == ("losses", "bets")
    assert block_of(stored(frame, "dates in the path alone", ("nights",))).names == ("nights",)
    with pytest.raises(
        DataProblem, match=r"telemetry-parquet.parquet.*'country': expected numbers, got \w+ in 500 rows"
    ):
        block_of(stored(frame))
    with pytest.raises(DataProblem, match=r"\['stakes'\]"):
        block_of(stored(frame, counters=("bets", "stakes")))


def test_the_row_numbers_that_pandas_writes_are_no_counter(frame, tmp_path, block_of):
    frame.to_csv(tmp_path / "telemetry.csv")
    assert block_of(Source(str(tmp_path / "telemetry.csv"))).names == ("bets", "losses", "nights")


def test_ids_of_a_csv_file_keep_their_zeros(stored, frame, block_of):
    named = frame.assign(player_id=frame["player_id"].astype(str).str.zfill(4))
    assert block_of(stored(named, "csv")).ids[:2].tolist() == ["0000", "0001"]


def test_integer_and_string_ids_in_two_parts_are_refused(frame, tmp_path):
    frame.to_parquet(tmp_path / "a.parquet")
    frame.assign(player_id=frame["player_id"].astype(str)).to_parquet(tmp_path / "b.parquet")
    with pytest.raises(DataProblem, match=r"'player_id': .* integers in .*a.parquet and strings in .*b.parquet \(\d+"):
        survey(Source(str(tmp_path)), [WINDOW])


def _some(frame, column, value):
    """The column with another value in its first three rows."""
    return frame[column].astype(float).where(frame.index > 2, value)


@pytest.mark.parametrize(
    ("bad", "cutoff", "message"),
    [
        (lambda f: f.assign(bets=_some(f, "bets", -1)), CUTOFF, r"'bets': 3 of 500 rows are negative"),
        (lambda f: pd.concat([f, f[:3]]), CUTOFF, r"'player_id', 'date': 3 of \d+ rows repeat"),
        (lambda f: f, "2023-03-13", r"'date': the cut-off 2023-03-13 lies 10 days after .* \(\d+ rows"),
        (lambda f: f[:0], CUTOFF, "got an empty table"),
        (lambda f: f, "2024-03-03", r"'date': none of \d+ rows.*span 2023-01-02 to 2023-03-02"),
        (lambda f: f, "2022-12-01", r"'date': none of \d+ rows"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_file_whatever_step_refuses(stored, frame, bad, cutoff, message, block_of):
    with pytest.raises(DataProblem, match=rf"telemetry-parquet.parquet: .*{message}"):
        block_of(stored(bad(frame)), Window(cutoff, 60))


def test_an_empty_id_in_a_csv_file_is_refused(stored, frame, block_of):
    with pytest.raises(DataProblem, match=r"telemetry-csv.csv: column 'player_id': 3 of \d+ rows have no id"):
        block_of(stored(frame.assign(player_id=_some(frame, "player_id", np.nan)), "csv"))


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


def test_a_counter_of_a_unit_too_large_for_its_values_is_noted(stored, frame):
    assert survey(stored(frame), [WINDOW])[0].notes == ()
    [found] = survey(stored(frame.assign(metres=frame["bets"] * 1e-6)), [WINDOW])
    [note] = found.notes
    assert note.startswith("counter 'metres': no value reaches 0.01, too small for features of their course")


def test_a_counter_that_is_empty_on_some_days_is_noted(stored, frame):
    day = frame["date"] == pd.Timestamp("2023-02-01")
    losses = frame["losses"].astype(float).mask(day | (frame.index < 4))
    [found] = survey(stored(frame.assign(losses=losses)), [WINDOW])
    [note] = found.notes
    assert note.startswith(f"counter 'losses' is empty in {losses.isna().sum()} of {len(frame):,} rows")
    assert "on 1 day in every row (first 2023-02-01): it counts as 0 there" in note


def test_a_player_with_one_active_day_has_features(stored, frame, block_of):
    from scarcegan.features.extract import extract

    lone = frame[:1].assign(player_id=999, date=pd.Timestamp("2023-02-01"), bets=4, losses=0, nights=0)
    block = block_of(stored(pd.concat([frame, lone])))
    table = extract(block)
    row = dict(zip(table.names, table.features[-1], strict=True))
    assert table.ids[-1] == 999
    assert np.isfinite(table.features).all()
    assert (row["bets_peak"], row["bets_recency_days"]) == (4, 28)


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
