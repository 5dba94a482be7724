import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from scarcegan.data import tables
from scarcegan.data.tables import read_parts, read_table
from scarcegan.problems import DataProblem

FRAME = pd.DataFrame({"player_id": [3, 1, 2], "opens": [1.5, 2.5, 0.0], "burst": [0, 7, 1]})


def test_a_folder_with_a_list_of_parts_alone_is_refused(tmp_path):
    (tmp_path / "manifest").write_text('{"entries": []}')
    with pytest.raises(DataProblem, match=r"expected either .parquet or .csv files at .*, got \['no extension'\]"):
        read_table(str(tmp_path))


def test_parquet_and_csv_give_the_same_rows(tmp_path):
    FRAME.to_parquet(tmp_path / "a.parquet")
    FRAME.to_csv(tmp_path / "a.csv", index=False)
    pd.testing.assert_frame_equal(read_table(str(tmp_path / "a.parquet")), FRAME)
    pd.testing.assert_frame_equal(read_table(str(tmp_path / "a.csv")), FRAME)


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_a_folder_of_parts_is_read_in_the_order_of_their_names(tmp_path, suffix):
    (tmp_path / "day=1").mkdir()
    parts = {"part-2": FRAME[2:], "part-1": FRAME[1:2], "day=1/part-9": FRAME[:1][["burst", "opens", "player_id"]]}
    for name, part in parts.items():
        if suffix == ".csv":
            part.to_csv(tmp_path / f"{name}.csv", index=False)
        else:
            part.to_parquet(tmp_path / f"{name}.parquet")
    for leftover in ("_SUCCESS", ".part-1.crc"):
        (tmp_path / leftover).write_text("")
    frame = read_table(str(tmp_path))
    pd.testing.assert_frame_equal(frame[FRAME.columns], FRAME)
    assert list(frame.columns) == ["burst", "opens", "player_id"]


def test_whole_and_broken_numbers_in_two_parts_become_broken_numbers(tmp_path):
    (tmp_path / "1.csv").write_text("player_id,opens\n1,2\n")
    (tmp_path / "2.csv").write_text("player_id,opens\n2,0.5\n")
    assert read_table(str(tmp_path))["opens"].tolist() == [2.0, 0.5]


def test_text_columns_of_a_csv_keep_their_zeros(tmp_path):
    (tmp_path / "a.csv").write_text("player_id,opens\n007,2\n")
    assert read_table(str(tmp_path / "a.csv"), text=["player_id"])["player_id"].tolist() == ["007"]


def test_pieces_are_small_however_large_the_row_groups_are_and_together_the_table(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "BATCH_ROWS", 2)
    FRAME.to_parquet(tmp_path / "1.parquet")
    FRAME[["burst", "opens", "player_id"]].to_parquet(tmp_path / "2.parquet")
    FRAME[:0].to_parquet(tmp_path / "3.parquet")
    pieces = [(part.rpartition("/")[2], len(rows)) for part, rows in read_parts(str(tmp_path))]
    assert pieces == [("1.parquet", 2), ("1.parquet", 1), ("2.parquet", 2), ("2.parquet", 1), ("3.parquet", 0)]
    together = pd.concat([rows.to_pandas() for _, rows in read_parts(str(tmp_path))], ignore_index=True)
    pd.testing.assert_frame_equal(together[FRAME.columns], read_table(str(tmp_path)))


