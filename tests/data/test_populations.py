import numpy as np
import pandas as pd
import pytest

from scarcegan.data.players import fingerprint
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


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_empty_fields_are_missing_values_and_a_population_may_lack_a_column(load, five_tables, suffix):
    heavy = five_tables["heavy"].assign(opens=[None, *range(34)], burst=None)
    players = load({"heavy": heavy}, suffix)
    lacked = np.isnan(players.features)
    np.testing.assert_array_equal(np.flatnonzero(lacked[:, 0]), [70])
    np.testing.assert_array_equal(np.flatnonzero(lacked[:, 1]), np.arange(70, 105))
    assert not lacked[:, 2].any()


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


@pytest.mark.parametrize(
    "stored",
    [lambda ids: ids.astype(float), lambda ids: ids.astype("Int64"), lambda ids: ids.astype(str) + ".0"],
    ids=["floats", "nullable integers", "floats as text"],
)
def test_ids_are_the_same_however_they_are_stored(load, five_tables, stored):
    tables = {name: frame.assign(player_id=stored(frame["player_id"])) for name, frame in five_tables.items()}
    assert fingerprint(load(tables)) == fingerprint(load())


def test_ids_too_large_for_an_integer_of_64_bits_are_text(load, five_tables):
    risky = five_tables["risky"]
    players = load({"risky": _ids(risky, risky["player_id"].astype("u8") + np.uint64(2**63))})
    assert players.ids[players.labels == 3].tolist() == [str(number + 2**63) for number in risky["player_id"]]


def test_an_empty_part_among_others_does_no_harm(load, tmp_path):
    whole = load(suffix=".csv")
    table = tmp_path / "in" / "heavy.csv"
    parts = tmp_path / "in" / "heavy"
    parts.mkdir()
    header = table.read_text().splitlines(keepends=True)[0]
    (parts / "0.csv").write_text(header)
    table.rename(parts / "1.csv")
    assert fingerprint(load(dict.fromkeys(ORDER))) == fingerprint(whole)


def _ids(frame, ids):
    return frame.assign(player_id=ids)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("risky", lambda f: None, r"tables of \['risky'\] in .*, each as NAME.parquet, NAME.csv .*, got \["),
        ("heavy", lambda f: f[:0], "expected players in 'heavy', got an empty table: add players to it"),
        ("risky", lambda f: f.drop(columns="burst"), r"of 'dormant' in 'risky', got no column \['burst'\]: give all"),
        ("heavy", lambda f: f.assign(wins=1.0), r"in 'heavy', got extra column \['wins'\]: .* data.ignore_columns"),
        ("heavy", lambda f: f.rename(columns={"burst": "b"}), r"got no column \['burst'\] and extra column \['b'\]"),
        ("normal", lambda f: f.assign(opens="many"), "numbers in feature column 'opens' of 'normal', got string "),
        ("normal", lambda f: f.assign(opens=pd.Timestamp("2026-01-01")), "'opens' of 'normal', got timestamp.[mnu]s. "),
        ("dormant", lambda f: f.assign(burst=1e300), "'burst', got an infinite value for a player of 'dormant'"),
        ("dormant", lambda f: f.rename(columns={"player_id": "id"}), "id column 'player_id' in 'dormant', got .*: set"),
        ("risky", lambda f: _ids(f, np.linspace(0, 1, 12)), "expected whole numbers or text in id column 'player_id'"),
        ("risky", lambda f: _ids(f, f["player_id"].astype(str).mask(f.index == 3)), "of 'risky', got 1 without"),
        ("unlabeled", lambda f: f.assign(truth_risky=0), "'truth_risky' in the 'test' table alone, got it in 'unl"),
    ],
)  # fmt: skip
def test_a_table_that_does_not_fit_is_refused(load, five_tables, name, change, message):
    with pytest.raises(DataProblem, match=message):
        load({name: change(five_tables[name])})


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("heavy", lambda f: f.assign(opens=[np.inf, *range(34)]), "an infinite value for a player of 'heavy'"),
        ("heavy", lambda f: f[:0], "expected players in 'heavy', got an empty table: add players to it"),
        ("risky", lambda f: _ids(f, f["player_id"].astype(str).mask(f.index == 3)), "of 'risky', got 1 without"),
    ],
)
def test_what_only_a_csv_leaves_open_is_refused(load, five_tables, name, change, message):
    with pytest.raises(DataProblem, match=message):
        load({name: change(five_tables[name])}, ".csv")


def test_a_population_found_twice_is_refused(load, five_tables):
    load()
    with pytest.raises(DataProblem, match=r"one table for 'dormant' in .*, got \['dormant.csv', 'dormant.parquet'\]"):
        load(suffix=".csv")


def test_no_path_and_a_path_that_is_not_there_are_refused(settings, tmp_path):
    with pytest.raises(DataProblem, match=r"expected data.path for data.source 'tables', got none: name the folder"):
        load_populations(settings())
    with pytest.raises(DataProblem, match=r"tables of \['dormant', .*\] in .*/nowhere, .*, got nothing there"):
        load_populations(settings(data={"path": str(tmp_path / "nowhere")}))


def test_one_table_instead_of_a_folder_is_told_what_it_needs(settings, tmp_path):
    (tmp_path / "one.csv").write_text("player_id,kind\n1,risky\n")
    with pytest.raises(DataProblem, match=r"a folder of tables .*, got the file .*/one.csv: name its column of labels"):
        load_populations(settings(data={"path": str(tmp_path / "one.csv")}))


def test_tables_without_features_are_refused(load):
    with pytest.raises(DataProblem, match=r"feature columns in 'dormant', got only .*: add features or shorten"):
        load(data={"ignore_columns": ["opens", "burst", "night"]})


def test_an_ignored_column_that_no_table_has_is_refused(load):
    with pytest.raises(DataProblem, match=r"ignore_columns names 'nigth', which no table has: did you mean 'night'"):
        load(data={"ignore_columns": ["nigth"]})


def test_a_test_table_without_truth_or_with_odd_truth_is_refused(load, test_table):
    with pytest.raises(DataProblem, match=r"'truth_risky' \(0 or 1\) in 'test', got .*: add it, or take 'test' away"):
        load({"test": test_table.drop(columns="truth_risky")})
    for odd, said in ((2, "2"), (float("nan"), "nan"), ("yes", "'yes'")):
        with pytest.raises(DataProblem, match=f"expected 0 or 1 in 'truth_risky' of 'test', got {said}: mend that row"):
            load({"test": test_table.assign(truth_risky=[odd] * 20)})


def test_a_test_player_that_is_also_trained_on_is_refused(load, test_table):
    with pytest.raises(DataProblem, match=r"once and in one population, got 1 more often .in 'dormant' and 'test'."):
        load({"test": test_table.assign(player_id=[5, *range(901, 920)])})


def test_a_sample_of_a_large_table_stands_for_all_of_it(load):
    players = load(data={"max_unlabeled": 40})  # and a fifth to be held out
    assert np.count_nonzero(players.labels == -1) == 50
    assert players.each_unlabeled == 200 / 50
