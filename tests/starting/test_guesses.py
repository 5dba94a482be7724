"""What `scarcegan new` takes tables for, when nobody says anything."""

import shutil
from dataclasses import replace

import pandas as pd
import pytest

from scarcegan.problems import DataProblem
from scarcegan.starting.checks import mistakes
from scarcegan.starting.configuration import configuration
from scarcegan.starting.guesses import QUESTIONS, Answers, guess, layout_of, populations_of
from scarcegan.starting.tables import look


def guessed(tables, **given):
    """Answer every question with its guess; returns answers and rows by population."""
    answers, counts = Answers(**given), {}
    for field in QUESTIONS[layout_of(tables)]:
        if field not in ("id_column", "label_column") and not counts:
            counts = populations_of(tables, answers.label_column)
        if not getattr(answers, field):
            answers = replace(answers, **{field: guess(field, tables, answers, counts)})
    return answers, counts


@pytest.fixture
def refused():
    """What is told of tables, one line for each mistake."""

    def refused(tables, **given):
        answers, counts = guessed(tables, **given)
        return mistakes(tables, answers, counts)

    return refused


def test_tables_are_told_apart_by_name_and_size(own_tables, refused):
    tables = look(str(own_tables))
    answers, counts = guessed(tables)
    assert layout_of(tables) == "tables"
    assert answers == Answers("account", "", "fraud", "pool", "holdout", "account")
    assert counts == {"dormant": 40, "fraud": 30, "heavy": 40, "holdout": 60, "night": 40, "pool": 300, "steady": 30}
    assert refused(tables) == []


def test_where_no_name_tells_the_largest_table_is_unlabelled_and_the_smallest_is_rare(own_tables):
    for old, new in (("pool", "crowd"), ("fraud.parquet", "seven.parquet")):
        (own_tables / old).rename(own_tables / new)
    (own_tables / "holdout.parquet").unlink()
    pd.read_parquet(own_tables / "seven.parquet").head(20).to_parquet(own_tables / "seven.parquet")
    answers, _ = guessed(look(str(own_tables)))
    assert (answers.unlabeled, answers.rare, answers.test) == ("crowd", "seven", "none")


@pytest.mark.parametrize("name", ["risky", "failing", "faults", "defective"])
def test_a_name_that_means_trouble_is_rare_though_another_table_is_smaller(own_tables, name):
    (own_tables / "fraud.parquet").rename(own_tables / f"{name}.parquet")
    pd.read_parquet(own_tables / "dormant.parquet").head(20).to_parquet(own_tables / "dormant.parquet")
    assert guessed(look(str(own_tables)))[0].rare == name


def test_row_numbers_are_no_ids_though_they_stand_first(own_tables):
    for name in ("dormant", "fraud"):
        table = pd.read_parquet(own_tables / f"{name}.parquet")
        table["account"] = table["account"].iloc[0]
        table.to_parquet(own_tables / f"{name}.parquet")
    assert guess("id_column", look(str(own_tables)), Answers(), {}) == ""


def test_labels_of_one_table_are_a_column_of_few_words_and_rows_without_are_unlabelled(one_table, refused):
    tables = look(str(one_table))
    answers, counts = guessed(tables)
    assert layout_of(tables) == "labelled"
    assert answers == Answers("account", "kind", "fraud", "no label", "", "account")
    assert counts["no label"] == 300
    assert refused(tables) == []


def test_ids_of_twenty_digits_in_csv_files_are_found(own_tables):
    for number, name in enumerate(("dormant", "fraud", "night")):
        table = pd.read_parquet(own_tables / f"{name}.parquet").drop(columns="account")
        table = table.assign(iccid=[f"8949{number}{row:015d}" for row in range(len(table))])
        (own_tables / f"{name}.parquet").unlink()
        table.to_csv(own_tables / f"{name}.csv", index=False)
    tables = [table for table in look(str(own_tables)) if table.location.endswith("csv") and table.name != "heavy"]
    assert guess("id_column", tables, Answers(), {}) == "iccid"


def test_parts_in_a_folder_are_one_table(own_tables):
    [table] = look(str(own_tables / "pool"))
    assert (table.name, table.rows()) == ("pool", 300)


def test_labels_beside_daily_counters_are_telemetry(telemetry, refused):
    tables = look(str(telemetry))
    answers, counts = guessed(tables)
    assert layout_of(tables) == "telemetry"
    assert answers.rare == "risky"
    assert counts == {"risky": 3, "normal": 3}
    assert refused(tables) == []


def test_telemetry_may_have_its_days_in_the_names_of_folders(telemetry, refused):
    daily = pd.read_parquet(telemetry / "daily.parquet")
    (telemetry / "daily.parquet").unlink()
    daily.to_parquet(telemetry / "daily", partition_cols=["date"])
    tables = look(str(telemetry))
    assert layout_of(tables) == "telemetry"
    assert refused(tables) == []
    assert configuration("ours", tables, Answers(rare="risky"), {"risky": 3})["telemetry"]["cutoffs"] == ["2026-01-01"]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("31.12.2025", "hold no date, first '31.12.2025': write ISO dates"),
        (None, "hold no date, first None: write ISO dates"),
        (1767139200000, "expected dates, got int64 in 1 rows: write ISO dates"),
    ],
)
def test_telemetry_whose_dates_are_none_is_refused_before_anything_is_written(telemetry, refused, written, told):
    daily = pd.read_parquet(telemetry / "daily.parquet")
    (telemetry / "daily").mkdir()
    (telemetry / "daily.parquet").rename(telemetry / "daily" / "0.parquet")
    daily.head(1).assign(date=[written]).to_parquet(telemetry / "daily" / "1.parquet")
    [found] = refused(look(str(telemetry)))
    assert f"{telemetry}/daily/1.parquet: column 'date': " in found
    assert told in found


