import numpy as np
import pandas as pd
import pytest

from scarcegan.data.fingerprint import fingerprint
from scarcegan.data.populations import load_populations
from scarcegan.problems import DataProblem

ORDER = ("dormant", "normal", "heavy", "risky", "unlabeled")


@pytest.fixture
def load(five_tables, folder_of, settings):
    """Write the five tables (and more), then load them."""

    def load_changed(changes=(), suffix=".parquet", name="in", **sections):
        tables = {**five_tables, **dict(changes)}
        folder = folder_of({name: table for name, table in tables.items() if table is not None}, suffix, name)
        sections["data"] = {"path": folder, **sections.get("data", {})}
        return load_populations(settings(**sections))

    return load_changed


@pytest.fixture
def test_table():
    frame = pd.DataFrame({"player_id": range(900, 920), "opens": range(20), "burst": 0.5, "night": False})
    return frame.assign(truth_risky=[1] * 3 + [0] * 17)


def test_five_tables_become_players(load, five_tables):
    players = load()
    frame = pd.concat(five_tables[name] for name in ORDER)
    np.testing.assert_array_equal(players.ids, frame["player_id"])
    assert players.ids.dtype == np.int64
    assert players.feature_names == ("opens", "burst", "night")
    np.testing.assert_array_equal(players.features, frame[["opens", "burst", "night"]].to_numpy(dtype=np.float32))
    assert players.features.dtype == np.float32
    assert players.features.flags.c_contiguous
    np.testing.assert_array_equal(players.labels, np.repeat([0, 1, 2, 3, -1], [30, 40, 35, 12, 200]))
    assert players.labels.dtype == players.truth.dtype == players.test_set.dtype == np.int8
    assert set(players.truth) == {-1}
    assert not players.test_set.any()
    assert players.test_sets == ()


def test_csv_gives_the_same_players_as_parquet(load):
    parquet = load()
    csv = load(suffix=".csv", name="csv")
    assert fingerprint(csv) == fingerprint(parquet)


def test_five_tables_on_s3_are_read_as_their_local_copies_are(load, bucket, five_tables, settings):
    half = len(five_tables["unlabeled"]) // 2
    for name, frame in five_tables.items():
        if name == "unlabeled":
            bucket.put_object(Key="in/unlabeled/part-0.parquet", Body=frame[:half].to_parquet(index=False))
            bucket.put_object(Key="in/unlabeled/part-1.parquet", Body=frame[half:].to_parquet(index=False))
            bucket.put_object(Key="in/unlabeled/_SUCCESS", Body=b"")
        else:
            bucket.put_object(Key=f"in/{name}.parquet", Body=frame.to_parquet(index=False))
    assert fingerprint(load_populations(settings(data={"path": "s3://models/in/"}))) == fingerprint(load())
    bucket.put_object(Key="in/risky.parquet", Body=b"PAR1 but no more")
    with pytest.raises(DataProblem, match=r"cannot read s3://models/in/risky.parquet: .*; mend the file"):
        load_populations(settings(data={"path": "s3://models/in/"}))


def test_other_names_of_populations_and_ids_are_settings(load, five_tables):
    tables = {name: frame.rename(columns={"player_id": "gamer"}) for name, frame in five_tables.items()}
    players = load(
        {"quiet": tables["dormant"], "whale": tables["risky"], "rest": tables["unlabeled"]},
        populations={"negatives": ["quiet"], "rare": "whale", "unlabeled": "rest"},
        data={"id_column": "gamer"},
    )
    np.testing.assert_array_equal(players.labels, np.repeat([0, 1, -1], [30, 12, 200]))


def test_columns_in_another_order_are_put_in_the_first_tables_order(load, five_tables):
    expected = load()
    turned = load({"risky": five_tables["risky"][["night", "player_id", "burst", "opens"]]})
    assert fingerprint(turned) == fingerprint(expected)


def test_ignored_columns_are_no_features(load, five_tables):
    players = load({"risky": five_tables["risky"].assign(note="x")}, data={"ignore_columns": ["note", "burst"]})
    assert players.feature_names == ("opens", "night")


def test_a_test_table_becomes_the_test_set_with_its_truth(load, test_table):
    players = load({"test": test_table})
    assert players.test_sets == ("test",)
    np.testing.assert_array_equal(players.test_set, np.repeat([0, 1], [317, 20]))
    np.testing.assert_array_equal(players.truth, np.repeat([-1, 1, 0], [317, 3, 17]))
    assert set(players.labels[-20:]) == {-1}
    assert players.feature_names == ("opens", "burst", "night")


def test_text_ids_keep_their_zeros(load, five_tables):
    tables = {
        name: frame.assign(player_id="00" + frame["player_id"].astype(str)) for name, frame in five_tables.items()
    }
    assert load(tables, suffix=".csv").ids[:2].tolist() == ["000", "001"]


def test_an_empty_part_among_others_does_no_harm(load, tmp_path):
    whole = load(suffix=".csv")
    table = tmp_path / "in" / "heavy.csv"
    parts = tmp_path / "in" / "heavy"
    parts.mkdir()
    header = table.read_text().splitlines(keepends=True)[0]
    (parts / "0.csv").write_text(header)
    table.rename(parts / "1.csv")
    assert fingerprint(load(dict.fromkeys(ORDER))) == fingerprint(whole)


def test_a_gap_in_a_csv_is_refused_as_a_missing_value(load, five_tables):
    gap = five_tables["heavy"].assign(opens=[None, *range(34)])
    with pytest.raises(DataProblem, match=r"feature 'opens', got a missing value \(NaN\) for player 70 of 'heavy'"):
        load({"heavy": gap}, ".csv")


