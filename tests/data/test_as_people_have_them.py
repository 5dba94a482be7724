"""Tables, telemetry, labels and scores in the types and files that warehouses and people write."""

import gzip
import json
from decimal import Decimal
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from scarcegan.data.players import fingerprint
from scarcegan.data.populations import load_populations
from scarcegan.data.tables import read_table
from scarcegan.features.longform import frame_of
from scarcegan.features.source import Source, Window, read_rows
from scarcegan.features.survey import survey
from scarcegan.features.telemetry import to_block
from scarcegan.problems import DataProblem
from scarcegan.settings import Populations
from scarcegan.snapshots.labels import read_labels
from scarcegan.storage import remove, write_bytes
from scarcegan.workflow.scoring.parity import _from_file

CUTOFF = "2026-03-02"
TYPES = {
    "decimal128": lambda ids, values: (ids.cast(pa.decimal128(38, 0)), values.cast(pa.decimal128(12, 2))),
    "floats and nullable booleans": lambda ids, values: (ids.cast(pa.float64()), pa.array([True, None] * 30)),
    "dictionary and all null": lambda ids, values: (_text(ids).dictionary_encode(), pa.nulls(60)),
    "string_view and dictionary": lambda ids, values: (_text(ids).cast(pa.string_view()), values.dictionary_encode()),
    "bytes that are text": lambda ids, values: (_text(ids).cast(pa.binary()), values),
    "dictionary of bytes": lambda ids, values: (_text(ids).cast(pa.binary()).dictionary_encode(), values),
    "large_string and half floats": lambda ids, values: (_text(ids).cast(pa.large_string()), values.cast(pa.float16())),
    "unsigned": lambda ids, values: (ids.cast(pa.uint64()), values.cast(pa.uint8())),
}


def _text(ids):
    return ids.cast(pa.string())


@pytest.fixture(params=TYPES.values(), ids=TYPES.keys())
def columns(request):
    """Ids 1,000 to 1,059 and sixty values, as some warehouse writes them, with the values that they mean."""
    values = pa.array([float(number % 7) for number in range(60)])
    ids, written = request.param(pa.array(range(1000, 1060)), values)
    plain = written.cast(written.type.value_type) if pa.types.is_dictionary(written.type) else written
    meant = [np.nan if value is None else float(value) for value in plain.to_pylist()]
    return ids, written, np.array(meant, np.float32)


def test_numbers_and_ids_of_every_type_are_read_from_tables(columns, five_tables, folder_of, settings):
    ids, written, meant = columns
    folder = folder_of(five_tables)
    table = pa.table({"player_id": ids, "opens": written, "burst": np.arange(60.0), "night": np.arange(60) % 2})
    parquet.write_table(table, f"{folder}/heavy.parquet")
    heavy = load_populations(settings(data={"path": folder}))
    heavy = heavy.take(heavy.labels == 2)
    assert heavy.ids.astype(str).tolist() == [str(number) for number in range(1000, 1060)]
    np.testing.assert_array_equal(heavy.features[:, 0], meant)


def test_numbers_and_ids_of_every_type_are_read_from_telemetry(columns, tmp_path):
    ids, written, meant = columns
    dates = np.arange("2026-01-01", "2026-03-02", dtype="datetime64[D]").astype(str).tolist()
    table = pa.table({"player_id": ids, "date": dates, "bets": written, "wins": np.ones(60)})
    parquet.write_table(table, tmp_path / "telemetry.parquet")
    source, window = Source(str(tmp_path / "telemetry.parquet")), Window(CUTOFF, 60)
    [found] = survey(source, [window])
    [(_, rows)] = read_rows(source, window.first, window.last)
    block = to_block(frame_of(rows), CUTOFF, 60)
    assert found.counters == block.names == ("bets", "wins")
    assert block.ids.astype(str).tolist() == [str(number) for number in range(1000, 1060)]
    np.testing.assert_array_equal(block.counters[..., 0].sum(axis=1), np.nan_to_num(meant))


