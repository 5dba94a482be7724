"""`scarcegan prune` removes what was kept for as long as `[retention]` says; a legal hold goes before it."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest
from test_forget_command import COLUMNS, put_scores
from typer.testing import CliRunner

from scarcegan.cli import app
from scarcegan.outcomes.retention import expired
from scarcegan.outcomes.store import open_outcomes
from scarcegan.problems import SettingsProblem
from scarcegan.settings import load
from scarcegan.snapshots import open_snapshots
from scarcegan.storage import contents, join, write_bytes

OLD, NEW = "players-2020-01-01", "players-2999-01-01"
HOLD = '[[retention.holds]]\n{}\nreason = "complaint 17"\nwho = "legal"\n'


@pytest.fixture(params=["local", "s3"])
def base(request, tmp_path):
    if request.param == "s3":
        request.getfixturevalue("bucket")
        return "s3://models/project"
    return str(tmp_path / "project")


@pytest.fixture
def run(base, tmp_path, publish_snapshot, monkeypatch):
    """Run the command in a project with an old snapshot and one of the future, and outcomes of two years."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("scarcegan.history.leftovers._local", lambda chosen, name: chosen or f"{tmp_path}/none")
    monkeypatch.setattr("scarcegan.history.leftovers._datastore", lambda: "")
    folders = "\n".join(f'[{name}]\nfolder = "{base}/{name}"' for name in ("snapshots", "scoring", "outcomes"))
    text = f'{folders}\n[registry]\npath = "{tmp_path}/registry"\ngroup = "shelf"\n[retention]\n'

    def run(*arguments, retention=""):
        (tmp_path / "our.toml").write_text(text + retention)
        result = CliRunner().invoke(app, [*arguments, "--config", str(tmp_path / "our.toml"), "--json"])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    features = np.random.default_rng(0).random((20, 2)).astype(np.float32)
    for name in (OLD, NEW):
        publish_snapshot(open_snapshots(f"{base}/snapshots"), name, name[-10:], features, COLUMNS)
    for number, when in (("3", "2020-02-01"), ("4", "2020-03-01"), ("3", "2026-02-01")):
        add = ("--player", number, "--snapshot", OLD, "--decision", "risky", "--reviewer", "r", "--when", when)
        run("outcomes", "add", *add)
    return run


@pytest.fixture
def outcomes(base):
    """When the outcomes that are left were decided."""
    store = open_outcomes(load({"outcomes": {"folder": f"{base}/outcomes"}}).outcomes, "shelf")
    return lambda: [when.date().isoformat() for when in store.table()["when"]]


def test_without_periods_everything_is_kept(run):
    assert run("prune") == []


def test_snapshots_go_after_their_days_shown_first(run, base):
    store = open_snapshots(f"{base}/snapshots")
    [shown] = run("prune", retention="snapshots = 30")
    assert (shown["what"], shown["folder"], shown["removed"]) == ("snapshot", join(store.folder, OLD), False)
    assert store.names() == [OLD, NEW]
    assert [one["removed"] for one in run("prune", "--remove", retention="snapshots = 30")] == [True]
    assert store.names() == [NEW]
    assert {one.name.split("/")[0] for one in contents(store.folder)} == {NEW}
    assert run("prune", "--remove", retention="snapshots = 30") == []


def test_what_is_there_is_never_shown_as_nothing(run, tmp_path):
    run("prune", retention="snapshots = 30")
    shown = CliRunner().invoke(app, ["prune", "--config", str(tmp_path / "our.toml")]).stdout
    assert "MB in 1 place" in shown
    assert "0.0 MB" not in shown
    run("prune", retention="outcomes = 30")
    assert "3 outcomes" in CliRunner().invoke(app, ["prune", "--config", str(tmp_path / "our.toml")]).stdout


