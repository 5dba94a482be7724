from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from snapshot_samples import publish

from scarcegan.problems import DataProblem
from scarcegan.snapshots.labels import join_labels, read_labels

CLASSES = ("dormant", "normal", "heavy", "risky")  # the snapshot's window is 2025-11-02 to 2025-12-31


def row(player, population="risky", since="2025-12-01", known_at=None, truth=None):
    return {
        "player_id": player,
        "population": population,
        "since": since,
        "source": "support",
        "known_at": known_at or since,
        "truth_risky": truth,
    }


@pytest.fixture
def joined(store, settings, tmp_path):
    """Join rows of a labels table to a snapshot of 100 players and return player -> (population, test set)."""

    def join(rows, text=False, drop=("truth_risky",), **data):
        if not store.names():
            publish(store, text=text)
        chosen = settings(data={"source": "snapshot", **data})
        frame = pd.DataFrame(rows).drop(columns=list(drop))
        frame.to_parquet(tmp_path / "labels.parquet")
        labels = read_labels(str(tmp_path / "labels.parquet"), chosen.populations)
        return join_labels(store.read("players-2026-01-01"), labels, chosen.data, chosen.seed)

    return join


def population(players, player):
    [at] = np.flatnonzero(players.ids == player)
    label = players.labels[at]
    return ("unlabeled" if label < 0 else CLASSES[label]), int(players.test_set[at])


def test_a_labels_table_makes_the_five_populations(joined):
    players = joined([row(number, CLASSES[number % 4]) for number in range(1, 41)])
    assert len(players) == 100
    assert np.bincount(players.labels + 1).tolist() == [60, 10, 10, 10, 10]
    assert population(players, 3) == ("risky", 0)
    assert population(players, 77) == ("unlabeled", 0)
    assert (players.test_sets, players.notes, players.cutoff) == ((), (), "2026-01-01")
    assert (players.truth == -1).all()


def test_a_label_from_before_the_window_does_not_count(joined):
    players = joined([row(1, since="2025-11-01"), row(2, since="2025-11-02")])
    assert population(players, 1) == ("unlabeled", 0)
    assert population(players, 2) == ("risky", 0)
    assert players.notes == ("1 label dated before the window's first day, 2025-11-02: left out",)


def test_what_was_known_only_later_is_kept_for_evaluation(joined):
    rows = [row(1, known_at="2026-01-01"), row(2, known_at="2026-01-02"), row(3, "normal", known_at="2026-02-01")]
    players = joined([*rows, row(4)])
    assert population(players, 1)[1] in (0, 1), "known on the cut-off day"
    assert population(players, 2) == ("risky", 2)
    assert population(players, 3) == ("normal", 2)
    assert players.test_sets == ("test", "later")
    # Unlabelled players stand for the population beside the late ones, and none is in two places.
    later, first = players.labels[players.test_set == 2], players.labels[players.test_set == 1]
    assert (later == -1).sum() == round(0.2 * (96 - (first == -1).sum()))
    assert (players.truth == -1).all()
    assert players.notes == ("2 labels known only after 2026-01-01: test set 'later', never trained on",)


def test_labels_may_be_taken_as_known_until_another_day(joined):
    players = joined([row(1, known_at="2026-02-01"), row(2, known_at="2026-02-02")], labels_known_by="2026-02-01")
    assert population(players, 1)[1] in (0, 1)
    assert population(players, 2) == ("risky", 2)


def test_without_known_at_a_label_is_known_from_its_first_day(joined):
    players = joined([row(1, since="2026-01-05"), row(2)], drop=("truth_risky", "known_at"))
    assert population(players, 1) == ("risky", 2)
    assert population(players, 2)[0] == "risky"


def test_the_latest_known_label_holds_and_a_later_one_does_not_change_it(joined):
    rows = [row(1, "normal", "2025-11-10"), row(1, "risky", "2025-12-10"), row(1, "heavy", "2025-12-20", "2026-03-01")]
    assert population(joined([*rows, row(1, "risky", "2025-12-10")]), 1) == ("risky", 0)


def test_two_populations_from_the_same_day_on_contradict_each_other(joined):
    with pytest.raises(DataProblem, match=r"'population': 1 players have two .* first in row 1 on 2025-12-01"):
        joined([row(1, "risky"), row(1, "heavy"), row(2)])


def test_a_table_that_lists_the_unlabelled_lists_everybody(joined):
    players = joined([row(1), *(row(number, "unlabeled") for number in range(2, 31))])
    assert sorted(players.ids) == list(range(1, 31))
    assert "70 players of the snapshot not in the labels table" in players.notes[0]


def test_test_players_are_never_trained_on_whatever_else_is_known(joined):
    rows = [row(number, "test", truth=int(number < 5)) for number in range(1, 21)]
    players = joined([*rows, row(1, since="2025-12-30"), row(2, known_at="2026-02-01"), row(50)], drop=())
    assert players.test_sets == ("test",)
    assert population(players, 1) == ("unlabeled", 1)
    assert population(players, 2) == ("unlabeled", 1)
    assert sorted(players.ids[players.test_set == 1]) == list(range(1, 21))
    assert players.truth[players.test_set == 1].sum() == 4
    assert (players.truth[players.test_set == 0] == -1).all()


