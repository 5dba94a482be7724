"""Labels as people have them: 1 and 0 with gaps, words with spaces, numbers of classes."""

import tomllib
from datetime import date

import numpy as np
import pandas as pd
import pytest

from scarcegan.data.populations import load_populations
from scarcegan.problems import DataProblem, SettingsProblem
from scarcegan.settings import load
from scarcegan.starting.checks import mistakes
from scarcegan.starting.configuration import configuration, to_toml
from scarcegan.starting.guesses import QUESTIONS, Answers, assumed_harmless, guess, populations_of, slug
from scarcegan.starting.tables import look

KINDS = np.repeat(["rare", "other", "nothing"], [20, 40, 100])


@pytest.fixture
def labelled(tmp_path):
    """A function: a table with labels for (rare, other, unlabelled) rows, as guessed; answers, mistakes, sections."""

    def labelled(labels, column="is_fraud", suffix="parquet", **given):
        rng = np.random.default_rng(0)
        table = pd.DataFrame({"card": range(1000, 1160), "vip": rng.integers(0, 2, 160), "stake": rng.normal(size=160)})
        table[column] = [labels[kind] for kind in KINDS]
        file = tmp_path / f"cards.{suffix}"
        table = table.sample(frac=1, random_state=1)
        table.to_parquet(file, index=False) if suffix == "parquet" else table.to_csv(file, index=False)
        tables, answers = look(str(file)), Answers(**given)
        for field in QUESTIONS["labelled"]:
            counts = populations_of(tables, answers.label_column)
            if not getattr(answers, field):
                answers = Answers(**{**vars(answers), field: guess(field, tables, answers, counts)})
        counts = populations_of(tables, answers.label_column)
        told = mistakes(tables, answers, counts)
        return answers, told, None if told else configuration("cards", tables, answers, counts)

    return labelled


def classes_of(tree):
    """How many rows each population has for a run with these settings, by name."""
    settings = load(tomllib.loads(to_toml(tree)))
    players, names = load_populations(settings), settings.populations.classes
    counted = {name: int(np.sum(players.labels == number)) for number, name in enumerate(names)}
    return {**counted, settings.populations.unlabeled: int(np.sum(players.labels == -1))}


@pytest.mark.parametrize("odd", [[1], {"a": 1}, b"\xff", date(2026, 1, 1)])
def test_lists_bytes_and_dates_are_guessed_to_be_no_labels(odd, tmp_path):
    table = pd.DataFrame({"card": range(160), "seen": [odd] * 159 + [None], "fate": KINDS, "stake": np.arange(160.0)})
    table.to_parquet(tmp_path / "cards.parquet")
    [found] = tables = look(str(tmp_path / "cards.parquet"))
    assert guess("label_column", tables, Answers(id_column="card"), {}) == "fate"
    if not isinstance(odd, date):
        with pytest.raises(DataProblem, match=r"expected words, .* as labels, got (list|struct|binary).*: write them"):
            found.values("seen")


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
@pytest.mark.parametrize(
    ("rare", "other", "nothing"),
    [(1.0, 0.0, np.nan), (1, 0, -1), ("1", "0", None), (True, False, None), ("yes", "no", ""), ("Y", "N", None)],
)
def test_yes_and_no_are_the_rare_class_and_another_and_what_is_neither_is_unlabelled(
    labelled, rare, other, nothing, suffix
):
    answers, told, tree = labelled({"rare": rare, "other": other, "nothing": nothing}, suffix=suffix)
    assert told == []
    assert answers.label_column == "is_fraud"
    assert answers.unlabeled == ("-1" if nothing == -1 else "no label")
    assert tree["populations"] == {"negatives": ["not_fraud"], "rare": "fraud"}
    assert classes_of(tree) == {"not_fraud": 40, "fraud": 20, "unlabeled": 100}


def test_a_column_whose_name_says_nothing_leaves_the_rare_class_its_usual_name(labelled):
    _, _, tree = labelled({"rare": 1, "other": 0, "nothing": -1}, column="label")
    assert tree["populations"] == {"negatives": ["not_risky"]}
    assert tree["data"]["labels"] == {"unlabeled": "-1", "not_risky": "0", "risky": "1"}


