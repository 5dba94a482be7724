"""`scarcegan forget`: a player leaves all that the project has written, on this machine and on S3, with a receipt."""

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from scarcegan import settings as settings_module
from scarcegan.cli import app
from scarcegan.data.ids import keyed_id
from scarcegan.machine import is_alive, this_process
from scarcegan.outcomes import forgetting
from scarcegan.outcomes.store import open_outcomes
from scarcegan.problems import DataProblem
from scarcegan.snapshots import open_snapshots
from scarcegan.storage import SCRATCH, contents, find_bytes, join, local_file, new_file, write_bytes

PLAYER, PLAYERS, SNAPSHOT, COLUMNS = "player-0042", 300, "players-2026-01-01", ("bets_level", "night_level")
IDS = np.array([f"player-{number:04d}" for number in range(PLAYERS)])


def config_text(base, more=""):
    folders = [f'[{name}]\nfolder = "{base}/{name}"' for name in ("snapshots", "scoring", "outcomes")]
    return "\n".join(folders) + f'\n[registry]\ngroup = "shelf"\npath = "{{registry}}"\n{more}\n'


def put_scores(folder, ids=IDS):
    """Scores, a review list and a report, as ScoreFlow leaves them."""
    frame = pd.DataFrame({"player_id": ids, "risk_score": np.linspace(0, 1, len(ids), dtype=np.float32)})
    table = pa.table(
        [pa.array(frame["player_id"]), pa.array(frame["risk_score"])],
        schema=pa.schema([pa.field("player_id", pa.string(), nullable=False), pa.field("risk_score", pa.float32())]),
    )
    with new_file(join(folder, "part-00000.parquet")) as draft:
        pq.write_table(table, draft, compression="zstd", row_group_size=100)
    with new_file(join(folder, "review.parquet")) as draft:
        frame.assign(reasons=[["bets, high"]] * len(ids)).to_parquet(draft)
    with new_file(join(folder, "review.csv")) as draft:
        frame.assign(reasons='bets, "high"')[["player_id", "reasons"]].to_csv(draft, index=False)
    write_bytes(join(folder, "report.json"), b"{}")


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.slow)])
def base(request, tmp_path):
    if request.param == "s3":
        request.getfixturevalue("bucket")
        return "s3://models/project"
    return str(tmp_path / "project")


@pytest.fixture
def project(base, tmp_path, publish_snapshot, project_apart):
    """Two snapshots, scores of the first, and outcomes; the player is everywhere."""
    made = SimpleNamespace(base=base, config=tmp_path / "config.toml")

    def configure(more=""):
        made.config.write_text(config_text(base, more).format(registry=tmp_path / "registry"))

    configure()
    made.settings = lambda: settings_module.load(settings_module.parse(made.config.read_text()))
    made.configure = configure
    made.store = open_snapshots(f"{base}/snapshots")
    features = np.random.default_rng(0).random((PLAYERS, 2)).astype(np.float32)
    features[42] = [1e6, -1e6]
    for cutoff in ("2026-01-01", "2026-02-01"):
        publish_snapshot(made.store, f"players-{cutoff}", cutoff, features, COLUMNS, ids=IDS, shards=3)
    made.scores = join(f"{base}/scoring", f"{SNAPSHOT}/v1-ScoreFlow-12")
    put_scores(made.scores)
    made.outcomes = open_outcomes(settings_module.Outcomes(folder=f"{base}/outcomes"), "shelf")
    made.run = lambda *arguments: CliRunner().invoke(app, [*arguments, "--config", str(made.config)])
    for player in (PLAYER, "player-0007"):
        add = ("--player", player, "--snapshot", SNAPSHOT, "--decision", "risky", "--when", "2026-01-10")
        assert made.run("outcomes", "add", *add).exit_code == 0
    return made


