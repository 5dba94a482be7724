"""Where the players lie is the settings' business: in one folder, anywhere, in one table, they are the same players."""

import numpy as np
import pandas as pd
import pytest

from scarcegan.data.players import fingerprint
from scarcegan.data.populations import labelled_ids, load_populations
from scarcegan.problems import DataProblem

FEATURES = ["opens", "burst", "night"]


@pytest.fixture
def test_table():
    frame = pd.DataFrame({"player_id": range(900, 920), "opens": range(20), "burst": 0.5, "night": False})
    return frame.assign(truth_risky=[1] * 3 + [0] * 17)


@pytest.fixture
def in_one_folder(five_tables, folder_of, settings, test_table):
    """The fingerprint of five tables and one of test players in one folder."""
    return fingerprint(
        load_populations(settings(data={"path": folder_of({**five_tables, "test": test_table}, ".parquet", "all")}))
    )


@pytest.fixture
def load(settings):
    return lambda **data: load_populations(settings(data=data))


def test_each_population_is_read_from_where_it_lies(
    five_tables, folder_of, test_table, bucket, load, tmp_path, in_one_folder
):
    folder = folder_of({name: five_tables[name] for name in ("dormant", "normal")})
    five_tables["heavy"].to_csv(tmp_path / "whales.csv", index=False)
    bucket.put_object(Key="rg-team/risky.parquet", Body=five_tables["risky"].to_parquet(index=False))
    for part in range(3):
        rows = five_tables["unlabeled"][part::3]
        bucket.put_object(Key=f"events/2026-11/{part}.parquet", Body=rows.to_parquet(index=False))
    test_table.to_parquet(tmp_path / "truth.parquet", index=False)
    players = load(
        path=folder,
        tables={
            "heavy": str(tmp_path / "whales.csv"),
            "risky": "s3://models/rg-team/risky.parquet",
            "unlabeled": {"path": "s3://models/events/2026-11/"},
            "test": str(tmp_path / "truth.parquet"),
        },
    )
    assert fingerprint(players) == in_one_folder


def test_a_table_may_have_an_id_column_and_names_of_its_own(
    five_tables, folder_of, test_table, load, tmp_path, in_one_folder
):
    folder = folder_of({name: frame for name, frame in five_tables.items() if name != "risky"})
    theirs = {"player_id": "account", "opens": "cases", "burst": "peak"}
    five_tables["risky"].rename(columns=theirs).to_parquet(tmp_path / "flagged.parquet")
    test_table.rename(columns={"truth_risky": "is_risky"}).to_parquet(tmp_path / "truth.parquet")
    tables = {
        "risky": {
            "path": str(tmp_path / "flagged.parquet"),
            "id_column": "account",
            "columns": {"opens": "cases", "burst": "peak"},
        },
        "test": {"path": str(tmp_path / "truth.parquet"), "columns": {"truth_risky": "is_risky"}},
    }
    assert fingerprint(load(path=folder, tables=tables)) == in_one_folder


def test_where_every_population_has_a_place_there_is_no_folder(five_tables, folder_of, load):
    folder = folder_of(five_tables)
    tables = {name: f"{folder}/{name}.parquet" for name in five_tables}
    assert fingerprint(load(tables=tables)) == fingerprint(load(path=folder))
    del tables["heavy"]
    with pytest.raises(DataProblem, match=r"expected data\.path for .*, got none: .* or every table in data\.tables"):
        load(tables=tables)


def test_the_order_of_rows_and_the_number_of_files_make_no_other_players(five_tables, folder_of, load, tmp_path):
    expected = fingerprint(load(path=folder_of(five_tables)))
    turned = {name: frame[::-1] for name, frame in five_tables.items()}
    folder = folder_of(turned, name="turned")
    (tmp_path / "turned" / "unlabeled.parquet").unlink()
    (tmp_path / "turned" / "unlabeled").mkdir()
    for part, start in enumerate(range(0, 200, 70)):
        rows = turned["unlabeled"][start : start + 70]
        rows.to_parquet(tmp_path / "turned" / "unlabeled" / f"{part}.parquet", index=False)
    assert fingerprint(load(path=folder)) == expected


