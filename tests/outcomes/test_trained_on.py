"""Outcomes as labels of a training: of whom, known by when, and where labels come from."""

import numpy as np
import pandas as pd
import pytest
from outcome_samples import CUTOFF, PLAYERS, SNAPSHOT

from scarcegan import settings as settings_module
from scarcegan.data.folds import split
from scarcegan.data.report import data_report
from scarcegan.datasets import load_players
from scarcegan.outcomes.labels import reviewed_players
from scarcegan.preflight.players import check_players
from scarcegan.problems import DataProblem, SettingsProblem
from scarcegan.workflow.retraining.prepare import prepare

NEGATIVES = ["dormant", "heavy", "reviewed"]
POPULATIONS = {"negatives": NEGATIVES}
LATER = "players-2026-02-01"


@pytest.fixture
def labelled(world, tmp_path):
    """Settings of a training on a snapshot, whose labels table has 60 players; rows of it may be added."""

    def choose(rows=(), **data):
        names = ["dormant", "heavy", "risky"]
        table = [(900 + number, names[number % 3], CUTOFF) for number in range(60)]
        frame = pd.DataFrame([*table, *rows], columns=["player_id", "population", "since"])
        frame.assign(source="support").to_parquet(tmp_path / "labels.parquet")
        data = {"source": "snapshot", "snapshot": LATER, "outcomes": "reviewed"} | data
        own = {"data": {"path": str(tmp_path / "labels.parquet"), **data}, "populations": POPULATIONS}
        return settings_module.load(world.model_dump(mode="json") | own | {"folds": {"k": 2}})

    return choose


@pytest.fixture
def population_of(labelled):
    """The population that each player is trained as, in a training with these settings; '' for the unlabelled."""

    def look(*players, **chosen):
        settings = chosen.pop("settings", None) or labelled(**chosen)
        loaded = load_players(settings, reviewed_players(settings))
        names = np.array([*settings.populations.classes, ""])
        return [str(names[loaded.labels[np.flatnonzero(loaded.ids == player)[0]]]) for player in players]

    return look


def test_without_the_setting_outcomes_are_not_trained_on(outcomes, table, population_of):
    outcomes("add", table())
    assert population_of(1, 2, 3, outcomes="") == ["", "", ""]


def test_risky_ones_become_rare_and_harmless_ones_get_the_class_that_is_named(outcomes, table, population_of):
    outcomes("add", table())
    assert population_of(1, 2, 3) == ["risky", "reviewed", ""]
    assert population_of(1, 2, 3, outcomes="heavy") == ["risky", "heavy", ""]


def test_a_reviewed_player_keeps_the_harmless_class_of_the_labels_table(outcomes, table, population_of):
    outcomes("add", table(player_id=[1, 2, 4], decision=["harm", "no_harm", "no_harm"]))
    rows = [(1, "heavy", CUTOFF), (2, "heavy", CUTOFF), (4, "risky", CUTOFF)]
    assert population_of(1, 2, 4, rows=rows) == ["risky", "heavy", "reviewed"]


def test_a_label_that_began_after_the_review_goes_before_it(outcomes, table, population_of):
    outcomes("add", table(player_id=[1, 2], decision="no_harm"))
    rows = [(1, "risky", "2026-01-02"), (2, "risky", "2025-12-20")]
    assert population_of(1, 2, rows=rows) == ["risky", "reviewed"]


def test_what_was_settled_later_than_labels_were_known_is_not_known(outcomes, table, population_of):
    outcomes("add", table())  # on 10 January
    outcomes("add", table("mended.csv", decision=["no_harm", "harm", "harm"], when="2026-01-20"))
    on_first = {"snapshot": SNAPSHOT}
    assert population_of(1, 2, 3, **on_first) == ["", "", ""], "the cut-off is the day by which labels are known"
    assert population_of(1, 2, 3, **on_first, labels_known_by="2026-01-09") == ["", "", ""]
    assert population_of(1, 2, 3, **on_first, labels_known_by="2026-01-10") == ["risky", "reviewed", ""]
    assert population_of(1, 2, 3, **on_first, labels_known_by="2026-01-20") == ["reviewed", "risky", "risky"]
    assert population_of(1, 2, 3) == ["reviewed", "risky", "risky"]


def test_an_outcome_from_before_the_window_does_not_count(outcomes, table, population_of, world, publish_snapshot):
    from scarcegan.snapshots import open_snapshots

    store = open_snapshots(world.own_snapshots.folder)
    features = np.random.default_rng(1).random((PLAYERS, 2)).astype(np.float32)
    publish_snapshot(store, "players-2026-06-01", "2026-06-01", features, ("bets_level", "night_level"))
    outcomes("add", table())
    rows = [(900 + number, ["dormant", "heavy", "risky"][number % 3], "2026-05-20") for number in range(60)]
    assert population_of(1, 2, snapshot="players-2026-06-01", rows=rows) == ["", ""]


