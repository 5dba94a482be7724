"""Tables of outcomes as spreadsheets and people leave them: each mistake is told for what it is."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from outcome_samples import SNAPSHOT


@pytest.fixture
def folder(tmp_path):
    return str(tmp_path / "outcomes")


def test_rows_that_a_spreadsheet_leaves_empty_are_told_as_empty_and_as_nothing_else(refused, table):
    told = refused(table(**{name: ["", ""] for name in ("player_id", "snapshot", "decision", "reviewer", "when")}))
    lines = told.splitlines()[1:]
    assert lines == [f"  rows 1, 2: no {name}" for name in ("player_id", "snapshot", "decision", "reviewer", "when")]


def test_columns_under_other_names_are_told_with_what_is_there(refused, table):
    path = Path(table())
    path.write_text(path.read_text().replace("player_id", "Player ID"))
    told = refused(str(path))
    assert "got no ['player_id'] among ['Player ID', 'snapshot', 'decision', 'reviewer', 'when', 'reason']" in told


def test_rows_that_name_no_group_are_of_no_other_one(refused, table):
    [told] = refused(table(group=["other", "", "shelf"])).splitlines()[1:]
    assert told == "  row 1: outcomes of another group than 'shelf': add them with that group's --config"


def test_capitals_are_taken_for_the_word_that_they_spell(refused, table):
    assert "row 1: unknown decision 'HARM': did you mean 'harm'?" in refused(table(decision=["HARM", "harm", "harm"]))


def test_a_column_of_something_else_is_counted_and_not_printed(refused, table):
    ids = [str(number) for number in range(4_000_000, 4_000_030)]
    told = refused(table(player_id=1, decision=ids, when=[f"2026-01-10T09:00:{second:02d}" for second in range(30)]))
    assert "... (30 rows): unknown decision (30 different ones): expected one of" in told
    assert "40000" not in told
    told = refused(table(player_id=1, snapshot=ids, decision="harm"))
    assert "(30 rows): unknown snapshot (30 different ones): `scarcegan snapshots list` shows what there is" in told
    assert "40000" not in told


@pytest.mark.parametrize("when", ["2026", "2026-01", "today", "now", "10.01.2026"])
def test_what_is_no_day_is_no_time(refused, table, when):
    assert "rows 1, 2, 3: 'when' is no ISO date or time such as" in refused(table(when=when))


def test_a_time_in_the_future_may_lack_its_zone(refused, table):
    assert "and without a zone a time is UTC" in refused(table(when="2999-01-01T09:00:00"))


def test_neither_blanks_nor_stored_accents_make_a_second_reviewer(outcomes, table):
    outcomes("add", table(reviewer="Zo\N{LATIN SMALL LETTER E WITH DIAERESIS} B"))
    two = ["Zoe\N{COMBINING DIAERESIS} B", "Zo\N{LATIN SMALL LETTER E WITH DIAERESIS}\N{NO-BREAK SPACE} B", "otto"]
    told = outcomes("add", table(reviewer=two, when="2026-01-11")).stderr
    assert "rows 1, 2: another spelling of reviewer" in told


def test_a_reviewer_in_other_capitals_is_no_second_reviewer(outcomes, table):
    outcomes("add", table())
    told = outcomes("add", table(reviewer=["Rita", "RITA", "otto"], when="2026-01-11")).stderr
    assert "rows 1, 2: another spelling of reviewer 'rita': write it alike" in told
    assert "Added 3 outcomes" in outcomes("add", table(reviewer="otto", when="2026-01-11")).stdout


def test_a_reviewer_named_by_a_number_is_the_same_one_among_floats(outcomes, store, table):
    outcomes("add", table("whole.parquet", reviewer=7))
    outcomes("add", table("floats.parquet", reviewer=7.0, when="2026-01-11"))
    assert set(store.table()["reviewer"]) == {"7"}


def test_files_may_differ_in_what_a_note_of_the_reviewers_own_looks_like(outcomes, store, table, tmp_path):
    (tmp_path / "week").mkdir()
    table("week/1.csv", note=3)
    table("week/2.csv", note="rang twice", player_id=[4, 5, 6])
    assert "Added 6 outcomes" in outcomes("add", str(tmp_path / "week")).stdout


def test_one_outcome_by_options_has_no_rows(refused):
    told = refused("--player", "99999", "--snapshot", SNAPSHOT, "--decision", "ban")
    assert told.startswith("the outcome: nothing was added; mend this and add it again:\n  unknown decision 'ban'")
    assert "row" not in told


@pytest.mark.parametrize("typed", [" 7 ", "7.0"])
def test_one_player_is_typed_as_for_the_other_commands(outcomes, typed):
    assert outcomes("add", "--player", typed, "--snapshot", SNAPSHOT, "--decision", "harm").exit_code == 0
    assert "expected the id of a player" in outcomes("add", "--player", " ").stderr


def test_a_snapshot_without_outcomes_is_told_from_none_at_all(outcomes, table):
    assert "No outcomes yet: `scarcegan outcomes add`." in outcomes("list", "--snapshot", SNAPSHOT).stdout
    outcomes("add", table())
    told = outcomes("list", "--snapshot", "players-2026-02-01").stdout
    assert f"No outcomes yet: none of 'players-2026-02-01', but of {SNAPSHOT}." in told


def test_without_a_kept_list_the_report_says_why_it_tells_nothing_of_a_model(outcomes, table):
    outcomes("add", table())
    assert "Nobody with a label is on a list that is kept (scoring.folder)" in outcomes("report").stdout


def test_a_median_is_told_with_how_many_it_is_of(outcomes, table, reviewed_list):
    reviewed_list()
    outcomes("add", table(player_id=[1, 2, 50], decision=["harm", "harm", "no_harm"], when="2026-01-11"))
    report = outcomes("report").stdout
    assert re.search(r"\b10\b.*\n.*\(2\)", report), report


def test_decisions_that_mean_nothing_any_more_are_told(outcomes, table, tmp_path):
    outcomes("add", table())
    config = tmp_path / "config.toml"
    config.write_text(config.read_text().replace("no_harm =", "fine ="))
    told = outcomes("report").stdout
    assert "Outcomes count for nothing whose decision outcomes.decisions does not know: 'no_harm' (1)." in told


def test_what_turns_semicolons_into_commas_keeps_the_zeros_of_ids(tmp_path, refused):
    there, made = tmp_path / "IN", tmp_path / "OUT"
    there.with_suffix(".csv").write_bytes(b"\xef\xbb\xbfplayer_id;snapshot;hours\n007;x;1,5\n")
    code = re.search(r'python -c "(.*)" does it', refused(str(there.with_suffix(".csv"))))[1]
    code = code.replace("'IN'", repr(f"{there}.csv")).replace("'OUT'", repr(str(made)))
    subprocess.run([sys.executable, "-c", code], check=True)
    assert made.read_text() == "player_id,snapshot,hours\n007,x,1.5\n"