def holding(base):
    """The files below a folder that still name the player."""
    found = []
    for file in contents(base):
        location = join(base, file.name)
        if file.name.endswith(".parquet"):
            with local_file(location) as path:
                content = pq.read_table(path).to_pandas().to_csv().encode() + path.read_bytes()
        else:
            content = find_bytes(location)
        if PLAYER.encode() in content or PLAYER in file.name:
            found.append(file.name)
    return found


def test_a_dry_run_comes_first_and_changes_nothing(project):
    before = {file.name: find_bytes(join(project.base, file.name)) for file in contents(project.base)}
    result = project.run("forget", PLAYER)
    assert result.exit_code == 0
    for told in ("outcomes", "snapshot", "scores", "review.csv", "Nothing is removed yet: 6 rows in 6 places; --yes"):
        assert told in result.stdout
    assert PLAYER not in result.stdout
    assert {file.name: find_bytes(join(project.base, file.name)) for file in contents(project.base)} == before


def test_a_player_is_forgotten_everywhere_and_the_receipt_names_digests_alone(project):
    assert len(holding(project.base)) == 6
    answer = project.run("forget", PLAYER, "--yes", "--json")
    receipt = json.loads(answer.stdout)
    assert holding(project.base) == []
    assert receipt["finished"]
    assert [(one["what"], one["rows"]) for one in receipt["found"]] == [
        *[("outcomes", 1), ("snapshot", 1), ("snapshot", 1)],
        *[("scores", 1)] * 3,
    ]
    assert len(receipt["removed"]) == 5
    assert all(len(one["before"]) == len(one["after"]) == 64 != one["rows"] for one in receipt["removed"])
    assert receipt["outcomes"]["outcomes"] == 1
    [kept] = [one.name for one in contents(join(project.base, "outcomes/shelf/receipts"))]
    assert json.loads(find_bytes(join(project.base, f"outcomes/shelf/receipts/{kept}"))) == receipt
    assert PLAYER not in answer.stdout + kept


def test_what_a_killed_process_was_writing_goes_and_what_another_may_be_writing_is_named(project):
    told = [sys.executable, "-c", "from scarcegan.machine import this_process; print(this_process())"]
    dead = subprocess.run(told, env=os.environ, capture_output=True, text=True, check=True).stdout.split()
    there = join(project.base, "scoring/players-2026-02-01/v1-ScoreFlow-13")
    for owner in ("_".join(dead), "box-4026531836_7_12"):
        write_bytes(join(there, f"{SCRATCH}{owner}_abcdefgh/draft"), f"half a row of {PLAYER}".encode())
    result = project.run("forget", PLAYER, "--yes")
    [left] = holding(project.base)
    assert f"{SCRATCH}box" in left
    assert f"Left: draft {join(there, left.split('/')[-2])}: may have the player: call again" in result.stdout


def test_the_others_stay_as_they_were(project):
    before = project.store.read(SNAPSHOT)
    with local_file(join(project.scores, "part-00000.parquet")) as path:
        schema = pq.read_schema(path)
    with local_file(join(project.scores, "review.csv")) as path:
        lines = path.read_bytes().splitlines(keepends=True)
    project.run("forget", PLAYER, "--yes")
    after, stay = project.store.read(SNAPSHOT), before.ids != PLAYER
    np.testing.assert_array_equal(after.ids, before.ids[stay])
    np.testing.assert_array_equal(after.features, before.features[stay])
    with local_file(join(project.scores, "part-00000.parquet")) as path:
        assert pq.read_schema(path).equals(schema)
        assert pq.read_table(path)["player_id"].to_pylist() == [one for one in IDS if one != PLAYER]
    with local_file(join(project.scores, "review.csv")) as path:
        assert path.read_bytes().splitlines(keepends=True) == [one for one in lines if PLAYER.encode() not in one]
    assert [one["player_id"] for one in json.loads(project.run("outcomes", "list", "--json").stdout)] == ["player-0007"]


