"""`scarcegan outcomes` as a person uses it: add, list, compare, export, learn."""

import json

import pandas as pd
import pytest
from outcome_samples import CUTOFF, SNAPSHOT

from scarcegan.outcomes.labels import settled_labels


@pytest.fixture
def folder(tmp_path):
    return str(tmp_path / "outcomes")


@pytest.mark.parametrize("name", ["reviewed.csv", "reviewed.parquet"])
def test_a_table_is_added_once_and_listed_by_time(outcomes, table, name):
    path = table(name, when=["2026-01-12", "2026-01-11T08:00:00+01:00", "2026-01-10 09:30"])
    assert outcomes("add", path).stdout == "Added 3 outcomes; 0 known before.\n"
    assert json.loads(outcomes("add", path, "--json").stdout) == {"added": 0, "known": 3}
    listed = json.loads(outcomes("list", "--json").stdout)
    assert [one["when"] for one in listed] == ["2026-01-10T09:30:00Z", "2026-01-11T07:00:00Z", "2026-01-12T00:00:00Z"]
    assert [one["player_id"] for one in listed] == ["3", "2", "1"]
    assert listed[0]["reason"] == "called, see ticket"
    assert "no_harm" in outcomes("list").stdout


def test_one_outcome_is_added_by_options(outcomes):
    one = ("--player", "7", "--snapshot", SNAPSHOT, "--decision", "harm", "--reviewer", "otto", "--reason", "called")
    assert outcomes("add", *one).exit_code == 0
    [listed] = json.loads(outcomes("list", "--json", "--snapshot", SNAPSHOT).stdout)
    assert (listed["player_id"], listed["decision"], listed["reviewer"]) == ("7", "harm", "otto")
    assert json.loads(outcomes("list", "--json", "--snapshot", "players-2026-02-01").stdout) == []


def test_what_is_the_same_for_all_rows_may_be_an_option(outcomes, table):
    path = table(snapshot=None, reviewer=None)
    assert "got no ['snapshot', 'reviewer']" in outcomes("add", path).stderr
    assert outcomes("add", path, "--snapshot", SNAPSHOT, "--reviewer", "rita").exit_code == 0
    assert "got both: drop one" in outcomes("add", table("two.csv"), "--reviewer", "rita").stderr


def test_a_table_or_a_player_is_asked_for(outcomes, table):
    assert "give one of both" in outcomes("add").stderr
    assert "give one of both" in outcomes("add", table(), "--player", "1").stderr


def test_all_mistakes_of_a_table_are_told_at_once_by_row(refused, table):
    path = table(
        player_id=[1, 987_654, 3, 4, 5, 5, "", 8],
        snapshot=[SNAPSHOT, SNAPSHOT, "players-2026-01-11", *[SNAPSHOT] * 5],
        decision=["harmm", "harm", "harm", "harm", "harm", "harm", "harm", "ban"],
        reviewer=["rita", "rita", "rita", "", "rita", "rita", "rita", "rita"],
        when=["2026-01-10", "2026-01-10", "2026-01-10", "2999-01-01", "soon", "soon", "2026-01-10", "2025-12-31"],
    )
    told = refused(path)
    for words in (
        "reviewed.csv: nothing was added; mend this and add it again (row 1 is the first one below the heading):",
        "row 1: unknown decision 'harmm': did you mean 'harm'?",
        "row 2: no such player in snapshot 'players-2026-01-01'",
        "row 3: unknown snapshot 'players-2026-01-11': did you mean 'players-2026-01-01'?",
        "row 4: no reviewer",
        "row 4: 'when' is in the future",
        "rows 5, 6: 'when' is no ISO date or time",
        "row 6: an outcome that an earlier row has",
        "row 7: no player_id",
        "row 8: unknown decision 'ban': expected one of ['harm', 'no_harm', 'unsure']",
        f"row 8: decided before the cut-off of '{SNAPSHOT}', {CUTOFF}",
    ):
        assert words in told
    assert "987" not in told