def test_ids_and_scores_of_every_type_are_read_from_labels_and_scores(columns, tmp_path):
    ids, written, meant = columns
    label = {"population": pa.array(["risky"] * 60).dictionary_encode(), "since": ["2026-01-01"] * 60}
    parquet.write_table(pa.table({"player_id": ids, **label, "source": ["cs"] * 60}), tmp_path / "labels.parquet")
    labels = read_labels(str(tmp_path / "labels.parquet"), Populations())
    assert labels.table["player_id"].astype(str).tolist() == [str(number) for number in range(1000, 1060)]
    parquet.write_table(pa.table({"player_id": ids, "risk_score": written}), tmp_path / "scores.parquet")
    read = partial(_from_file, str(tmp_path / "scores.parquet"), np.arange(999, 1060), "")
    if np.isnan(meant).all():
        with pytest.raises(DataProblem, match="'risk_score': expected scores, got none in 60 rows"):
            read()
    else:
        np.testing.assert_array_equal(read(), [np.nan, *meant])


@pytest.mark.parametrize(
    ("ids", "told"),
    [
        (pa.array([2**63 + 5, 1], pa.uint64()), "uint64 in 2 rows: 1 of 2 are beyond 63 bits; store the ids as text"),
        (pa.array([0.5, 1]), "double in 2 rows: .*; store the ids as text"),
        (pa.array([True, False]), "bool in 2 rows: store the ids as text"),
        (pa.array([Decimal("1.50"), Decimal("2.00")]), "decimal128.* in 2 rows: .*; store the ids as text"),
    ],
)
def test_ids_that_telemetry_cannot_keep_are_refused_with_file_column_and_count(ids, told, tmp_path):
    table = pa.table({"player_id": ids, "date": ["2026-01-01"] * 2, "bets": [1, 2]})
    parquet.write_table(table, tmp_path / "telemetry.parquet")
    with pytest.raises(DataProblem, match=rf"telemetry.parquet: column 'player_id': expected .*, got {told}"):
        survey(Source(str(tmp_path / "telemetry.parquet")), [Window(CUTOFF, 60)])


def test_all_counters_that_are_no_numbers_are_told_at_once_with_those_to_read(tmp_path):
    rows = pd.DataFrame({"player_id": [1, 2], "date": "2026-01-01", "bets": 1, "country": ["PT", None]})
    rows.assign(stakes=["12.5", "3,5"]).to_csv(tmp_path / "telemetry.csv", index=False)
    with pytest.raises(DataProblem) as refused:
        survey(Source(str(tmp_path / "telemetry.csv")), [Window(CUTOFF, 60)])
    country, stakes, _, advice = str(refused.value).split("\n")
    assert "'country': expected numbers, got string in 2 rows: 1 of 2 values are no numbers, such as 'xx'" in country
    assert "'stakes': expected numbers, got string in 2 rows: 1 of 2 values are no numbers, such as '3,5'" in stakes
    assert advice == '  counters = ["bets"]'


def test_scores_as_text_are_refused_in_one_message(tmp_path):
    (tmp_path / "old.csv").write_text("player_id,risk_score\n1,63.7%\n2,1.0%\n")
    with pytest.raises(
        DataProblem, match=r"old.csv: column 'risk_score': expected numbers, got string \(2 of 2 .*63.7%"
    ):
        _from_file(str(tmp_path / "old.csv"), np.array([1, 2]), "")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_label_without_known_at_takes_since_where_others_have_it(suffix, tmp_path):
    rows = pd.DataFrame({"player_id": [1, 2], "population": "risky", "since": "2025-11-15", "source": "cs"})
    rows["known_at"] = ["2026-02-01", None]
    path = tmp_path / f"labels{suffix}"
    rows.to_csv(path, index=False) if suffix == ".csv" else rows.to_parquet(path)
    known_at = read_labels(str(path), Populations()).table["known_at"]
    assert known_at.dt.strftime("%Y-%m-%d").tolist() == ["2026-02-01", "2025-11-15"]


