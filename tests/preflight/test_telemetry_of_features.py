"""FeaturesFlow makes snapshots of the telemetry that is named, and of simulated players only where they are meant."""

import pytest

from scarcegan.datasets.simulated import write_telemetry
from scarcegan.preflight import inside_features
from scarcegan.problems import PreflightProblem
from scarcegan.settings import load

LAPTOP = {"METAFLOW_DEFAULT_DATASTORE": "local"}


@pytest.fixture
def theirs(tmp_path):
    """A folder of a team's own that nothing may be written to."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / "risky.csv").touch()
    return folder


@pytest.fixture
def tree(tmp_path, theirs):
    return {"data": {"path": str(theirs)}, "snapshots": {"folder": str(tmp_path / "snapshots")}}


@pytest.fixture
def tried(monkeypatch):
    """Note which places are tried."""
    places = []
    monkeypatch.setattr("scarcegan.preflight.targets.require_writable", places.append)
    return places


@pytest.mark.reliability(
    case="FeaturesFlow is told no telemetry beside a team's own players",
    sees="that telemetry is missing; no simulated players, and nothing in their folder",
    resume="not needed: nothing was started",
)
@pytest.mark.parametrize("source", ["tables", "kdd99", "lootbox"])
def test_players_of_another_source_without_telemetry_are_refused_and_their_folder_is_left_alone(
    tree, tried, theirs, source
):
    tree["data"] |= {"source": source}
    with pytest.raises(PreflightProblem, match=rf"telemetry: expected telemetry in telemetry\.path.*'{source}'"):
        inside_features(load(tree), LAPTOP)
    assert str(theirs) not in tried


def test_with_telemetry_of_their_own_only_the_snapshots_are_tried(tree, tried, tmp_path):
    tree["data"] |= {"source": "tables"}
    inside_features(load(tree | {"telemetry": {"path": "daily.parquet"}}), LAPTOP)
    assert [place for place in tried if place.startswith(str(tmp_path))] == [str(tmp_path / "snapshots")]


def test_a_snapshots_labels_are_not_where_simulated_players_are_written(tree, tried, theirs, tmp_path, monkeypatch):
    monkeypatch.setattr("scarcegan.project.project_root", lambda: tmp_path / "project")
    small = {"players": 400, "days": 60, "risky_share": 0.2, "labeled_risky": 5, "labeled_negatives": 5}
    tree["data"] |= {"source": "snapshot", "path": str(theirs / "labels.csv")}
    settings = load(tree | {"simulated": small})
    inside_features(settings, LAPTOP)
    written = write_telemetry(settings)
    assert written.parent == tmp_path / "project/.scarcegan/simulated"
    assert str(written.parent) in tried
    assert [path.name for path in theirs.iterdir()] == ["risky.csv"]
