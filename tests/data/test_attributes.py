"""A table of attributes is read as every other table, joined by id, and told all that is wrong with it at once."""

import numpy as np
import pandas as pd
import pytest

from scarcegan.data.attributes import attributes_of, check_attributes, check_attributes_fit
from scarcegan.preflight.checks import inside_run
from scarcegan.problems import DataProblem, PreflightProblem, SettingsProblem
from scarcegan.settings import load


@pytest.fixture
def table(tmp_path):
    """Write a table of attributes and return settings that name it."""

    def write(rows, *columns, name="attributes.csv", **more):
        frame = pd.DataFrame(rows)
        path = tmp_path / name
        frame.to_csv(path, index=False) if name.endswith("csv") else frame.to_parquet(path)
        return load({"evaluate": {"attributes": str(path), "attribute_columns": columns, **more}})

    return write


@pytest.mark.parametrize("name", ["attributes.csv", "attributes.parquet"])
def test_values_come_in_the_order_of_the_players_and_unknown_is_who_has_none(table, name):
    rows = {"player_id": [3, 1, 2, 9], "region": ["north", "south", None, "west"], "zone": [1.0, 2.0, None, 3.0]}
    settings = table(rows, "region", "zone", name=name)
    found = attributes_of(np.array([1, 2, 3, 4]), settings)
    assert found["region"].tolist() == ["south", "unknown", "north", "unknown"]
    assert found["zone"].tolist() == ["2", "unknown", "1", "unknown"]


def test_ids_are_the_same_player_however_they_are_stored(table):
    settings = table({"player_id": ["12", "7"], "adult": [True, False]}, "adult", name="a.parquet")
    assert attributes_of(np.array(["7", "12"]), settings)["adult"].tolist() == ["false", "true"]


def test_codes_keep_their_zeros_and_other_columns_are_not_read(table):
    settings = table({"player_id": [1, 2], "code": ["07", "x"], "name": ["ada", "bob"]}, "code")
    found = attributes_of(np.array([1, 2]), settings)
    assert {name: column.tolist() for name, column in found.items()} == {"code": ["07", "x"]}


def test_without_a_table_there_are_no_attributes():
    assert attributes_of(np.array([1]), load({})) == {}


def test_a_folder_of_parts_is_one_table(tmp_path):
    for part in range(2):
        rows = pd.DataFrame({"player_id": [part], "region": [f"r{part}"]})
        rows.to_parquet(tmp_path / f"part-{part}.parquet")
    settings = load({"evaluate": {"attributes": str(tmp_path), "attribute_columns": ["region"]}})
    assert attributes_of(np.arange(2), settings)["region"].tolist() == ["r0", "r1"]
    assert check_attributes(settings) == "2 rows with region"


def test_all_mistakes_are_one_message_before_anything_is_trained_and_values_are_not_in_it(table):
    rows = {
        "player_id": [*range(29), None, 3, 3],
        "age": [f"{year}.5" for year in range(32)],
        "born": pd.date_range("2000-01-01", periods=32),
        "wage": np.linspace(1.01, 9.01, 32),
    }
    settings = table(rows, "age", "born", "wage", "region", name="a.parquet")
    with pytest.raises(PreflightProblem) as refused:
        inside_run(settings, {})
    told = str(refused.value)
    assert "expected columns ['region'] in evaluate.attributes" in told
    assert "at most 20 values of attribute 'age', got 32: make bands" in told
    assert "true and false in attribute 'born' of evaluate.attributes, got timestamp" in told
    assert "in attribute 'wage' of evaluate.attributes, got double" in told
    assert "got 1 without: fill them in" in told
    assert "31.5" not in told
    assert "9.01" not in told


def test_a_player_twice_is_refused(table):
    with pytest.raises(DataProblem, match=r"each player once .* got 1 more often: keep one row"):
        check_attributes(table({"player_id": [1, 2, 1], "region": ["a", "b", "c"]}, "region"))


def test_an_empty_table_and_one_that_is_not_there_are_refused(table, tmp_path):
    with pytest.raises(DataProblem, match="got an empty table"):
        check_attributes(table({"player_id": [], "region": []}, "region"))
    missing = load({"evaluate": {"attributes": str(tmp_path / "no.csv"), "attribute_columns": ["region"]}})
    with pytest.raises(DataProblem, match=r"no\.csv"):
        check_attributes(missing)


def test_ids_of_other_players_are_refused_before_the_training(table):
    settings = table({"player_id": ["a-1", "a-2"], "region": ["north", "south"]}, "region")
    with pytest.raises(DataProblem, match="got none of the 3 test players: write the ids of the players' own tables"):
        check_attributes_fit(np.arange(3), ["bets"], settings)


def test_ids_are_no_attribute_and_what_is_missing_is_told_beside_what_is_there(table):
    settings = table({"player_id": [1], "Region": ["north"]}, "player_id", "region")
    with pytest.raises(DataProblem) as refused:
        check_attributes(settings)
    assert "expected attributes beside the ids, got 'player_id', which is data.id_column" in str(refused.value)
    assert "expected columns ['region'] in evaluate.attributes" in str(refused.value)
    assert "got ['player_id', 'Region']" in str(refused.value)


def test_an_attribute_that_is_a_feature_is_refused(table):
    settings = table({"player_id": [1], "region": ["north"]}, "region")
    with pytest.raises(DataProblem, match=r"to be no inputs, got \['region'\].*data.ignore_columns"):
        check_attributes_fit(np.array([1]), ["bets", "region"], settings)


@pytest.mark.parametrize(
    "half", [{"attributes": "a.csv"}, {"attribute_columns": ["region"]}, {"attributes": "a", "attribute_columns": "bb"}]
)
def test_a_table_without_columns_columns_without_a_table_and_one_twice_are_refused(half):
    if half.get("attribute_columns") == "bb":
        half = half | {"attribute_columns": ["b", "b"]}
    with pytest.raises(SettingsProblem, match="attribute_columns"):
        load({"evaluate": half})