def test_everything_wrong_with_a_labels_table_is_told_at_once(tmp_path):
    text = "player_id,population,since,source,known_at\n,whale,soon,cs,\n2,risky,2026-01-01,cs,2025-12-01\n"
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(DataProblem) as refused:
        read_labels(str(tmp_path / "labels.csv"), Populations())
    told = str(refused.value)
    assert all(told.count(f"column '{name}'") == 1 for name in ("player_id", "population", "since", "known_at"))


def test_everything_wrong_with_five_tables_is_told_at_once(five_tables, folder_of, settings):
    tables = {
        name: frame.assign(city="Lisbon", joined=pd.Timestamp("2026-01-01")) for name, frame in five_tables.items()
    }
    tables["risky"] = tables["risky"].assign(country="PT", opens=np.inf)
    tables["heavy"] = tables["heavy"].drop(columns="burst").assign(player_id=[None, *range(800, 834)])
    tables["normal"].loc[tables["normal"].index[:5], "player_id"] = 3
    tables["normal"]["night"] = ["?", "1"] * 20
    tables["dormant"] = tables["dormant"][:4]
    with pytest.raises(DataProblem) as refused:
        load_populations(settings(data={"path": folder_of(tables, ".csv"), "ignore_columns": ["citi"]}))
    for told in (
        "in 'risky', got extra column ['country']",
        "in 'heavy', got no column ['burst']",
        "for each player of 'heavy', got 1 without",
        "got 1 more often (in 'dormant' and 'normal' and 'normal'",
        "expected at least 5 'dormant' players",
        "an infinite value for a player of 'risky' (12 such players)",
        "'city' of 'dormant', 'normal', 'heavy', 'risky', 'unlabeled', got string (291 of 291 values are no ",
        "'joined' of 'dormant', 'normal', 'heavy', 'risky', 'unlabeled', got date32",
        "'night' of 'normal', got string (20 of 40 values are no numbers, such as '?')",
        "names 'citi', which no table has: did you mean 'city'?",
    ):
        assert told in str(refused.value)
    last = str(refused.value).splitlines()[-1]
    assert last == '  ignore_columns = ["citi", "city", "joined", "night", "burst", "country"]'


FOREVER = pa.array([2**31 - 1] * 35, pa.date32())  # 'infinity' of PostgreSQL, as DuckDB writes it
ODD = {
    "dates after the last year": (FOREVER, "date32[day] (35 of 35 values are no numbers, such as '5881580-07-11'"),
    "bytes": (pa.array([b"\xff%d" % number for number in range(35)]), "binary (35 of 35 values are no numbers"),
    "lists": (pa.array([[number] for number in range(35)]), "list<element: int64> (35 of 35 values are no numbers"),
    "empty texts": (pa.array([""] * 35), "string (35 empty texts)"),
}


@pytest.mark.parametrize(("values", "told"), ODD.values(), ids=ODD.keys())
def test_columns_of_types_that_are_no_numbers_are_named_with_their_type(values, told, five_tables, folder_of, settings):
    folder = folder_of(five_tables)
    heavy = pa.Table.from_pandas(five_tables["heavy"], preserve_index=False)
    parquet.write_table(heavy.set_column(1, "opens", values), f"{folder}/heavy.parquet")
    with pytest.raises(DataProblem) as refused:
        load_populations(settings(data={"path": folder}))
    assert f"numbers in feature column 'opens' of 'heavy', got {told}" in str(refused.value)