def test_a_sample_has_the_same_players_too(five_tables, folder_of, load):
    few = {"max_unlabeled": 40}
    turned = folder_of({name: frame[::-1] for name, frame in five_tables.items()}, name="turned")
    assert fingerprint(load(path=turned, **few)) == fingerprint(load(path=folder_of(five_tables), **few))


def test_the_mistakes_of_all_tables_are_told_at_once(five_tables, folder_of, load, tmp_path):
    tables = {**five_tables, "normal": five_tables["normal"].drop(columns="burst")}
    folder = folder_of({**tables, "heavy": five_tables["heavy"].assign(wins=1.0)})
    own = {
        "risky": {"path": f"{folder}/risky.parquet", "columns": {"burst": "bursts"}},
        "unlabeled": {"path": f"{folder}/unlabeled.parquet", "id_column": "account"},
        "test": f"{tmp_path}/nowhere",
    }
    with pytest.raises(DataProblem) as told:
        load(path=folder, tables=own)
    for expected in (
        "in 'normal', got no column ['burst']",
        "in 'heavy', got extra column ['wins']",
        "in 'risky', ",
        "got no 'bursts': did you mean 'burst'?",
        "in 'unlabeled', ",
        "got no 'account': known are 'player_id', 'opens', 'burst', 'night'",
        "nowhere: No such file",
    ):
        assert expected in str(told.value)


def test_all_tables_that_are_missing_are_told_at_once(five_tables, folder_of, load):
    folder = folder_of({name: five_tables[name] for name in ("dormant", "risky", "unlabeled")})
    with pytest.raises(DataProblem, match=r"^expected tables of \['normal', 'heavy'\] in [^\n]*$"):
        load(path=folder)


def test_a_column_that_would_be_there_twice_is_refused(five_tables, folder_of, load):
    five_tables["risky"] = five_tables["risky"].assign(account=five_tables["risky"]["player_id"])
    folder = folder_of(five_tables)
    table = {"path": f"{folder}/risky.parquet", "id_column": "account"}
    with pytest.raises(DataProblem, match=r"one column for each of \['player_id'\] in 'risky', got another that has"):
        load(path=folder, tables={"risky": table})


def test_a_table_that_can_be_listed_and_not_read_is_found_before_anything_runs(
    five_tables, folder_of, settings, tmp_path
):
    folder = folder_of(five_tables)
    (tmp_path / "in" / "unlabeled.parquet").chmod(0)
    try:
        (tmp_path / "in" / "unlabeled.parquet").read_bytes()
    except PermissionError:
        with pytest.raises(DataProblem, match=r"cannot read .*unlabeled\.parquet"):
            labelled_ids(settings(data={"path": folder}))


@pytest.fixture
def one_table(five_tables, test_table):
    """All rows in one frame, shuffled; its column `kind` says what they are."""
    named = [frame.assign(kind=name) for name, frame in {**five_tables, "test": test_table}.items()]
    return pd.concat(named).sample(frac=1, random_state=1)


@pytest.fixture
def load_one(load, tmp_path):
    def load_frame(frame, suffix=".parquet", **data):
        file = tmp_path / f"everyone{suffix}"
        (frame.to_csv if suffix == ".csv" else frame.to_parquet)(file, index=False)
        return load(path=str(file), label_column="kind", **data)

    return load_frame


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_one_table_with_a_label_column_has_the_same_players_as_five(load_one, one_table, suffix, in_one_folder):
    players = load_one(one_table, suffix)
    assert players.feature_names == tuple(FEATURES)
    assert fingerprint(players) == in_one_folder
    np.testing.assert_array_equal(players.truth, np.repeat([-1, 1, 0], [317, 3, 17]))


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
@pytest.mark.parametrize("nothing", [None, "", "NULL", "NaN"])
def test_rows_without_a_label_are_unlabelled(load_one, one_table, suffix, nothing, in_one_folder):
    unnamed = one_table.assign(kind=one_table["kind"].where(one_table["kind"] != "unlabeled", nothing))
    assert fingerprint(load_one(unnamed, suffix)) == in_one_folder
    categories = unnamed.assign(kind=unnamed["kind"].astype("category"))
    assert fingerprint(load_one(categories, suffix)) == in_one_folder