@pytest.fixture
def tables(labelled, tmp_path):
    """Settings of a training on tables without one of the class for reviewed players."""

    def choose(**data):
        rng, folder = np.random.default_rng(0), tmp_path / "tables"
        folder.mkdir(exist_ok=True)
        sizes = {"dormant": (600, 20), "heavy": (700, 20), "risky": (800, 20), "unlabeled": (1, 400)}
        for name, (first, count) in sizes.items():
            frame = pd.DataFrame(rng.random((count, 2)), columns=["stakes", "nights"])
            frame.assign(player_id=range(first, first + count)).to_csv(folder / f"{name}.csv", index=False)
        data = {"source": "tables", "path": str(folder), "outcomes": "reviewed"} | data
        own = {"data": data, "populations": POPULATIONS}
        return settings_module.load(labelled().model_dump(mode="json") | own)

    return choose


def test_players_of_tables_are_labelled_by_their_ids(outcomes, table, population_of, tables):
    outcomes("add", table(player_id=[1, 2, 3, 600, 700, 800], decision=["harm", "no_harm", "unsure"] * 2))
    outcomes("add", table("more.csv", player_id=[700, 800], decision="no_harm", when="2026-02-10"))
    expected = ["risky", "reviewed", "", "risky", "heavy", "reviewed"]
    assert population_of(1, 2, 3, 600, 700, 800, settings=tables()) == expected
    early = tables(labels_known_by="2026-01-31")
    assert population_of(700, 800, settings=early) == ["heavy", "risky"]


def test_the_class_for_reviewed_players_needs_no_table_and_is_counted_where_outcomes_are_read(outcomes, table, tables):
    settings = tables()
    assert "20 risky" in check_players(settings)
    with pytest.raises(DataProblem, match="at least 2 'reviewed' players for 2 folds"):
        split(load_players(settings, reviewed_players(settings)), settings)


def test_a_player_who_is_there_twice_is_refused_as_without_outcomes(outcomes, table, tables, tmp_path):
    outcomes("add", table())
    settings = tables()
    heavy = pd.read_csv(tmp_path / "tables" / "heavy.csv")
    heavy.assign(player_id=range(600, 620)).to_csv(tmp_path / "tables" / "heavy.csv", index=False)
    with pytest.raises(DataProblem, match="each player once and in one population, got 20 more often"):
        load_players(settings, reviewed_players(settings))


def test_sampling_keeps_everyone_of_whom_something_was_found_out(outcomes, table, tables):
    outcomes("add", table(player_id=list(range(1, 41)), decision=["harm", "no_harm"] * 20))
    settings = tables(max_unlabeled=50)
    loaded = load_players(settings, reviewed_players(settings))
    assert np.isin(np.arange(1, 41), loaded.ids).all()
    assert loaded.labels[np.isin(loaded.ids, np.arange(1, 41, 2))].tolist() == [3] * 20


def test_the_data_report_counts_labels_by_where_they_come_from(outcomes, table, labelled, reviewed_list):
    reviewed_list()
    ids = [*range(1, 13), 50, 60, 70, 80, 301, 302, 303, 304]
    outcomes("add", table(player_id=ids, decision=["harm", "no_harm", "no_harm", "no_harm"] * 5))
    settings = labelled()
    players, fold = split(load_players(settings, reviewed_players(settings)), settings)
    told = {one.name: one for one in data_report(players, fold, settings).label_origins}
    counts = {name: (one.rare, one.others) for name, one in told.items()}
    assert counts == {"input": (20, 40), "top": (3, 9), "audit": (1, 3), "other": (1, 3)}
    assert all(one.pool + one.test == one.rare + one.others for one in told.values())
    assert sum(one.test for one in told.values()) > 0
    unasked = labelled(outcomes="")
    assert data_report(players, fold, unasked).label_origins == []


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"outcomes": "reviewd", "source": "snapshot"}, "no negative population"),
        ({"outcomes": "risky", "source": "tables"}, "no negative population"),
        ({"outcomes": "normal", "source": "simulated"}, "'tables' and 'snapshot', got 'simulated'"),
    ],
)
def test_a_class_or_a_source_that_cannot_be_meant_is_refused(data, told):
    with pytest.raises(SettingsProblem, match=told):
        settings_module.load({"data": data})


def test_where_labels_come_from_is_no_other_way_to_train(labelled):
    assert labelled().fingerprint() == labelled(outcomes="").fingerprint()


def test_outcomes_that_do_not_count_are_told_with_what_makes_them_count(outcomes, table, tables):
    outcomes("add", table(player_id=[1, 2, 999], decision="harm", when=["2026-01-10", "2026-01-20", "2026-01-10"]))
    outcomes("add", table("all.csv", player_id=[50, 51, 52, 53], decision="no_harm"))
    told = prepare(tables(labels_known_by="2026-01-10"))[1].warnings
    assert "outcomes of after 2026-01-10, which do not count (data.labels_known_by): 1" in told
    assert "reviewed players whom no table has, by their ids: 1 of 6" in told
