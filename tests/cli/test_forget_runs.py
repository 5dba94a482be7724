"""`scarcegan forget` names the runs and models that hold a player, which nobody can rewrite, and says how they go."""

import json

import numpy as np
import pandas as pd
import pytest
import recorded_runs
from history_samples import TooLarge, steps_of
from typer.testing import CliRunner

from scarcegan.cli import app
from scarcegan.registry.local import LocalRegistry

GROUP = "shelf"


def with_players(run, ids, **changes):
    steps = steps_of(run, **changes)
    steps["preprocess"][0]["players"] = {"ids": np.array(ids)}
    return steps


@pytest.fixture
def forget(recorder, tmp_path, make_release, monkeypatch, project_apart):
    """Runs of both flows, two releases, and `scarcegan forget ...` in that project."""
    recorder.run("first", with_players("first", [41, 42, 43]))
    recorder.run("second", with_players("second", [1, 2, 3], telemetry={"path": "/ours/daily"}))
    attributes = {"attributes": "s3://ours/ages.csv", "attribute_columns": ["age"]}
    recorder.run("third", with_players("third", ["a", "42"], evaluate=attributes))
    steps = steps_of("fourth")
    steps["preprocess"][0]["players"] = TooLarge()  # cannot be loaded
    recorder.run("fourth", steps)
    monkeypatch.setattr(recorded_runs, "FLOW", "ScoreFlow")
    scored = recorded_runs.Recorder(tmp_path)
    scored.run("fifth", {"start": [{}], "report": [{"flagged": pd.DataFrame({"player_id": [42, 7]})}]})
    scored.run("sixth", {"start": [{}], "report": [{"flagged": pd.DataFrame({"player_id": [8, 7]})}]})
    scored.run("seventh", {"start": [{}]})
    registry = LocalRegistry(tmp_path / "registry", GROUP)
    for number, run in (("11", "first"), ("12", "second")):
        registry.register_release(make_release(number, definitions=("balanced",), run_pathspec=f"RetrainFlow/{run}"))
    folders = "\n".join(f'[{name}]\nfolder = "{tmp_path}/{name}"' for name in ("snapshots", "scoring", "outcomes"))
    (tmp_path / "our.toml").write_text(f'{folders}\n[registry]\npath = "{tmp_path}/registry"\ngroup = "{GROUP}"\n')
    return lambda *arguments: CliRunner().invoke(app, ["forget", *arguments, "--config", str(tmp_path / "our.toml")])


def test_runs_with_the_player_are_named_with_how_they_go(forget):
    left = json.loads(forget("42", "--json").stdout)["left"]
    runs = {one["place"]: (one["what"], one["advice"]) for one in left if one["what"].startswith("run")}
    assert runs.keys() == {"RetrainFlow/first", "RetrainFlow/third", "RetrainFlow/fourth", "ScoreFlow/fifth"}
    advice = runs["RetrainFlow/first"][1]
    assert "train anew, approve that, `scarcegan models reject 1 --reason 'why'`; `scarcegan prune" in advice
    assert "reject" not in runs["RetrainFlow/third"][1]
    assert runs["ScoreFlow/fifth"] == (
        "run, artifact flagged",
        "cannot be rewritten; `scarcegan prune --older-than 0 --remove` then removes it with its artifacts and cards "
        "(tag `pinned`: kept)",
    )
    assert "cannot be read" in runs["RetrainFlow/fourth"][1]


def test_the_tables_of_a_run_with_the_player_are_named_as_another_run_may_read_others(forget):
    left = json.loads(forget("42", "--json").stdout)["left"]
    assert [one["place"] for one in left if one["what"] == "source"] == ["s3://ours/ages.csv"]


def test_what_a_trained_model_may_still_hold_is_said(forget):
    receipt = json.loads(forget("42", "--yes", "--json").stdout)
    models = [one for one in receipt["left"] if one["what"] == "model"]
    assert [one["place"] for one in models] == ["version 1 (balanced)"]
    assert "neither the id nor the row, but weights" in models[0]["advice"]
    assert "weights, trees" in forget("42").stdout


def test_a_player_of_no_run_leaves_nothing_to_do_but_what_cannot_be_read(forget):
    left = json.loads(forget("999", "--json").stdout)["left"]
    assert [one["place"] for one in left] == ["RetrainFlow/fourth"]