def test_two_columns_of_0_and_1_that_no_name_tells_apart_are_asked_for(labelled):
    answers, told, _ = labelled({"rare": 1, "other": 0, "nothing": 0}, column="odd")
    assert answers.label_column == ""
    assert "a column of labels (a few words, or 1 and 0)" in told[0]


@pytest.mark.parametrize("labels", [(1, 0), ("yes", "no"), (True, False)])
def test_where_every_row_has_a_label_no_is_unlabelled_and_some_of_these_rows_count_as_harmless(labelled, labels):
    yes, no = labels
    answers, told, tree = labelled({"rare": yes, "other": no, "nothing": no})
    assert told == []
    assert answers.unlabeled == str(no).lower()
    assert tree["populations"] == {"negatives": ["not_fraud"], "rare": "fraud"}
    assert tree["data"]["assumed_harmless"] == 140 // 3
    assert classes_of(tree) == {"not_fraud": 46, "fraud": 20, "unlabeled": 94}


@pytest.mark.parametrize(
    ("column", "labels", "rare", "harmless"),
    [
        ("label", {"rare": 0, "other": 1, "nothing": 1}, "risky", "not_risky"),
        ("is_ok", {"rare": "no", "other": "yes", "nothing": "yes"}, "not_ok", "ok"),
        ("label", {"rare": -1, "other": 1, "nothing": 1}, "risky", "not_risky"),
        ("fault", {"rare": 1, "other": 0, "nothing": 0}, "fault", "not_fault"),
    ],
)
def test_rare_rows_are_called_by_what_their_label_means(labelled, column, labels, rare, harmless):
    _, told, tree = labelled(labels, column=column, label_column=column)
    assert told == []
    named = load(tomllib.loads(to_toml(tree))).populations
    assert (named.rare, named.negatives) == (rare, (harmless,))
    assert classes_of(tree)[rare] == 20


def test_a_column_called_y_that_does_not_say_yes_and_no_goes_not_before_the_rare_rows_own(tmp_path):
    table = pd.DataFrame({"card": range(160), "y": ["north", "south"] * 80, "is_fraud": [1] * 20 + [0] * 140})
    table.assign(stake=np.arange(160.0)).to_parquet(tmp_path / "cards.parquet")
    assert guess("label_column", look(str(tmp_path / "cards.parquet")), Answers(id_column="card"), {}) == "is_fraud"


def test_of_many_unlabelled_rows_a_thousand_count_as_harmless():
    counts = {"0": 9_000, "1": 30}
    assert assumed_harmless(Answers(label_column="fraud", rare="1", unlabeled="0"), counts) == 1_000
    assert (
        assumed_harmless(Answers(label_column="fraud", rare="1", unlabeled="no label"), counts | {"no label": 90}) == 0
    )


def test_labels_of_words_keep_their_words_in_the_table(labelled):
    words = {"rare": "Said YES (bought)", "other": "Nicht interessiert, größtenteils", "nothing": None}
    _, told, tree = labelled(words, column="Customer status", rare="Said YES (bought)")
    assert told == []
    assert tree["populations"] == {"negatives": ["nicht_interessiert_grosstenteils"], "rare": "said_yes_bought"}
    assert classes_of(tree) == {"nicht_interessiert_grosstenteils": 40, "said_yes_bought": 20, "unlabeled": 100}


def test_numbers_of_classes_are_called_by_their_column(labelled):
    numbers = {"rare": 3, "other": 1, "nothing": 9}
    _, told, tree = labelled(numbers, column="segment", label_column="segment", rare="3", unlabeled="9")
    assert told == []
    assert classes_of(tree) == {"segment_1": 40, "segment_3": 20, "segment_9": 100}


def test_labels_in_another_script_are_numbered_by_their_column(labelled):
    russian = {
        "rare": "\N{CYRILLIC SMALL LETTER DE}\N{CYRILLIC SMALL LETTER A}",
        "other": "\N{CYRILLIC SMALL LETTER EN}\N{CYRILLIC SMALL LETTER IE}\N{CYRILLIC SMALL LETTER TE}",
        "nothing": None,
    }
    _, told, tree = labelled(russian, column="status")
    assert told == []
    assert classes_of(tree) == {"status_1": 20, "status_2": 40, "unlabeled": 100}


