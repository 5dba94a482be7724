"""Pruning: runs behind no release go, with the artifacts that they alone hold; all that somebody needs stays."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import metaflow
import pytest
from typer.testing import CliRunner

from scarcegan.cli import app
from scarcegan.history import leftovers as module
from scarcegan.history.leftovers import DAY_SECONDS, leftovers
from scarcegan.problems import HistoryProblem
from scarcegan.registry.local import LocalRegistry
from scarcegan.settings import load
from scarcegan.storage import SCRATCH

FLOW = """
from metaflow import FlowSpec, Parameter, step

class RetrainFlow(FlowSpec):
    own = Parameter("own", type=str)
    fails = Parameter("fails", type=bool, default=False)

    @step
    def start(self):
        self.alone, self.shared = self.own * 1000, "of all runs" * 1000
        self.next(self.end)

    @step
    def end(self):
        if self.fails:
            raise ValueError

if __name__ == "__main__":
    RetrainFlow()
"""
LATER = 40 * DAY_SECONDS


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with runs of these names, which are their tags too; by name their numbers."""
    home = tmp_path_factory.mktemp("home")
    (home / ".metaflow").mkdir()
    (home / "flow.py").write_text(FLOW)
    runs = {}
    for name in ("released", "release:elsewhere", "rejected", "pinned", "failed", "nobodys"):
        command = [sys.executable, "flow.py", "run", "--own", name, "--run-id-file", "id", "--tag", name]
        command += ["--fails", "true"] if name == "failed" else []
        subprocess.run(command, cwd=home, env=os.environ | {"USERNAME": "tester"}, capture_output=True, check=False)
        runs[name] = (home / "id").read_text()
    return home, runs


@pytest.fixture
def pruned(home, make_release, monkeypatch):
    """What may go by a registry in which one run's release waits and another's is rejected."""
    folder, runs = home
    monkeypatch.chdir(folder)
    monkeypatch.setattr(module, "_datastore", lambda: str(folder / ".metaflow"))
    metaflow.metadata(f"local@{folder}")
    registry = LocalRegistry(folder / "registry", "players")
    for name in ("released", "rejected"):
        models = make_release("11", definitions=("balanced",), release_id=name)
        named = {"origin_run_id": runs[name], "run_pathspec": f"RetrainFlow/{runs[name]}"}
        registry.register_release([replace(model, **named) for model in models])
    registry.reject(2, who="rita", why="worse")
    places = {"snapshots": {"folder": str(folder / "snapshots")}, "scoring": {"folder": str(folder / "scores")}}
    settings = load(places | {"registry": {"path": str(folder / "registry"), "group": "players"}})

    def found(now=None, days=30, **how):
        left = leftovers(settings, registry, now or time.time() + LATER, days, deployed=lambda _: [], **how)
        return [one for one in left if one.folder.startswith(str(folder))]

    return folder, runs, found, registry


def names_of(runs, found):
    named = {number: name for name, number in runs.items()}
    return sorted(named[Path(one.folder).name] for one in found if one.what == "run")


@pytest.mark.reliability(
    case="Old runs fill the disk",
    sees="in `scarcegan prune`: what may go; releases and pinned runs stay",
    resume="not needed",
)
def test_runs_of_releases_and_pinned_ones_are_kept(pruned):
    _, runs, found, _ = pruned
    assert names_of(runs, found()) == ["failed", "nobodys", "rejected"]


def test_what_a_task_had_kept_when_it_was_killed_goes_a_day_later(pruned):
    folder, runs, found, _ = pruned
    kept = folder / ".metaflow/RetrainFlow/data/aa"
    kept.mkdir()
    for name in ("aa12", "aa12_meta"):
        (kept / name).write_bytes(b"all players")
    assert [one.folder for one in found() if one.what == "artifact of no run"] == [f"{kept}/aa12", f"{kept}/aa12_meta"]
    assert names_of(runs, found(time.time() + 60, days=0)) == ["nobodys", "rejected"], "a task may yet note it"
    for one in found():
        if one.what == "artifact of no run":
            one.remove()
    assert list(kept.iterdir()) == []