@pytest.mark.parametrize("text", [True, False], ids=["strings in the snapshot", "integers in the snapshot"])
def test_ids_are_compared_as_written(joined, store, text):
    if text:
        publish(store, text=True)
        assert population(joined([row("p0007"), row("p0008")]), "p0007") == ("risky", 0)
    else:
        assert population(joined([row("7"), row("8")]), 7) == ("risky", 0)


@pytest.mark.parametrize("stored", [float, "Int64", lambda ids: ids.astype(str) + ".0"], ids=["float", "Int64", "text"])
def test_ids_of_labels_are_the_same_however_they_are_stored(store, settings, tmp_path, stored):
    publish(store)
    frame = pd.DataFrame([row(7), row(8, "normal"), row(9, known_at="2026-02-01")]).drop(columns="truth_risky")
    ids = stored(frame["player_id"]) if callable(stored) and stored is not float else frame["player_id"].astype(stored)
    frame.assign(player_id=ids).to_parquet(tmp_path / "labels.parquet")
    labels = read_labels(str(tmp_path / "labels.parquet"), settings().populations)
    players = join_labels(store.read("players-2026-01-01"), labels, settings().data, 7)
    assert [population(players, player)[0] for player in (7, 8, 9)] == ["risky", "normal", "risky"]


def test_who_stands_beside_the_late_ones_hangs_on_the_id_alone(store, settings, tmp_path):
    publish(store)
    pd.DataFrame([row(1, known_at="2026-02-01"), row(2)]).drop(columns="truth_risky").to_csv(tmp_path / "labels.csv")
    labels = read_labels(str(tmp_path / "labels.csv"), settings().populations)
    whole = store.read("players-2026-01-01")

    def sides(rows):
        some = replace(whole, ids=whole.ids[rows], features=whole.features[rows])
        players = join_labels(some, labels, settings().data, 7)
        return dict(zip(players.ids.tolist(), players.test_set.tolist(), strict=True))

    expected, backwards = sides(np.arange(100)), sides(np.arange(100)[::-1])
    assert backwards == expected
    without_one = sides(np.arange(99))
    assert without_one == {player: expected[player] for player in without_one}


def test_labels_of_players_without_telemetry_are_counted(joined):
    assert joined([row(1), row(900), row(901, "unlabeled")]).notes[0].startswith("1 labelled or test player without")


def test_a_player_who_was_labelled_each_month_is_one_player(joined):
    rows = [row(1), row(900), row(900, since="2025-12-31")]
    assert joined(rows).notes[0].startswith("1 labelled or test player without")


def test_labels_that_are_all_too_old_or_known_too_late_are_refused(joined):
    with pytest.raises(DataProblem, match=r"got none of 3 labels: 2 labels dated before .* 2025-11-02: left out; 1"):
        joined([row(1, since="2025-11-01"), row(2, "normal", since="2025-10-01"), row(3, known_at="2026-01-02")])


def test_labels_of_other_players_are_refused(joined):
    with pytest.raises(DataProblem, match=r"labels.parquet: expected player ids .* \(stored as int64\), got none in 2"):
        joined([row("x1"), row("x2")])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"population": ["whale", "risky"]}, "column 'population': expected one of .* 1 of 2 rows, first 'whale'"),
        ({"since": ["soon", "2025-12-01"]}, "column 'since': expected ISO dates .* 1 of 2 rows, first 'soon'"),
        ({"since": [None, "2025-12-01"]}, "column 'since': expected ISO dates .* 1 of 2 rows"),
        ({"known_at": ["2025-11-30", "2025-12-02"]}, "column 'known_at': expected no date before 'since'.* 1 of 2"),
        ({"player_id": [None, "2"]}, "column 'player_id': expected an id in each row, .* 1 of 2 rows"),
        ({"population": ["test", "risky"]}, "column 'truth_risky': expected 0 or 1 for each 'test' player"),
    ],
)
def test_unusable_labels_are_named_with_file_column_and_rows(tmp_path, settings, change, message):
    path = tmp_path / "labels.csv"
    pd.DataFrame([row(1), row(2)]).drop(columns="truth_risky").assign(**change).to_csv(path, index=False)
    with pytest.raises(DataProblem, match=rf"{path}: {message}"):
        read_labels(str(path), settings().populations)


def test_a_labels_table_without_its_columns_is_refused(tmp_path, settings):
    path = tmp_path / "labels.csv"
    pd.DataFrame([row(1)])[["player_id", "population"]].to_csv(path, index=False)
    with pytest.raises(DataProblem, match=r"got no \['since', 'source'\]: add them"):
        read_labels(str(path), settings().populations)


@pytest.mark.parametrize("written", [date(2025, 12, 1), pd.Timestamp("2025-12-01 23:00", tz="America/New_York")])
def test_dates_may_be_dates_or_moments(joined, written):
    players = joined([row(1, since=written), row(2, since=written)])
    assert population(players, 1) == ("risky", 0)


def test_the_parts_of_a_labels_table_may_look_different(tmp_path, settings):
    """One team names its sources and writes moments, another numbers them and writes days."""
    (tmp_path / "labels").mkdir()
    for player, since, source in ((1, "2025-12-01", 7), (2, "2025-12-01 23:00:00", "care")):
        part = pd.DataFrame([row(player) | {"since": since, "source": source}])
        part.to_csv(tmp_path / "labels" / f"{player}.csv", index=False)
    labels = read_labels(str(tmp_path / "labels"), settings().populations)
    assert labels.table["since"].dt.day.tolist() == [1, 1]
