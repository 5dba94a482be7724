import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from scarcegan import settings as settings_module
from scarcegan.cli import app
from scarcegan.outcomes.store import open_outcomes
from scarcegan.snapshots import open_snapshots

sys.path.insert(0, str(Path(__file__).parent))  # its samples are imported by name, by processes as well
from outcome_samples import CUTOFF, PLAYERS, SNAPSHOT


@pytest.fixture(params=["local", "s3"])
def folder(request, tmp_path):
    """Where outcomes are kept: on this machine, and in the bucket `models`."""
    if request.param == "s3":
        request.getfixturevalue("bucket")
        return "s3://models/outcomes"
    return str(tmp_path / "outcomes")


@pytest.fixture
def world(tmp_path, folder, publish_snapshot):
    """Settings of a project with two snapshots of 1,000 players, ids from 1 on; nothing is reviewed yet."""
    tree = {
        "snapshots": {"folder": str(tmp_path / "snapshots")},
        "scoring": {"folder": str(tmp_path / "scores")},
        "registry": {"path": str(tmp_path / "registry"), "group": "shelf"},
        "outcomes": {"folder": folder, "decisions": {"harm": "risky", "no_harm": "harmless", "unsure": "undecided"}},
    }
    store = open_snapshots(tree["snapshots"]["folder"])
    features = np.random.default_rng(0).random((PLAYERS, 2)).astype(np.float32)
    for cutoff in (CUTOFF, "2026-02-01"):
        publish_snapshot(store, f"players-{cutoff}", cutoff, features, ("bets_level", "night_level"), shards=2)
    lines = (f"{k} = {json.dumps(v)}" for k, v in tree["outcomes"]["decisions"].items())
    sections = [
        [f"[{name}]", *(f"{k} = {json.dumps(v)}" for k, v in one.items() if k != "decisions")]
        for name, one in tree.items()
    ]
    text = "\n".join([*(line for section in sections for line in section), "[outcomes.decisions]", *lines])
    (tmp_path / "config.toml").write_text(text)
    return settings_module.load(tree)


@pytest.fixture
def store(world):
    return open_outcomes(world.outcomes, "shelf")


@pytest.fixture
def outcomes(world, tmp_path):
    """Run `scarcegan outcomes ...` in that project."""

    def run(*arguments):
        return CliRunner().invoke(app, ["outcomes", *arguments, "--config", str(tmp_path / "config.toml")])

    return run


@pytest.fixture
def refused(outcomes):
    """Check that a table, or options, is refused with one message that names no player, and that nothing was added."""

    def check(*arguments):
        result = outcomes("add", *arguments)
        assert (result.exit_code, result.stdout) == (1, "")
        assert json.loads(outcomes("list", "--json").stdout) == []
        return result.stderr

    return check


@pytest.fixture
def table(tmp_path):
    """Write a table of outcomes, by default of three players; other values as keywords, a list or one for all rows."""

    def write(name="reviewed.csv", **changes):
        rows = {"player_id": [1, 2, 3], "snapshot": SNAPSHOT, "decision": ["harm", "no_harm", "unsure"]}
        rows |= {"reviewer": "rita", "when": "2026-01-10T09:00:00+01:00", "reason": "called, see ticket"} | changes
        frame = pd.DataFrame({key: value for key, value in rows.items() if value is not None})
        path = tmp_path / name
        frame.to_csv(path, index=False) if name.endswith(".csv") else frame.to_parquet(path)
        return str(path)

    return write


@pytest.fixture
def reviewed_list(world):
    """Write a list as ScoreFlow does: 40 players of the top, and 10 drawn from 2 strata of 60 and 900 others."""

    def write(snapshot=SNAPSHOT, cutoff=CUTOFF, version=3, group="shelf", run="ScoreFlow-21"):
        place = Path(world.scoring.folder, snapshot, f"v{version}-{run}")
        place.mkdir(parents=True)
        ids = [*range(1, 41), 50, 60, 70, 80, 90, 200, 300, 400, 500, 600]
        stratum = np.repeat([0, 1, 2], [40, 5, 5])
        inclusion = np.array([1, 5 / 60, 5 / 900])[stratum]
        frame = pd.DataFrame({"player_id": ids, "risk_score": np.linspace(0.9, 0.1, 50), "stratum": stratum})
        frame = frame.assign(inclusion=inclusion, is_flagged=np.arange(50) < 20)
        frame.to_parquet(place / "review.parquet")
        model = {"version": version, "definition": "review_budget", "group": group, "threshold": 0.5}
        report = {"model": model, "snapshot": {"name": snapshot, "cutoff": cutoff}, "files": []}
        review = {"table": "review.parquet", "csv": "review.csv", "audit_players": 10}
        (place / "report.json").write_text(json.dumps(report | {"players": PLAYERS, "flagged": 20, "review": review}))
        return frame

    return write