def test_a_snapshot_that_cannot_be_read_is_no_unknown_one(refused, table, tmp_path):
    manifest = tmp_path / "snapshots" / SNAPSHOT / "manifest.json"
    manifest.write_bytes(manifest.read_bytes()[:100])
    told = refused(table())
    assert f"{SNAPSHOT}/manifest.json" in told
    assert "unknown snapshot" not in told


def test_a_file_of_another_group_is_refused(refused, table):
    assert "rows 1, 2, 3: outcomes of another group than 'shelf'" in refused(table(group="other"))


def test_many_rows_are_counted_instead_of_listed(refused, table):
    told = refused(table(player_id=[*range(5_000, 5_030)], decision="harm"))
    assert "rows 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ... (30 rows): no such player" in told


def test_two_decisions_at_the_same_time_are_refused_and_a_later_one_corrects(outcomes, table, store, world):
    outcomes("add", table())
    again = outcomes("add", table(decision=["no_harm", "no_harm", "harm"]))
    assert "rows 1, 3: two decisions of one reviewer on one player at the same time" in again.stderr
    slip = outcomes("add", table(decision=["harmm", "no_harm", "harm"])).stderr
    assert "row 1: unknown decision" in slip
    assert "row 3: two decisions" in slip
    outcomes("add", table(decision="no_harm", when="2026-01-11"))
    assert set(settled_labels(store.table(), world)["label"]) == {"harmless"}


def test_an_outcome_for_a_forgotten_player_is_refused(refused, table, store):
    store.forget("2", "2026-01-20T00:00:00Z")
    told = refused(table())
    assert "row 2: the player was forgotten and stays so: take the row out" in told
    assert "forgotten" in refused(table(player_id=["2.0", "02", "2"])), "whatever its spelling"


def test_ids_are_the_same_player_as_number_and_as_text(outcomes, table):
    outcomes("add", table())
    assert "Added 0 outcomes; 3 known" in outcomes("add", table("as_text.parquet", player_id=["1", "2", "3"])).stdout


def test_who_was_drawn_is_shown_only_where_it_is_asked_for(outcomes, table, reviewed_list):
    reviewed_list()
    outcomes("add", table(player_id=[1, 50, 999]))
    plain, shown = outcomes("list"), json.loads(outcomes("list", "--with-design", "--json").stdout)
    assert "audit" not in plain.stdout
    assert {one["player_id"]: (one["source"], one["inclusion"]) for one in shown} == {
        "1": ("top", 1.0),
        "50": ("audit", pytest.approx(1 / 12)),
        "999": ("other", None),
    }


def test_labels_are_known_since_the_decision_and_nothing_later_counts(outcomes, table, store, world, reviewed_list):
    reviewed_list()
    outcomes("add", table(player_id=[1, 50, 60], decision="harm", when=["2026-01-10", "2026-01-20", "2026-01-30"]))
    known = settled_labels(store.table(), world, known_by=pd.Timestamp("2026-01-20", tz="UTC"))
    assert dict(zip(known["player_id"], known["source"], strict=True)) == {"1": "top", "50": "audit"}
    assert set(known["label"]) == {"risky"}


def test_outcomes_and_labels_are_exported_and_come_back(outcomes, table, tmp_path):
    outcomes("add", table())
    written = tmp_path / "out.parquet"
    assert outcomes("export", str(written)).exit_code == 0
    assert "Added 0 outcomes; 3 known before." in outcomes("add", str(written)).stdout
    assert "Wrote 2 labels in 3 rows to" in outcomes("export", str(tmp_path / "labels.csv"), "--labels").stdout
    labels = pd.read_csv(tmp_path / "labels.csv")
    assert labels["label"].fillna("").tolist() == ["risky", "harmless", ""]
    assert set(labels["group"]) == {"shelf"}
    assert "name one of both" in outcomes("export", str(tmp_path / "out.xlsx")).stderr
    assert "choose another FILE" in outcomes("export", str(tmp_path / "slip" / "out.csv")).stderr