@pytest.mark.parametrize("form", ["no extension", ".CSV", ".csv.gz", "S3"])
def test_files_are_read_by_what_they_are_and_markers_are_passed_over(
    form, five_tables, folder_of, settings, bucket, tmp_path
):
    expected = fingerprint(load_populations(settings(data={"path": folder_of(five_tables)})))
    for name, frame in five_tables.items():
        folder = tmp_path / form / name
        folder.mkdir(parents=True)
        part = {".CSV": "0.CSV", ".csv.gz": "0.csv.gz"}.get(form, "20261101_093011_00042_q7x2k_0c1f2d3e")
        text = frame.to_csv(index=False).encode()
        written = {".CSV": text, ".csv.gz": gzip.compress(text)}.get(form) or frame.to_parquet(index=False)
        (folder / part).write_bytes(written)
        (folder / "unload_manifest").write_text('{"entries": []}')
        for marker in ("country=DE_$folder$", "_SUCCESS", ".part.crc", f"9{'.CSV' if form == '.CSV' else ''}"):
            (folder / marker).touch()
    location = str(tmp_path / form)
    if form == "S3":
        for file in (tmp_path / form).rglob("*"):
            if file.is_file():
                bucket.put_object(Key=f"in/{file.relative_to(tmp_path / form)}", Body=file.read_bytes())
        location = "s3://models/in"
    assert fingerprint(load_populations(settings(data={"path": location}))) == expected


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"player_id;opens\n1;3,5\n", "expected commas between .*, got the semicolon ';' in the first line"),
        (b'player_id;"opens, a day";night\n1;3,5;2\n', "got the semicolon ';' in the first line"),
        (b"player_id\topens\n1\t3\n", "expected commas between .*, got the tab"),
        (
            b"PK\x03\x04\0\0 sheet",
            "expected CSV text in .*, got a zip archive, as Excel's workbooks are",
        ),
        (b"sep=;\nplayer_id;opens\n1;3,5\n", "expected the names of columns in .*, got 'sep=;'.*: remove that line"),
        (b"PAR1\x15\0\x15 PAR1", "expected CSV text in .*a.csv, got parquet: end its name with .parquet"),
        (b"\x28\xb5\x2f\xfd\x24\0 rows", "expected CSV text in .*a.csv, got zstandard: unpack it"),
        ("player_id,opens\n1,3\n".encode("utf-16"), "expected UTF-8 text in .*, got UTF-16: write the file as UTF-8"),
        (
            "player_id,größe\n1,3\n".encode("latin-1"),
            "UTF-8 .*, got other bytes in the first line.*iconv -f LATIN1",
        ),
        (
            "player_id,city\n1,Köln\n".encode("latin-1"),
            r"expected UTF-8 text in .*, got other bytes in column \['city'\]",
        ),
    ],
)
def test_the_message_names_another_separator_or_encoding(content, told, tmp_path):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(DataProblem, match=told):
        read_table(str(tmp_path / "a.csv"))


def test_a_name_in_quotes_may_hold_any_separator(tmp_path):
    (tmp_path / "a.csv").write_text('player_id,"bets; wins; losses"\n1,3\n')
    assert list(read_table(str(tmp_path / "a.csv")).columns) == ["player_id", "bets; wins; losses"]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    (tmp_path / "a.csv").write_bytes("player_id,opens\n1,3\n".encode("utf-8-sig"))
    assert list(read_table(str(tmp_path / "a.csv")).columns) == ["player_id", "opens"]


@pytest.mark.parametrize("note", [b'"5 inches\n2,7,b\n3,7,c\n', b'"5 inches\r\n2,7,b\r\n', b'"K\xf6ln\n2,7,b\n'])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_rows_after_an_open_quote_are_not_lost(note, pack, tmp_path):
    (tmp_path / "a.csv").write_bytes(pack(b"player_id,opens,note\n0,2,a\n1,3," + note))
    with pytest.raises(DataProblem, match=r"each quote of .*a.csv to be closed, got one open from row 2 to the end"):
        read_table(str(tmp_path / "a.csv"))


def test_several_columns_without_a_name_are_left_out(five_tables, folder_of, settings, tmp_path):
    (tmp_path / "a.csv").write_text("player_id,opens,,\n1,3,,\n2,4,,\n")  # as Excel leaves them
    assert list(read_table(str(tmp_path / "a.csv")).columns) == ["player_id", "opens"]
    folder = folder_of(five_tables, ".csv")
    five_tables["heavy"].assign(a=None, b=None).rename(columns={"a": "", "b": ""}).to_csv(f"{folder}/heavy.csv")
    assert load_populations(settings(data={"path": folder})).feature_names == ("opens", "burst", "night")