def test_what_is_young_stays_and_what_may_go_on_stays_a_day_at_least(pruned):
    _, runs, found, _ = pruned
    assert found(time.time(), days=30) == []
    assert names_of(runs, found(time.time() + 60, days=0)) == ["nobodys", "rejected"]


def test_nothing_is_removed_while_a_run_may_go_on(pruned, monkeypatch):
    _, runs, found, _ = pruned
    monkeypatch.setattr(module, "state_of", lambda run: ("unfinished", "train"))
    with pytest.raises(
        HistoryProblem, match=rf"expected no run of RetrainFlow that may go on, got .*{runs['nobodys']}"
    ):
        found(time.time() + 60, days=0)
    assert found() != []


def test_what_could_go_is_shown_while_a_run_may_go_on(pruned, monkeypatch):
    _, runs, found, _ = pruned
    monkeypatch.setattr(module, "state_of", lambda run: ("unfinished", "train"))
    assert names_of(runs, found(time.time() + 60, days=0, removing=False)) == ["nobodys", "rejected"]


def test_nothing_is_removed_where_the_registry_cannot_tell_which_runs_are_needed(pruned, monkeypatch):
    *_, found, registry = pruned
    monkeypatch.setattr(registry, "_version", lambda row: json.loads(""))
    with pytest.raises(HistoryProblem, match="expected to read all versions of players, as their runs are kept"):
        found()


@pytest.mark.reliability(
    case="Killed runs leave drafts and copies",
    sees="them in `scarcegan prune`",
    resume="not needed",
)
def test_drafts_sorted_telemetry_and_parts_that_nobody_has_published_go(pruned):
    folder, _, found, _ = pruned
    for name in (
        f"registry/archives/{SCRATCH}box_7_1_abcdefgh/draft",
        "snapshots/.telemetry-5f/0/part.parquet",
        "snapshots/players-2026-01-01/part-00000.parquet",
        "snapshots/players-2026-02-01/manifest.json",
        "snapshots/players-2026-02-01/part-00000.parquet",
        "snapshots/_drift/players/balanced/2026-01-01.json",
        "scores/players-2026-02-01/v1-ScoreFlow-1/part-00000.parquet",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"four")
    left = {one.what: one for one in found() if one.what != "run"}
    assert {what: (Path(one.folder).name, one.size) for what, one in left.items()} == {
        "draft": (f"{SCRATCH}box_7_1_abcdefgh", 4),
        "sorted telemetry": (".telemetry-5f", 4),
        "unpublished parts": ("players-2026-01-01", 4),
    }
    for one in left.values():
        one.remove()
        assert not Path(one.folder).exists()


def test_the_command_shows_first_and_removes_only_if_asked_to(pruned, home):
    """The last test of this module: what it removes is gone."""
    folder, runs, found, registry = pruned
    (folder / "own.toml").write_text(
        f'[registry]\npath = "{folder}/registry"\ngroup = "players"\n[snapshots]\nfolder = "{folder}/snapshots"\n'
    )
    before = {one.folder for one in found(time.time() + 60, days=0)}
    command = ["prune", "--config", str(folder / "own.toml"), "--older-than", "0", "--json"]
    shown = CliRunner().invoke(app, command)
    assert before <= {one["folder"] for one in json.loads(shown.stdout)}
    assert found(time.time() + 60, days=0) != []
    with pytest.MonkeyPatch.context() as patch:
        # Not the project's own: only what lies in this folder is a matter of the test.
        patch.setattr("scarcegan.history.leftovers._local", lambda chosen, name: chosen or f"{folder}/none")
        removed = CliRunner().invoke(app, [*command, "--remove"])
    assert removed.exit_code == 0, removed.output
    assert found(time.time() + 60, days=0) == []
    metaflow.namespace(None)
    assert {run.id for run in metaflow.Flow("RetrainFlow")} == set(runs.values()) - {
        runs["rejected"],
        runs["nobodys"],
    }
    for name in ("released", "pinned", "release:elsewhere"):
        run = metaflow.Run(f"RetrainFlow/{runs[name]}")
        assert (run.data.alone, run.data.shared) == (name * 1000, "of all runs" * 1000)
    assert registry.fetch(registry.show(1).sha256).is_file()