def test_a_folder_of_parts_on_s3_is_one_table_too(load, one_table, bucket, in_one_folder):
    for part in range(3):
        bucket.put_object(Key=f"everyone/{part}.parquet", Body=one_table[part::3].to_parquet(index=False))
    assert fingerprint(load(path="s3://models/everyone", label_column="kind")) == in_one_folder


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_labels_may_be_whatever_the_table_calls_the_populations(load_one, one_table, suffix, in_one_folder):
    theirs = {"risky": "1", "heavy": "Plays a lot", "unlabeled": "-1"}
    kinds = one_table["kind"].replace(theirs)
    assert fingerprint(load_one(one_table.assign(kind=kinds), suffix, labels=theirs)) == in_one_folder


def test_a_word_for_nothing_is_a_label_where_the_settings_say_so(load_one, one_table, in_one_folder):
    theirs = one_table["kind"].replace({"dormant": "N/A"})
    assert fingerprint(load_one(one_table.assign(kind=theirs), labels={"dormant": "N/A"})) == in_one_folder


def test_labels_that_name_no_population_are_refused_with_counts_and_the_nearest(load_one, one_table):
    kinds = one_table["kind"].replace({"risky": "rsky", "heavy": "xyzzy"})
    with pytest.raises(DataProblem) as told:
        load_one(one_table.assign(kind=kinds))
    assert "got 2 other values: 'xyzzy' in 35 rows (known are 'dormant', " in str(told.value)
    assert "'rsky' in 12 rows (did you mean 'risky'?)" in str(told.value)
    with pytest.raises(DataProblem, match=r"got 1 other value: 'x' in 1 row \(known are .*'test'\); mend the rows"):
        load_one(one_table.assign(kind=["x", *one_table["kind"][1:]]))


def test_one_table_without_the_column_or_a_population_is_refused(load_one, one_table):
    with pytest.raises(DataProblem, match="got no 'kind': did you mean 'kinds'"):
        load_one(one_table.rename(columns={"kind": "kinds"}))
    with pytest.raises(
        DataProblem, match=r"got no 'kind': did you mean 'kinds'\?; no 'player_id': did you mean 'player'"
    ):
        load_one(one_table.rename(columns={"kind": "kinds", "player_id": "player"}))
    with pytest.raises(DataProblem, match="expected players in 'heavy', got an empty table"):
        load_one(one_table[one_table["kind"] != "heavy"])
    with pytest.raises(DataProblem, match=r"expected column 'truth_risky' \(0 or 1\) in 'test', got none"):
        load_one(one_table.drop(columns="truth_risky"))


def test_one_table_is_counted_before_anything_runs(one_table, settings, tmp_path):
    one_table.to_parquet(tmp_path / "everyone.parquet", index=False)
    ids, has_test = labelled_ids(settings(data={"path": f"{tmp_path}/everyone.parquet", "label_column": "kind"}))
    assert {name: len(some) for name, some in ids.items()} == {"dormant": 30, "normal": 40, "heavy": 35, "risky": 12}
    assert has_test


def test_all_places_that_cannot_be_read_are_told_before_anything_runs(five_tables, folder_of, bucket, settings):
    folder = folder_of(five_tables)
    bucket.put_object(Key="events/unlabeled.parquet", Body=b"no table, but there")
    places = {"unlabeled": "s3://models/events", "risky": "s3://models/rg-team/", "test": "s3://models/truth.csv"}
    with pytest.raises(DataProblem) as told:
        labelled_ids(settings(data={"path": folder, "tables": places}))
    risky, test = str(told.value).splitlines()
    assert "found nothing" in risky
    assert "s3://models/rg-team/" in risky
    assert "s3://models/truth.csv" in test
    del places["risky"], places["test"]
    assert len(labelled_ids(settings(data={"path": folder, "tables": places}))[0]["risky"]) == 12
