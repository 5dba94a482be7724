from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from scarcegan.data import left_out
from scarcegan.data.left_out import RowNumbers, constant, leave_out
from scarcegan.data.populations import load_populations
from scarcegan.problems import DataProblem

SIZES = {"normal": 30, "risky": 12, "unlabeled": 200, "test": 20}
ALL = sum(SIZES.values())


def per_table(rng):
    return {name: np.arange(size) for name, size in SIZES.items()}


def from_one(rng):
    return {name: np.arange(1, size + 1) for name, size in SIZES.items()}


def running(rng):
    firsts = np.cumsum([50, *SIZES.values()])
    return {name: first + np.arange(size) for (name, size), first in zip(SIZES.items(), firsts, strict=False)}


def shuffled(rng):
    return {name: rng.permutation(size) for name, size in SIZES.items()}


def dealt(rng):
    """Numbered as one table, of which each table got some rows."""
    return dict(zip(SIZES, np.split(rng.permutation(ALL), np.cumsum(list(SIZES.values())[:-1])), strict=True))


def apart_from_test(rng):
    """The test table was numbered apart from the others."""
    pool = dict(zip(SIZES, np.split(rng.permutation(242), [30, 42]), strict=False))
    return pool | {"test": np.arange(20)}


def of_parts(rng):
    """Each part, of ten rows, begins anew."""
    return {name: np.arange(size) % 10 for name, size in SIZES.items()}


def found(columns, kind=None, part_rows=10):
    """Pass columns, name -> table -> values, by the finder in parts; it does not know columns it was not told of."""
    numbers = RowNumbers(columns)
    for table, size in SIZES.items():
        whole = pa.table(
            {name: pa.array(values[table], kind) for name, values in columns.items()} | {"id": range(size)}
        )
        for start in range(0, size, part_rows):
            numbers.add(table, f"{table}/{start}", whole.slice(start, part_rows))
    return numbers.found("test")


@pytest.mark.parametrize("numbering", [per_table, from_one, running, shuffled, dealt, apart_from_test, of_parts])
@pytest.mark.parametrize("kind", [pa.int64(), pa.int32(), pa.float64()], ids=str)
def test_a_column_that_numbers_the_rows_is_found_whatever_it_is_called(numbering, kind, rng):
    assert found({"nr": numbering(rng)}, kind) == ["nr"]


@pytest.mark.parametrize(("name", "is_found"), [("index", True), ("level_0", True), ("opens", False)])
def test_an_index_of_a_table_that_rows_were_taken_from_has_gaps_and_is_told_by_its_name(name, is_found, rng):
    drawn = rng.permutation(3 * ALL)
    gaps = dict(zip(SIZES, np.split(np.sort(drawn[:ALL]), np.cumsum(list(SIZES.values())[:-1])), strict=True))
    assert found({name: gaps}) == [name] * is_found


def features(rng, size):
    return {
        "opens": rng.integers(0, 90, size),
        "burst": rng.random(size),
        "night": rng.random(size) < 0.5,
        "index": rng.integers(0, 50, size),
        "euros": np.round(rng.random(size), 2) * 1_000,
        "since": rng.permutation(10 * size)[:size] + 1_700_000_000,
    }


def test_features_number_nothing(rng):
    tables = {table: features(rng, size) for table, size in SIZES.items()}
    assert (
        found({name: {table: tables[table][name] for table in SIZES} for name in tables["risky"]}, part_rows=50) == []
    )


def test_few_rows_that_follow_one_another_are_chance():
    numbers = RowNumbers(["level"])
    for table, values in (("risky", [3, 4]), ("normal", [2, 1]), ("unlabeled", [0])):
        numbers.add(table, table, pa.table({"level": values}))
    assert numbers.found("test") == []


def test_large_parts_are_looked_at_in_blocks(rng, monkeypatch):
    monkeypatch.setattr(left_out, "BLOCK_ROWS", 7)
    assert found({"nr": shuffled(rng), "twice": {name: np.arange(size) // 2 for name, size in SIZES.items()}}) == ["nr"]


def test_features_that_are_the_same_for_the_whole_pool_are_constant_even_if_test_players_differ(players, monkeypatch):
    monkeypatch.setattr(left_out, "BLOCK_ROWS", 50)
    flat = players()
    flat.features[:-60, [0, 2]] = 4
    flat.test_set[-60:] = 1
    assert constant(flat) == ["opens", "night"]
    flat.features[200, 2] = 5
    assert constant(flat) == ["opens"]


def test_a_value_that_only_some_have_is_not_constant_and_one_that_all_miss_is(players):
    gaps = players()
    gaps.features[:, 0] = np.nan
    gaps.features[:, 1] = 1
    gaps.features[7, 1] = np.nan
    assert constant(gaps) == ["opens"]


def test_what_is_left_out_is_named_and_the_others_stay_in_the_same_memory(players, monkeypatch):
    monkeypatch.setattr(left_out, "BLOCK_ROWS", 50)
    everyone = players()
    expected, memory = everyone.features[:, [0, 2]].copy(), everyone.features
    kept = leave_out(replace(everyone, notes=("first",)), ["burst"], "being constant")
    np.testing.assert_array_equal(kept.features, expected)
    assert kept.features.flags.c_contiguous
    assert np.shares_memory(kept.features, memory)
    assert kept.feature_names == ("opens", "night")
    assert kept.notes == ("first", "1 column is left out, being constant: 'burst'")
    assert leave_out(kept, [], "being constant") is kept


def test_a_column_that_only_the_names_of_folders_tell_is_named(five_tables, tmp_path, settings):
    for population, frame in five_tables.items():
        both = frame.assign(region="north", level=frame.index % 3)
        both.to_parquet(tmp_path / "day=1" / population, partition_cols=["region", "level"])
    players = load_populations(settings(data={"path": str(tmp_path / "day=1")}))
    assert players.feature_names == ("opens", "burst", "night")
    told = "2 columns are left out, standing in the names of folders and not in the files: 'level', 'region'"
    assert players.notes == (told,)


def test_players_without_any_feature_left_are_refused(players):
    with pytest.raises(DataProblem, match=r"got none: 3 columns are left out, being constant: 'opens', 'burst', 'nig"):
        leave_out(players(), ["opens", "burst", "night"], "being constant")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("name", ["", "Unnamed: 0", "__index_level_0__", "index", "row"])
def test_five_tables_with_their_row_numbers_have_the_same_features_as_without(
    five_tables, folder_of, settings, suffix, name
):
    from scarcegan.data.populations import load_populations

    plain = load_populations(settings(data={"path": folder_of(five_tables, suffix, "plain")}))
    numbered = pd.concat(five_tables, names=["table"]).reset_index("table")
    numbered.insert(1, name, np.arange(len(numbered)))
    tables = {table: rows.drop(columns="table") for table, rows in numbered.groupby("table")}
    players = load_populations(settings(data={"path": folder_of(tables, suffix)}))
    assert players.feature_names == plain.feature_names
    np.testing.assert_array_equal(players.features, plain.features)
    [note] = players.notes
    assert note.startswith("1 column is left out, ")
    assert note.endswith(f": '{name}'")


@pytest.fixture
def rng():
    return np.random.default_rng(5)