def test_tables_on_s3_are_looked_at_alike(own_tables, bucket):
    for file in own_tables.rglob("*.*"):
        bucket.upload_file(str(file), f"in/{file.relative_to(own_tables)}")
    answers, _ = guessed(look("s3://models/in/"))
    assert answers == Answers("account", "", "fraud", "pool", "holdout", "account")


def test_nothing_at_the_place_says_what_may_be_there(tmp_path):
    with pytest.raises(DataProblem, match=r"expected a table for each population, .* got nothing at .*none: check --f"):
        look(str(tmp_path / "none"))
    (tmp_path / "notes.md").touch()
    with pytest.raises(DataProblem, match="as parquet or CSV, got none of them in"):
        look(str(tmp_path))


def test_all_tables_that_cannot_be_read_are_named(own_tables):
    (own_tables / "fraud.parquet").write_text("no parquet")
    (own_tables / "heavy.csv").write_text("account,stakes\n")
    with pytest.raises(DataProblem) as told:
        look(str(own_tables))
    assert "fraud.parquet" in str(told.value)
    assert "heavy.csv, got an empty table" in str(told.value)


def test_all_mistakes_are_told_at_once_with_what_to_type(own_tables, refused):
    first = refused(look(str(own_tables)), id_column="acount", rare="fruad", unlabeled="all", test="later")
    assert [told for told in first if "id column 'acount' in every table" in told and "--id-column" in told]
    assert [told for told in first if "got 'fruad': name one with --rare" in told]
    assert [told for told in first if "got 'all': name one with --unlabeled" in told]
    assert [told for told in first if "got 'later': name one, or none" in told]


@pytest.fixture
def some_tables(own_tables, tmp_path):
    """Return some of the tables alone."""

    def some(*names):
        (tmp_path / "some").mkdir()
        for file in own_tables.iterdir():
            if file.name.split(".")[0] in names:
                shutil.move(file, tmp_path / "some" / file.name)
        return look(str(tmp_path / "some"))

    return some


def test_one_table_without_labels_is_refused(some_tables, refused):
    told = "expected one table for each population in a folder, or one table with a column of labels"
    assert [one for one in refused(some_tables("pool")) if told in one]


def test_beside_rare_and_unlabelled_rows_none_need_be_known_to_be_harmless(some_tables):
    tables = some_tables("fraud", "pool")
    answers, counts = guessed(tables)
    assert mistakes(tables, answers, counts) == []
    tree = configuration("cards", tables, answers, counts)
    assert tree["populations"] == {"negatives": ["not_fraud"], "rare": "fraud", "unlabeled": "pool"}
    assert tree["data"]["assumed_harmless"] == counts["pool"] // 3


def test_labels_of_telemetry_need_harmless_rows(telemetry, refused):
    labels = pd.read_csv(telemetry / "known.csv")
    labels[labels["population"] == "risky"].to_csv(telemetry / "known.csv", index=False)
    [told] = refused(look(str(telemetry)))
    assert told == "expected labels of harmless rows beside the rare ones, got ['risky'] alone: add at least one"


def test_labels_of_telemetry_that_settings_do_not_take_are_refused_with_an_example(telemetry, refused):
    labels = pd.read_csv(telemetry / "known.csv")
    labels["population"] = labels["population"].replace({"risky": "Risky (yes)"})
    labels.to_csv(telemetry / "known.csv", index=False)
    [told] = refused(look(str(telemetry)))
    assert "such as 'risky', got ['Risky (yes)']" in told
    assert "write such words into the table" in told


def test_a_test_table_whose_truth_cannot_be_told_is_refused(own_tables, refused):
    pd.read_parquet(own_tables / "holdout.parquet").assign(why="x").to_parquet(own_tables / "holdout.parquet")
    [told] = refused(look(str(own_tables)))
    assert "'truth_risky' (0 or 1) in 'holdout', or one column that no other table has" in told


def test_labels_without_a_date_are_refused_with_the_columns_they_need(telemetry, refused):
    pd.read_csv(telemetry / "known.csv").drop(columns=["since"]).to_csv(telemetry / "known.csv", index=False)
    [told] = refused(look(str(telemetry)))
    assert "'since'" in told
    assert "rename or add them" in told


@pytest.mark.parametrize(
    ("column", "row"), [("card_id", "card"), ("Customer No", "customer"), ("cardinal", "player"), ("id", "player")]
)
def test_a_row_is_called_as_the_column_that_names_it(own_tables, column, row):
    assert guess("row", look(str(own_tables)), Answers(id_column=column), {}) == row
