"""What `scarcegan new` says of tables out of which no model could be made, before it writes anything."""

import pandas as pd

from scarcegan.starting.checks import mistakes
from scarcegan.starting.configuration import left_out
from scarcegan.starting.guesses import Answers
from scarcegan.starting.tables import look

ANSWERS = Answers("account", "", "fraud", "pool", "holdout", "card")


def test_columns_called_as_ids_or_as_what_labels_say_are_no_features(own_tables):
    (own_tables / "heavy.csv").unlink()
    for file in own_tables.rglob("*.parquet"):
        pd.read_parquet(file).assign(player_id=0.5, since=2.0).to_parquet(file)
    assert left_out(look(str(own_tables)), ANSWERS)[:2] == ["player_id", "since"]


def test_tables_that_share_no_numbers_are_refused_with_what_each_has(own_tables):
    for file in own_tables.glob("*.parquet"):
        frame = pd.read_parquet(file)
        frame.rename(columns={name: f"{file.stem}_{name}" for name in frame if name != "account"}).to_parquet(file)
    tables = look(str(own_tables))
    told = mistakes(tables, ANSWERS, {table.name: table.rows() for table in tables})
    [shared] = [line for line in told if "features" in line]
    assert "expected features, columns of numbers that are in every table, got none among" in shared
    assert "'fraud_stakes', 'fraud_nights'] of 'fraud'" in shared


def test_rows_labelled_test_need_their_truth(one_table):
    frame = pd.read_csv(one_table)
    frame.loc[frame["kind"] == "night", "kind"] = "test"
    frame.to_csv(one_table, index=False)
    tables = look(str(one_table))
    counts = tables[0].values("kind")
    [told] = mistakes(tables, Answers("account", "kind", "fraud", "no label", "", "card"), counts)
    assert told.startswith("expected a column 'truth_risky' (0 or 1) for the rows labelled 'test', got none among")