def test_labels_that_would_be_called_the_same_are_refused(labelled):
    _, told, _ = labelled({"rare": "Fraud!", "other": "fraud", "nothing": None}, column="status")
    assert told == ["expected labels that differ in letters or digits, got ['Fraud!', 'fraud']: write them otherwise"]


def test_names_are_as_long_as_settings_take_them():
    assert (
        slug("Called us back too many times during the whole of last year")
        == "called_us_back_too_many_times_during_the"
    )
    assert (slug("Größe"), slug("2 wins"), slug("!")) == ("grosse", "p_2_wins", "p")


def test_labels_that_no_column_or_no_population_has_are_refused():
    table = {"source": "tables", "path": "x"}
    for data, told in (
        ({**table, "labels": {"risky": "1"}}, "data.label_column, which is empty: name the column"),
        ({**table, "label_column": "y", "labels": {"rsky": "1"}}, "data.labels names 'rsky'.*did you mean 'risky'"),
        (
            {**table, "label_column": "y", "labels": {"risky": "1", "heavy": "1"}},
            "expected another value in data.labels",
        ),
    ):
        with pytest.raises(SettingsProblem, match=told):
            load({"data": data})


@pytest.mark.parametrize("labels", [("yes", "no"), ("fraud", None), ("T", "F"), (True, False), (1, 0)])
def test_the_column_called_as_the_rare_rows_has_the_labels_whatever_other_words_come_before(tmp_path, labels):
    table = pd.DataFrame({"card": range(60), "country": ["DE", "AT"] * 30, "is_fraud": np.repeat(labels, [20, 40])})
    table.to_parquet(tmp_path / "cards.parquet", index=False)
    tables = look(str(tmp_path / "cards.parquet"))
    assert guess("label_column", tables, Answers(id_column="card"), {}) == "is_fraud"


@pytest.mark.parametrize(
    ("columns", "label"),
    [
        ({"type": ["PAYMENT", "TRANSFER"], "isFraud": [0, 1]}, "isFraud"),  # as PaySim has it
        ({"status": ["active", "closed"], "fraud": ["no", "yes"]}, "fraud"),
        ({"status": ["ok", "fraud"], "risk_flag": [0, 1]}, "status"),
        ({"default": ["no", "yes"], "contact": ["phone", "mail"], "y": ["no", "yes"]}, "y"),  # UCI's bank marketing
        ({"kind": ["harmless", "odd"], "vip": [0, 1]}, "kind"),
    ],
)
def test_a_type_or_a_status_is_no_label_where_another_column_tells_the_rare_rows(tmp_path, columns, label):
    table = pd.DataFrame({"card": range(60)} | {name: np.repeat(values, [40, 20]) for name, values in columns.items()})
    table.to_parquet(tmp_path / "cards.parquet", index=False)
    assert guess("label_column", look(str(tmp_path / "cards.parquet")), Answers(id_column="card"), {}) == label


@pytest.mark.parametrize(
    ("counts", "rare", "unlabeled"),
    [({"0": 212, "1": 357}, "0", "1"), ({"-1": 40, "1": 960}, "-1", "1"), ({"-1": 960, "1": 40}, "1", "-1")],
)
def test_the_label_of_most_rows_is_not_the_rare_one(tmp_path, counts, rare, unlabeled):
    pd.DataFrame({"card": [1], "label": [1], "stake": [0.5]}).to_parquet(tmp_path / "cards.parquet", index=False)
    tables, known = look(str(tmp_path / "cards.parquet")), Answers(id_column="card", label_column="label")
    assert guess("rare", tables, known, counts) == rare
    assert guess("unlabeled", tables, Answers(**{**vars(known), "rare": rare}), counts) == unlabeled


@pytest.mark.parametrize(("others", "nothing"), [("none", None), ("ok", "none")])
def test_a_label_may_be_called_none(labelled, others, nothing):
    answers, told, tree = labelled({"rare": "fraud", "other": others, "nothing": nothing}, "kind", "csv")
    assert (answers.unlabeled, told) == (nothing or "no label", [])
    assert sorted(classes_of(tree).values()) == [20, 40, 100]