def test_columns_may_be_picked_from_the_names_of_each_part(tmp_path):
    FRAME.to_parquet(tmp_path / "1.parquet")
    FRAME.assign(wins=1).to_parquet(tmp_path / "2.parquet")
    picked = [rows.column_names for _, rows in read_parts(str(tmp_path), lambda names: sorted(names)[:1])]
    assert picked == [["burst"], ["burst"]]
    with pytest.raises(DataProblem, match=r"expected column \['losses'\] in .*1.parquet, got \["):
        list(read_parts(str(tmp_path), lambda names: ["losses"]))


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_only_the_asked_columns_are_read(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    FRAME.to_parquet(path) if suffix == ".parquet" else FRAME.to_csv(path, index=False)
    [(_, rows)] = read_parts(str(path), ["burst", "opens"])
    pd.testing.assert_frame_equal(rows.to_pandas(), FRAME[["burst", "opens"]])
    with pytest.raises(DataProblem, match=r"expected column \['wins'\] in .*a\..*, got \["):
        list(read_parts(str(path), ["opens", "wins"]))


def test_an_index_is_no_column_unless_it_has_a_name(tmp_path):
    FRAME[FRAME["burst"] > 0].to_parquet(tmp_path / "a.parquet")
    FRAME.set_index("player_id").to_parquet(tmp_path / "b.parquet")
    assert set(read_table(str(tmp_path / "a.parquet")).columns) == set(FRAME.columns)
    assert set(read_table(str(tmp_path / "b.parquet")).columns) == set(FRAME.columns)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "cannot read .*/in: No such file or directory; check the path"),
        ({"_SUCCESS": b""}, "expected a file or a folder of parts at .*, found nothing"),
        ({"a.csv": b"", "notes.txt": b""}, r"\.parquet or \.csv files at .*move the others away, '.*notes.txt'"),
        ({"a.csv": b"", "b.parquet": b""}, r"expected either .parquet or .csv files at .*, got \['.csv', '.parquet'\]"),
    ],
    ids=["nothing", "no parts", "other files", "two formats"],
)
def test_what_is_no_table_is_refused(tmp_path, files, message):
    for name, content in files.items():
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_bytes(content)
    with pytest.raises(DataProblem, match=message):
        read_table(str(tmp_path / "in"))


@pytest.mark.parametrize("damage", [lambda data: b"no parquet at all", lambda data: data[:-9], lambda data: b""])
def test_a_corrupt_parquet_file_is_refused(tmp_path, damage):
    path = tmp_path / "a.parquet"
    FRAME.to_parquet(path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataProblem, match=r"cannot read .*a.parquet: .*; mend the file or write it again"):
        read_table(str(path))


def test_a_parquet_file_with_damaged_pages_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    pd.DataFrame({"opens": np.random.default_rng(0).random(5_000)}).to_parquet(path)
    data = bytearray(path.read_bytes())
    data[4:200] = bytes(196)
    path.write_bytes(data)
    with pytest.raises(DataProblem, match=r"cannot read .*a.parquet: .*; mend the file or write it again"):
        read_table(str(path))


def test_a_csv_with_ragged_rows_is_refused_with_the_row(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("player_id,opens\n1,2\n2,3\n3\n4,5\n")
    with pytest.raises(DataProblem, match=r"cannot read .*a.csv: .*Row #4: Expected 2 columns, got 1"):
        read_table(str(path))
    path.write_text("player_id,opens\n1,2,9\n")
    with pytest.raises(DataProblem, match=r"Row #2: Expected 2 columns, got 3"):
        read_table(str(path))


@pytest.mark.parametrize("content", [b"", b"player_id,name\n1,\xff\xfe\n", b"player_id,a\n" + b"\x00" * 9])
def test_a_file_that_is_no_csv_is_refused(tmp_path, content):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(DataProblem, match=r"cannot read .*a.csv: .*; mend the file or write it again"):
        read_table(str(tmp_path / "a.csv"), text=["name"])


def test_a_column_twice_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("player_id,opens,opens\n1,2,3\n")
    with pytest.raises(DataProblem, match=r"different column names in .*a.csv, got \['opens'\] twice: rename or drop"):
        read_table(str(tmp_path / "a.csv"))
    table = pa.table([[1], [2], [3]], names=["player_id", "opens", "opens"])
    parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(DataProblem, match=r"different column names in .*a.parquet, got \['opens'\] twice"):
        read_table(str(tmp_path / "a.parquet"))


def test_parts_with_other_columns_are_refused(tmp_path):
    FRAME.to_parquet(tmp_path / "1.parquet")
    FRAME.rename(columns={"burst": "bursts"}).to_parquet(tmp_path / "2.parquet")
    with pytest.raises(DataProblem, match=r"1.parquet and .*2.parquet differ in \['burst', 'bursts'\]: write the"):
        read_table(str(tmp_path))


def test_parts_with_other_types_are_refused(tmp_path):
    FRAME.to_parquet(tmp_path / "1.parquet")
    FRAME.assign(burst="many").to_parquet(tmp_path / "2.parquet")
    with pytest.raises(DataProblem, match=r"expected one type per column in all parts of .*burst.*; write the parts"):
        read_table(str(tmp_path))