def test_a_snapshot_keeps_the_fingerprint_that_it_was_published_with_and_its_statistics_forget_too(project):
    before = project.store.describe(SNAPSHOT)
    for player in (PLAYER, "player-0001"):
        project.run("forget", player, "--yes")
    after = project.store.describe(SNAPSHOT)
    assert (after.players, len(after.forgotten), after.origin) == (PLAYERS - 2, 2, before.fingerprint)
    assert len({after.fingerprint, *after.forgotten}) == 3
    assert after.statistics["bets_level"].mean < 1 < before.statistics["bets_level"].mean
    shown = json.loads(project.run("snapshots", "show", SNAPSHOT, "--json").stdout)
    assert shown["forgotten"] == 2


def test_a_snapshot_that_is_published_again_brings_nobody_back(project, publish_snapshot):
    features = project.store.read("players-2026-02-01").features
    publish_snapshot(project.store, "own", "2026-01-15", features, COLUMNS, ids=IDS, shards=2)
    project.run("forget", PLAYER, "--yes")
    again = publish_snapshot(project.store, "own", "2026-01-15", features, COLUMNS, ids=IDS, shards=2)
    assert again.players == PLAYERS - 1
    assert holding(project.base) == []


def test_forgotten_twice_is_forgotten_once_and_what_comes_back_is_refused(project):
    project.run("forget", PLAYER, "--yes")
    again = json.loads(project.run("forget", PLAYER, "--yes", "--json").stdout)
    assert (again["found"], again["removed"]) == ([], [])
    assert "No rows of this player" in project.run("forget", PLAYER).stdout
    add = ("--player", PLAYER, "--snapshot", SNAPSHOT, "--decision", "risky", "--when", "2026-01-11")
    assert "was forgotten" in project.run("outcomes", "add", *add).stderr


def test_a_snapshot_of_nobody_else_goes_as_a_whole(project, publish_snapshot):
    publish_snapshot(project.store, "alone", "2026-01-15", np.ones((1, 2), np.float32), COLUMNS, ids=IDS[42:43])
    project.run("forget", PLAYER, "--yes")
    assert "alone" not in project.store.names()
    assert holding(project.base) == []


