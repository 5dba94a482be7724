import numpy as np
import pytest
from typer.testing import CliRunner

from scarcegan.cli import app
from scarcegan.snapshots import SnapshotStore

COLUMNS = ("bets_level", "night_trend")


@pytest.fixture
def snapshots(tmp_path, publish_snapshot):
    """Run `scarcegan snapshots ...` on a folder with two snapshots, the second one moved."""
    store = SnapshotStore(str(tmp_path))
    for name, cutoff, factor in (("first", "2026-01-01", 1), ("second", "2026-02-01", 3)):
        features = factor * np.random.default_rng(0).gamma(2, 2, (500, 2)).astype(np.float32)
        publish_snapshot(store, name, cutoff, features, COLUMNS, notes=(f"odd in [{name}]",), code_version="0a1b2c3")

    def run(*arguments):
        return CliRunner().invoke(app, ["snapshots", *arguments, "--folder", str(tmp_path)])

    return run


def test_snapshots_are_listed_by_date(snapshots, objects):
    printed = snapshots("list").output
    assert printed.index("first") < printed.index("second")
    listed = objects(snapshots, "list")
    assert [item["name"] for item in listed] == ["first", "second"]
    assert {(item["players"], item["features"]) for item in listed} == {(500, 2)}
    assert all(item["fingerprint"] in printed for item in listed)


def test_a_list_of_none_says_where_it_looked_and_what_is_there(snapshots, tmp_path):
    assert "none of 'soon', but of 2026-" in snapshots("list", "--cutoff", "soon").output
    nowhere = str(tmp_path / "nowhere")
    told = CliRunner().invoke(app, ["snapshots", "list", "--folder", nowhere]).output
    assert told == f"No snapshots in {nowhere} yet: `scarcegan features` or `snapshots publish`.\n"


@pytest.mark.parametrize(("cutoff", "expected"), [("2026-02-01", ["second"]), ("2025-02-01", [])])
def test_one_date_is_found(snapshots, objects, cutoff, expected):
    assert [one["name"] for one in objects(snapshots, "list", "--cutoff", cutoff)] == expected


def test_one_snapshot_is_shown_with_its_notes_and_what_moved(snapshots, objects):
    printed = " ".join(snapshots("show", "second").output.split())
    for words in ("note: odd in [second]", "previous first", "moved since first: ", "code_version 0a1b2c3"):
        assert words in printed
    first = objects(snapshots, "show", "first")
    assert (first["previous"], first["moved_most"]) == (None, [])
    assert objects(snapshots, "show", "second")["moved_most"][0]["psi"] > 0.25


def test_an_unknown_name_is_answered_with_the_known_ones(snapshots, refused):
    refused(answer := snapshots("show", "third"), "expected a snapshot 'third'")
    assert "'first', 'second'" in answer.stderr
