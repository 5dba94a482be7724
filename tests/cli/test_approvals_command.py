"""Approvals as an organisation wants them, on the command line."""

import csv
import json
import os
import sqlite3
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from scarcegan.cli import app
from scarcegan.machine import os_user
from scarcegan.registry.local import LocalRegistry

GROUP = "ours"
WHY = ("--reason", "finds more", "--who", "rita, for the board")


@pytest.fixture
def place(tmp_path):
    """A folder with a registry and the settings that name it."""
    made = SimpleNamespace(folder=tmp_path, config=tmp_path / "our.toml")
    made.registry = LocalRegistry(tmp_path / "registry", GROUP)

    def configure(more=""):
        made.config.write_text(f'[registry]\ngroup = "{GROUP}"\npath = "{tmp_path}/registry"\n{more}')

    configure()
    made.configure = configure
    made.models = lambda *arguments: CliRunner().invoke(app, ["models", *arguments, "--config", str(made.config)])
    return made


@pytest.fixture
def release(place, make_release):
    """Two sound releases of this machine's user and of omar; nothing speaks against either."""
    for run, who in (("11", os_user()), ("12", "omar")):
        facts = {"metadata": {"launched_by": who}, "warnings": (), "against_champion": None}
        place.registry.register_release(make_release(run, definitions=("review_budget", "balanced"), **facts))
    return place


def test_the_environment_does_not_say_who_approves(release, monkeypatch):
    monkeypatch.setenv("LOGNAME", "somebody")
    monkeypatch.setenv("USER", "somebody")
    assert release.models("approve", "1", "--reason", "good").exit_code == 0
    event = release.registry.events(1)[0]
    assert (event.who, event.identity) == ("somebody", os_user())
    assert f"({os_user()})" in release.models("show", "1").stdout


def test_a_user_without_a_name_is_known_by_number(monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: 987_654)
    assert os_user() == "uid 987654"


def test_four_eyes_by_the_settings(release, refused):
    release.configure("four_eyes = true")
    result = release.models("approve", "1", *WHY, "--force")
    refused(result, "launched by the same")
    assert release.models("approve", "3", *WHY).exit_code == 0
    assert release.registry.champion("review_budget").version == 3


def test_an_approval_names_its_last_day(release, objects):
    release.configure("approval_days = 1")
    assert objects(release.models, "approve", "1", *WHY)[0]["approved_until"] > "2026"
    assert objects(release.models, "approve", "2", *WHY, "--until", "2199-12-31")[0]["approved_until"] == "2199-12-31"
    assert "until 2199-12-31" in release.models("show", "2").stdout


def test_a_dry_run_says_group_definition_release_and_what_is_replaced_and_does_nothing(release):
    release.models("approve", "1", "2", *WHY)
    told = release.models("approve", "3", *WHY, "--dry-run").stdout
    assert "Nothing is decided" in told
    assert f"Group {GROUP}:" in told
    assert "review_budget: champion would be version 3 of release-12; before: version 1 of release-11" in told
    assert release.registry.events(3) == []
    release.models("approve", "3", *WHY)
    told = release.models("rollback", "--reason", "no", "--dry-run").stdout
    assert "review_budget: champion would be version 1 of release-11; before: version 3 of release-12" in told
    assert release.registry.champion("review_budget").version == 3


def test_a_dry_run_refuses_what_would_be_refused(release, refused):
    refused(release.models("rollback", "--reason", "no", "--dry-run"), "approved versions of any release")
    refused(release.models("approve", "9", *WHY, "--dry-run"), "expected a registered version")


@pytest.mark.parametrize("name", ["audit.csv", "audit.jsonl"])
def test_all_decisions_are_exported_as_a_file_for_auditors(release, objects, name):
    release.models("approve", "1", "2", *WHY)
    release.models("approve", "3", "--reason", 'said "yes",\u00e9', "--who", "omar")
    file = release.folder / name
    result = release.models("decisions", "--export", str(file))
    assert f"Wrote 3 decisions to {file}" in result.stdout
    with file.open(newline="") as lines:
        rows = list(csv.DictReader(lines)) if name.endswith("csv") else [json.loads(line) for line in lines]
    assert [int(row["version"]) for row in rows] == [1, 2, 3]
    last = rows[2]
    assert (last["who"], last["identity"], last["why"]) == ("omar", os_user(), 'said "yes",\u00e9')
    assert (last["definition"], last["release_id"], last["group"]) == ("review_budget", "release-12", GROUP)
    assert (int(last["champion_before"]), int(last["champion_after"])) == (1, 3)
    assert [row["version"] for row in objects(release.models, "decisions")] == [1, 2, 3]


def test_another_kind_of_file_is_refused_and_nothing_is_written(release, refused):
    refused(release.models("decisions", "--export", str(release.folder / "audit.xml")), ".csv or .jsonl")
    assert not (release.folder / "audit.xml").exists()


def test_a_folder_that_is_missing_is_not_made_for_an_export(release, refused):
    there = release.folder / "slip" / "audit.csv"
    refused(release.models("decisions", "--export", str(there)), "make it, or choose another --export")
    assert not there.parent.exists()


def test_decisions_are_told_to_who_wants_to_know(release):
    told = release.folder / "told.json"
    release.configure(f"[notify]\ncommand = 'cat > {told}'\n")
    release.models("approve", "1", *WHY, "--dry-run")
    assert not told.exists()
    release.models("approve", "1", *WHY)
    notice = json.loads(told.read_text())
    assert (notice["kind"], notice["about"]) == ("decision", "release-11")
    assert "champion is now version 1 of release-11" in notice["told"]
    assert f"rita, for the board ({os_user()})" in notice["told"]


def test_a_decision_holds_where_nobody_can_be_told(release, monkeypatch):
    monkeypatch.setattr("scarcegan.notices.WAIT_SECONDS", 0.0)
    release.configure("[notify]\ncommand = 'exit 3'\n")
    result = release.models("approve", "1", *WHY)
    assert result.exit_code == 0
    assert "notify.command was not told of 'decision'" in result.stderr
    assert release.registry.champion("review_budget").version == 1


def test_decisions_of_before_identities_were_kept_are_read_and_added_to(release):
    release.models("approve", "1", *WHY)
    connection = sqlite3.connect(release.folder / "registry/registry.sqlite")
    for name in ("identity", "until"):
        connection.execute(f"ALTER TABLE approval_event DROP COLUMN {name}")
    connection.execute("PRAGMA user_version = 3")
    connection.commit()
    connection.close()
    assert release.registry.events(1)[0].identity == ""
    assert release.registry.champion("review_budget").decided_as == ""
    assert "rita, for the board" in release.models("decisions").stdout
    release.models("reject", "1", *WHY)
    assert [event.identity for event in release.registry.events(1)] == ["", os_user()]