def test_a_last_value_of_several_lines_is_read(tmp_path):
    (tmp_path / "a.csv").write_bytes(b'player_id,note\n1,"a ""word"" and\nanother one\n" \n')
    assert read_table(str(tmp_path / "a.csv"))["note"].tolist() == ['a "word" and\nanother one\n ']


@pytest.mark.parametrize("offset", ["+02:00", "+0200", "-11:00", "Z", ""])
def test_a_moment_with_an_offset_in_a_csv_file_counts_on_the_day_that_is_written(offset, tmp_path):
    written = [f"2026-02-{day:02d}T{hour}{offset}" for day, hour in [(1, "00:30:00"), (2, "23:30:00")]]
    labels = pd.DataFrame({"player_id": [1, 2], "population": "risky", "since": written, "source": "cs"})
    labels.assign(known_at=written).to_csv(tmp_path / "labels.csv", index=False)
    found = read_labels(str(tmp_path / "labels.csv"), Populations()).table
    for column in ("since", "known_at"):
        assert found[column].dt.strftime("%Y-%m-%d").tolist() == ["2026-02-01", "2026-02-02"]
    daily = pd.DataFrame({"player_id": [1, 2], "date": written, "bets": [3, 4]})
    daily.to_csv(tmp_path / "telemetry.csv", index=False)
    [(_, rows)] = read_rows(Source(str(tmp_path / "telemetry.csv")), 0, 99_999)
    block = to_block(frame_of(rows), CUTOFF, 60)
    first = (np.datetime64("2026-02-01") - (np.datetime64(CUTOFF) - 60)).astype(int)
    assert block.counters[:, first : first + 2, 0].tolist() == [[3, 0], [0, 4]]


@pytest.mark.parametrize("where", ["disk", "S3"])
def test_rows_that_a_delta_table_has_replaced_do_not_come_back(where, bucket, tmp_path):
    actions = [{"add": {"path": "day%3D1/old.parquet"}}, {"remove": {"path": "day%3D1/old.parquet"}}]
    files = {f"_delta_log/{number:020d}.json": json.dumps(one).encode() for number, one in enumerate(actions)}
    for number, name in enumerate(["day=1/old.parquet", "new.parquet"]):
        files[name] = pd.DataFrame({"player_id": [1], "opens": [number]}).to_parquet()
    location = "s3://models/delta" if where == "S3" else str(tmp_path)
    for name, content in files.items():
        write_bytes(f"{location}/{name}", content)
    with pytest.raises(
        DataProblem, match="got a Delta table with 1 files of rows that were replaced or deleted: write"
    ):
        read_table(location)
    remove(f"{location}/day=1/old.parquet")  # as VACUUM does
    assert read_table(location)["opens"].tolist() == [1]


def test_a_date_after_the_last_year_is_refused_in_labels_and_outside_the_window_in_telemetry(tmp_path):
    days = pa.array([2**31 - 1, 20_000], pa.date32())
    table = pa.table({"player_id": [1, 2], "population": ["risky"] * 2, "since": days, "source": FOREVER[:2]})
    parquet.write_table(table, tmp_path / "labels.parquet")
    with pytest.raises(DataProblem, match=r"'since': expected ISO dates .* in 1 of 2 rows, first '5881580-07-11"):
        read_labels(str(tmp_path / "labels.parquet"), Populations())
    parquet.write_table(pa.table({"player_id": [1, 2], "date": days, "bets": [1, 2]}), tmp_path / "telemetry.parquet")
    with pytest.raises(DataProblem, match="the data span 2024-10-04 to 5881580-07-11: choose a cut-off inside"):
        survey(Source(str(tmp_path / "telemetry.parquet")), [Window(CUTOFF, 60)])