def test_outcomes_go_after_their_days(run, outcomes):
    days = (datetime.now(UTC) - datetime(2025, 1, 1, tzinfo=UTC)).days
    [shown] = run("prune", retention=f"outcomes = {days}")
    assert (shown["what"], shown["rows"]) == ("outcomes", 2)
    run("prune", "--remove", retention=f"outcomes = {days}")
    assert outcomes() == ["2026-02-01"]


def test_nothing_goes_while_a_player_is_being_forgotten(run, base, tmp_path, outcomes):
    lock = join(open_snapshots(f"{base}/snapshots").folder, "_forgetting")
    write_bytes(lock, b"another-machine-1 7 12")
    assert len(run("prune", retention="snapshots = 30\noutcomes = 30")) == 2
    result = CliRunner().invoke(app, ["prune", "--remove", "--config", str(tmp_path / "our.toml")])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "expected no other `scarcegan forget` or `prune --remove` at work" in result.stderr
    assert (open_snapshots(f"{base}/snapshots").names(), len(outcomes())) == ([OLD, NEW], 3)


def test_what_is_held_stays(run, base, outcomes):
    digest = run("forget", "3")["player"]
    retention = "snapshots = 30\noutcomes = 30\n"
    run("prune", "--remove", retention=retention + HOLD.format(f'snapshot = "{OLD}"'))
    assert open_snapshots(f"{base}/snapshots").names() == [OLD, NEW]
    assert len(outcomes()) == 3
    run("prune", "--remove", retention="outcomes = 30\n" + HOLD.format(f'player = "{digest}"'))
    assert outcomes() == ["2020-02-01", "2026-02-01"]


def test_scores_go_after_their_days_with_their_lists(base):
    settings = load({"scoring": {"folder": f"{base}/scoring"}, "retention": {"scores": 10}})
    for run in ("v1-ScoreFlow-12", "v1-ScoreFlow-13"):
        put_scores(join(f"{base}/scoring", f"{OLD}/{run}"))
    written = contents(f"{base}/scoring")[0].written
    assert expired(settings, written + 9 * 86_400) == []
    found = expired(settings, written + 11 * 86_400)
    assert [one.folder.rpartition("/")[2] for one in found] == ["v1-ScoreFlow-12", "v1-ScoreFlow-13"]
    hold = {"run": "ScoreFlow/13", "reason": "complaint 17", "who": "legal"}
    held = load({"scoring": {"folder": f"{base}/scoring"}, "retention": {"scores": 10, "holds": [hold]}})
    [found] = expired(held, written + 11 * 86_400)
    found.remove()
    assert {one.name.split("/")[1] for one in contents(f"{base}/scoring")} == {"v1-ScoreFlow-13"}


def test_what_has_rows_of_a_held_player_stays(run, base):
    put_scores(join(f"{base}/scoring", f"{OLD}/v1-ScoreFlow-12"), np.arange(20).astype(str))
    put_scores(join(f"{base}/scoring", f"{OLD}/v1-ScoreFlow-13"), np.arange(100, 120).astype(str))
    digest = run("forget", "3")["player"]
    written = contents(f"{base}/scoring")[0].written
    holds = [{"player": digest, "reason": "complaint 17", "who": "legal"}]
    folders = {name: {"folder": f"{base}/{name}"} for name in ("snapshots", "scoring", "outcomes")}
    held = load(
        folders | {"registry": {"group": "shelf"}, "retention": {"snapshots": 30, "scores": 10, "holds": holds}}
    )
    found = expired(held, written + 11 * 86_400)
    assert [one.folder.rpartition("/")[2] for one in found] == ["v1-ScoreFlow-13"]


def test_a_hold_names_one_thing_and_says_why():
    for hold in ({"reason": "why", "who": "legal"}, {"snapshot": OLD, "who": "legal"}, {"run": "12", "reason": "a"}):
        with pytest.raises(SettingsProblem, match=r"retention\.holds"):
            load({"retention": {"holds": [hold]}})