def test_agreement_is_told_by_pairs_of_reviewers(outcomes, table):
    assert "No two reviewers" in outcomes("agreement").stdout
    outcomes("add", table())
    outcomes("add", table(reviewer="otto", decision=["harm", "harm", "unsure"]))
    [pair] = json.loads(outcomes("agreement", "--json").stdout)
    assert (pair["reviewers"], pair["players"], pair["alike"]) == (["otto", "rita"], 3, 2)
    assert "67\N{NO-BREAK SPACE}% [21," in outcomes("agreement").stdout


@pytest.fixture
def season(outcomes, table, reviewed_list):
    """Two snapshots are scored by version 3; half of the top is risky, and of the first stratum two of five drawn."""
    for snapshot, cutoff, day in ((SNAPSHOT, CUTOFF, "2026-01-11"), ("players-2026-02-01", "2026-02-01", "2026-02-04")):
        ids = reviewed_list(snapshot, cutoff)["player_id"].tolist()
        harmed = [*range(1, 21), 50, 60]
        decision = ["harm" if one in harmed else "no_harm" for one in ids]
        outcomes("add", table(f"{cutoff}.csv", player_id=ids, snapshot=snapshot, decision=decision, when=day))


def test_the_report_tells_precision_recall_and_prevalence_for_everyone(season, outcomes):
    told = json.loads(outcomes("report", "--json").stdout)
    [champion] = told["champions"]
    assert [one["cutoffs"] for one in told["periods"]] == [["2026-01-01"], ["2026-02-01"]]
    assert champion["precision"]["value"] == pytest.approx(0.5)
    assert champion["recall"]["value"] == pytest.approx(20 / (20 + 24))
    assert champion["prevalence"]["value"] == pytest.approx(0.044)
    assert champion["recall_flagged"]["value"] == pytest.approx(20 / 44)
    assert champion["precision_flagged"]["value"] == pytest.approx(1)
    assert champion["days_to_confirm"] == pytest.approx(10)
    first = told["periods"][0]["recall"]
    assert first["high"] - first["low"] > champion["recall"]["high"] - champion["recall"]["low"]


def test_the_report_is_a_table_and_a_page(season, outcomes, tmp_path):
    page = tmp_path / "outcomes.html"
    shown = outcomes("report", "--html", str(page)).stdout
    assert "100 outcomes of 1 reviewer: 100 settled, 0 not" in shown
    assert "to 2026-02-01" in shown
    assert f"Wrote {page}" in shown
    assert "<html" in page.read_text()


def test_drawn_players_whom_one_reviewer_alone_found_risky_are_told_of_until_another_has_looked(
    season, outcomes, table
):
    warning = "Version 3: drawn players whom one reviewer alone found risky: 4 of"
    assert warning in outcomes("report").stdout
    for snapshot, day in ((SNAPSHOT, "2026-01-12"), ("players-2026-02-01", "2026-02-05")):
        again = {"player_id": [50, 60], "snapshot": snapshot, "decision": "harm", "reviewer": "otto", "when": day}
        outcomes("add", table(f"{day}.csv", **again))
    assert "one reviewer alone" not in outcomes("report").stdout


def test_a_list_whose_audit_nobody_reviewed_says_so(outcomes, table, reviewed_list):
    reviewed_list()
    outcomes("add", table(player_id=[1, 2, 3]))
    shown = outcomes("report").stdout
    assert "nobody of the audit sample has a label yet: prevalence and recall cannot be told" in shown
    [champion] = json.loads(outcomes("report", "--json").stdout)["champions"]
    assert (champion["recall"], champion["prevalence"]) == (None, None)
    assert champion["precision"]["value"] == pytest.approx(0.5)


def test_without_outcomes_the_report_says_how_to_add_some(outcomes):
    assert "0 outcomes of 0 reviewers" in outcomes("report").stdout


def test_lists_of_other_groups_and_second_scorings_do_not_count_twice(season, outcomes, reviewed_list):
    reviewed_list(run="ScoreFlow-22")
    reviewed_list(version=9, group="other")
    told = json.loads(outcomes("report", "--json").stdout)
    assert [(one["version"], one["players"]) for one in told["champions"]] == [(3, 2_000)]