def test_a_missing_population_is_refused(load):
    with pytest.raises(
        DataProblem,
        match=r"expected population 'risky' in .* as risky.parquet, risky.csv or a folder risky/, "
        r"got \['dormant.parquet', 'heavy.parquet', 'normal.parquet', 'unlabeled.parquet'\]: add it",
    ):
        load({"risky": None})


def test_a_population_found_twice_is_refused(load, five_tables):
    load()
    with pytest.raises(DataProblem, match=r"one table for 'dormant' in .*, got \['dormant.csv', 'dormant.parquet'\]"):
        load(suffix=".csv")


def test_no_path_and_a_path_that_is_not_there_are_refused(settings, tmp_path):
    with pytest.raises(DataProblem, match=r"expected data.path for data.source 'tables', got none: name the folder"):
        load_populations(settings())
    with pytest.raises(DataProblem, match=r"expected population 'dormant' in .*/nowhere as .*, got \[\]: add it"):
        load_populations(settings(data={"path": str(tmp_path / "nowhere")}))


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_an_empty_population_is_refused(load, five_tables, suffix):
    with pytest.raises(DataProblem, match="expected players in 'heavy', got an empty table: add players to it"):
        load({"heavy": five_tables["heavy"][:0]}, suffix)


def test_a_missing_feature_column_is_refused(load, five_tables):
    with pytest.raises(DataProblem, match=r"columns of 'dormant' in 'risky', got no column \['burst'\]: give all"):
        load({"risky": five_tables["risky"].drop(columns="burst")})


def test_an_extra_feature_column_is_refused(load, five_tables):
    with pytest.raises(DataProblem, match=r"in 'heavy', got extra column \['wins'\]: .* data.ignore_columns"):
        load({"heavy": five_tables["heavy"].assign(wins=1.0)})


def test_a_renamed_feature_column_is_refused_as_missing_and_extra(load, five_tables):
    with pytest.raises(DataProblem, match=r"got no column \['burst'\] and extra column \['bursts'\]"):
        load({"heavy": five_tables["heavy"].rename(columns={"burst": "bursts"})})


def test_a_duplicated_feature_column_is_refused(load, five_tables):
    load_folder_error = r"expected different column names in .*risky.csv, got \['opens'\] twice: rename or drop one"
    twice = five_tables["risky"].rename(columns={"burst": "opens"})
    with pytest.raises(DataProblem, match=load_folder_error):
        load({"risky": twice}, ".csv")


@pytest.mark.parametrize(
    ("values", "kind"), [("many", "string"), (pd.Timestamp("2026-01-01"), "datetime64"), (None, "empty")]
)
def test_a_feature_column_of_another_type_is_refused(load, five_tables, values, kind):
    with pytest.raises(DataProblem, match=f"expected numbers in feature column 'opens' of 'normal', got {kind} "):
        load({"normal": five_tables["normal"].assign(opens=values)})


def test_tables_without_features_are_refused(load):
    with pytest.raises(
        DataProblem, match=r"expected feature columns in 'dormant', got only .*: add features or shorten"
    ):
        load(data={"ignore_columns": ["opens", "burst", "night"]})


def test_an_ignored_column_that_no_table_has_is_refused(load):
    with pytest.raises(
        DataProblem, match=r"data.ignore_columns names 'nigth', which no table has: did you mean 'night'"
    ):
        load(data={"ignore_columns": ["nigth"]})


def test_a_table_without_the_id_column_is_refused(load, five_tables):
    with pytest.raises(DataProblem, match=r"expected id column 'player_id' in 'dormant', got .*: set data.id_column"):
        load({"dormant": five_tables["dormant"].rename(columns={"player_id": "id"})})


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_a_player_without_id_is_refused(load, five_tables, suffix):
    ids = five_tables["risky"]["player_id"].astype(str).where(lambda ids: ids.index != 3)
    with pytest.raises(DataProblem, match="expected an id in 'player_id' for each player of 'risky', got 1 without"):
        load({"risky": five_tables["risky"].assign(player_id=ids)}, suffix)


@pytest.mark.parametrize("ids", [np.linspace(0, 1, 12), np.arange(12, dtype=np.uint64) + np.uint64(2**63)])
def test_ids_that_are_no_whole_numbers_or_too_long_are_refused(load, five_tables, ids):
    with pytest.raises(DataProblem, match="expected whole numbers or text in id column 'player_id' of 'risky', got"):
        load({"risky": five_tables["risky"].assign(player_id=ids)})


def test_a_number_that_float32_cannot_hold_is_refused(load, five_tables):
    with pytest.raises(DataProblem, match="in feature 'burst', got an infinite value for player 0 of 'dormant'"):
        load({"dormant": five_tables["dormant"].assign(burst=1e300)})


def test_truth_outside_the_test_table_is_refused(load, five_tables):
    with pytest.raises(DataProblem, match=r"'truth_risky' in the 'test' table alone, got it in 'unlabeled'"):
        load({"unlabeled": five_tables["unlabeled"].assign(truth_risky=0)})


def test_a_test_table_without_truth_or_with_odd_truth_is_refused(load, test_table):
    with pytest.raises(DataProblem, match=r"expected column 'truth_risky' \(0 or 1\) in 'test', got .*: add it"):
        load({"test": test_table.drop(columns="truth_risky")})
    with pytest.raises(DataProblem, match=r"expected 0 or 1 in 'truth_risky' of 'test', got .*2.*: mend that row"):
        load({"test": test_table.assign(truth_risky=[2] * 20)})


def test_a_test_player_that_is_also_trained_on_is_refused(load, test_table):
    with pytest.raises(DataProblem, match=r"once and in one population, got 1 more often .5 in 'dormant' and 'test'."):
        load({"test": test_table.assign(player_id=[5, *range(901, 920)])})