def test_tables_of_the_user_are_named_and_not_touched(project, tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text(f"player_id,population,since,source\n{PLAYER},risky,2025-12-01,agent\n")
    data = f'[data]\nsource = "snapshot"\nsnapshot = "{SNAPSHOT}"\npath = "{table}"'
    project.configure(data + '\n[evaluate]\nattributes = "ages.csv"\nattribute_columns = ["age"]')
    result = project.run("forget", PLAYER, "--yes")
    assert "yours, not touched" in result.stdout
    assert str(table) in result.stdout
    assert "ages.csv" in result.stdout
    assert PLAYER in table.read_text()


@pytest.mark.parametrize("kind", ["player", "snapshot", "run"])
def test_a_legal_hold_says_who_and_why_and_nothing_is_removed(project, kind):
    digest = json.loads(project.run("forget", PLAYER, "--json").stdout)["player"]
    name = {"player": digest, "snapshot": SNAPSHOT, "run": "ScoreFlow/12"}[kind]
    project.configure(f'[[retention.holds]]\n{kind} = "{name}"\nreason = "complaint 17"\nwho = "legal"')
    before = {file.name for file in contents(project.base)}
    for arguments in ((), ("--yes",)):
        result = project.run("forget", PLAYER, *arguments)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "held for legal: complaint 17" in result.stderr
        assert PLAYER not in result.stderr
    assert {file.name for file in contents(project.base)} == before


def test_a_hold_on_other_things_holds_nothing_here(project):
    holds = [f'[[retention.holds]]\n{one}\nreason = "complaint 17"\nwho = "legal"' for one in OTHERS]
    project.configure("\n".join(holds))
    assert project.run("forget", PLAYER, "--yes").exit_code == 0
    assert holding(project.base) == []


OTHERS = ('snapshot = "players-2026-01"', 'run = "ScoreFlow/2"', f'player = "{"0" * 32}"')
# What a process does last, by the name of what is replaced in it.
ENDINGS = {
    "before the manifest": "import scarcegan.snapshots.forgetting as at; at.write_bytes = end",
    "before old parts are removed": "import scarcegan.snapshots.forgetting as at; at.remove = end",
    "before the scores": "import scarcegan.outcomes.forgetting as at; at.take_out = end",
    "while outcomes go": "import scarcegan.outcomes.store as at; at.remove = end",
}


def forget_and_die(project, ending):
    code = f"import os\ndef end(*_, **__): os._exit(9)\n{ENDINGS[ending]}\nfrom scarcegan.cli import app; app()"
    command = [sys.executable, "-c", code, "forget", PLAYER, "--yes", "--config", str(project.config)]
    root = str(Path(__file__).parents[2])
    killed = subprocess.run(command, env=os.environ | {"PYTHONPATH": root}, capture_output=True, check=False)
    assert killed.returncode == 9, killed.stderr


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("base", ["local"], indirect=True)
def test_what_was_killed_in_between_is_completed_by_a_second_call(project, ending):
    forget_and_die(project, ending)
    assert project.store.read(SNAPSHOT).features.shape[1] == 2  # it can be read all the time
    assert holding(project.base)
    receipt = json.loads(project.run("forget", PLAYER, "--yes", "--json").stdout)
    assert receipt["finished"]
    assert holding(project.base) == []
    assert project.store.describe(SNAPSHOT).players == PLAYERS - 1
    assert len(project.store.read(SNAPSHOT).ids) == PLAYERS - 1


@pytest.mark.parametrize("base", ["local"], indirect=True)
def test_what_a_killed_call_has_removed_is_on_its_receipt(project):
    forget_and_die(project, "before the scores")
    folder = join(project.base, "outcomes/shelf/receipts")
    [kept] = contents(folder)
    receipt = json.loads(find_bytes(join(folder, kept.name)))
    assert not receipt["finished"]
    assert receipt["outcomes"]["outcomes"] == 1
    assert [len(one["before"]) for one in receipt["removed"]] == [64, 64]


@pytest.mark.parametrize("lock", [b"another-machine-1 7 12", b"somebody", b"\xff\xfe 7 12"])
@pytest.mark.parametrize("base", ["local"], indirect=True)
def test_two_at_once_are_refused(project, lock):
    write_bytes(join(project.store.folder, "_forgetting"), lock)
    result = project.run("forget", PLAYER, "--yes")
    assert result.exit_code == 1
    assert "expected no other `scarcegan forget` or `prune --remove` at work" in result.stderr
    assert len(holding(project.base)) == 6


@pytest.mark.parametrize("base", ["local"], indirect=True)
def test_whoever_begins_when_another_ends_is_left_alone(project, monkeypatch):
    place, ended = join(project.store.folder, "_forgetting"), []
    write_bytes(place, b"first-1 7 12")

    def just_ended(location):
        if not ended:
            write_bytes(location, b"second-1 7 12")
            return ended.append(location)
        return find_bytes(location)

    monkeypatch.setattr("scarcegan.outcomes.forgetting.find_bytes", just_ended)
    told = pytest.raises(DataProblem, match=r"got one \(machine and process: second-1 7 12")
    with told, forgetting.alone(project.settings()):
        pass
    assert find_bytes(place) == b"second-1 7 12"


@pytest.mark.parametrize("base", ["local"], indirect=True)
def test_of_two_that_find_the_lock_of_a_killed_one_one_takes_it_over(project, monkeypatch):
    settings, place, others = project.settings(), join(project.store.folder, "_forgetting"), ExitStack()
    killed = this_process().replace(f" {os.getpid()} ", " 999999999 ")
    write_bytes(place, killed.encode())

    def another_is_faster(owner):
        monkeypatch.undo()
        others.enter_context(forgetting.alone(settings))
        return is_alive(owner)

    monkeypatch.setattr(forgetting, "is_alive", another_is_faster)
    told = pytest.raises(DataProblem, match="expected no other `scarcegan forget` or `prune --remove` at work")
    with others, told, forgetting.alone(settings):
        pass
    with forgetting.alone(settings):
        assert find_bytes(place) == this_process().encode()


@pytest.mark.parametrize("player", ["", " "])
@pytest.mark.parametrize("base", ["local"], indirect=True)
def test_nobody_is_refused(project, player):
    assert "expected the id of a player" in project.run("forget", player).stderr


@pytest.mark.parametrize("typed", ["42", " 42 ", "42.0"])
@pytest.mark.parametrize("base", ["local"], indirect=True)
def test_a_number_is_the_same_player_however_it_is_typed(project, publish_snapshot, typed):
    features = np.ones((100, 2), np.float32)
    publish_snapshot(project.store, "numbers", "2026-01-15", features, COLUMNS, ids=np.arange(100), shards=2)
    put_scores(join(f"{project.base}/scoring", "numbers/v1-ScoreFlow-13"), np.arange(100).astype(str))
    found = json.loads(project.run("forget", typed, "--yes", "--json").stdout)["found"]
    assert [one["rows"] for one in found] == [1, 1, 1, 1]
    assert 42 not in project.store.read("numbers").ids


@pytest.mark.parametrize("base", ["local"], indirect=True)
def test_where_ids_have_a_key_the_sources_id_finds_the_player(project, publish_snapshot, monkeypatch):
    monkeypatch.setenv("OUR_KEY", "0123456789abcdef")
    project.configure('[data]\nid_key = "env:OUR_KEY"')
    ids = np.array([keyed_id(one, "env:OUR_KEY") for one in IDS])
    publish_snapshot(project.store, "keyed", "2026-01-15", np.ones((PLAYERS, 2), np.float32), COLUMNS, ids=ids)
    by_source = json.loads(project.run("forget", PLAYER, "--json").stdout)
    assert [(one["place"], one["rows"]) for one in by_source["found"]] == [("keyed", 1)]
    assert json.loads(project.run("forget", ids[42], "--json").stdout) == by_source
    project.run("forget", PLAYER, "--yes")
    assert ids[42] not in project.store.read("keyed").ids
    add = ("--player", PLAYER, "--snapshot", "keyed", "--decision", "risky", "--when", "2026-01-20")
    assert "was forgotten" in project.run("outcomes", "add", *add).stderr


@pytest.mark.parametrize("base", ["local"], indirect=True)
def test_a_hold_on_what_is_not_here_is_told_before_anything_is_removed(project):
    hold = '[[retention.holds]]\n{}\nreason = "complaint 17"\nwho = "legal"'
    project.configure("\n".join(map(hold.format, OTHERS)))
    told = project.run("forget", PLAYER).stderr.splitlines()
    unknown = [f"[[retention.holds]] names '{name}', which is not here" for name in ("players-2026-01", "ScoreFlow/2")]
    assert told == [f"{one}: nothing is held for legal: complaint 17" for one in unknown]
    project.configure(hold.format('run = "ScoreFlow/12"'))
    assert "not here" not in project.run("forget", PLAYER).stderr


@pytest.mark.parametrize(("kept", "typed"), [("42.0", "42"), ("42.0", "42.0"), ("ann ", "ann"), ("ann ", "ann ")])
@pytest.mark.parametrize("base", ["local"], indirect=True)
def test_whoever_is_kept_in_another_form_is_taken_out_alone(project, publish_snapshot, kept, typed):
    features = np.arange(6, dtype=np.float32).reshape(3, 2)
    ids = np.array(["x", kept, "y"])
    publish_snapshot(project.store, "older", "2026-01-15", features, COLUMNS, ids=ids)
    add = ("--player", typed, "--snapshot", "older", "--decision", "risky", "--when", "2026-01-20")
    assert "Added 1 outcome" in project.run("outcomes", "add", *add).stdout
    found = json.loads(project.run("forget", typed, "--yes", "--json").stdout)["found"]
    assert [one["rows"] for one in found] == [1, 1]
    assert project.store.read("older").ids.tolist() == ["x", "y"]
