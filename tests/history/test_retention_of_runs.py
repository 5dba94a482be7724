"""Runs are kept for as long as `[retention]` says, whatever release they are behind; not those on hold or pinned."""

import time

import pytest
from history_samples import steps_of

from scarcegan.history import leftovers as module
from scarcegan.history.leftovers import DAY_SECONDS, leftovers
from scarcegan.registry.local import LocalRegistry
from scarcegan.settings import load

NAMES = ("released", "pinned", "held", "free")


@pytest.fixture
def pruned(recorder, tmp_path, make_release, monkeypatch):
    """The runs that may go after forty days, by the settings of retention; a release of each run but one waits."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "_datastore", lambda: str(tmp_path / ".metaflow"))
    registry = LocalRegistry(tmp_path / "registry", "players")
    for number, name in enumerate(NAMES, 11):
        recorder.run(name, steps_of(name), tags=[name] if name == "pinned" else [])
        if name != "free":
            own = {"run_pathspec": f"RetrainFlow/{name}", "origin_run_id": name, "definitions": ("balanced",)}
            registry.register_release(make_release(str(number), **own))
    hold = {"run": "RetrainFlow/held", "reason": "complaint 17", "who": "legal"}

    def found(days=30, **retention):
        settings = load({"registry": {"path": str(tmp_path / "registry")}, "retention": {"holds": [hold], **retention}})
        left = leftovers(settings, registry, time.time() + 40 * DAY_SECONDS, days, deployed=lambda _: [])
        return sorted(one.folder.rpartition("/")[2] for one in left if one.what == "run")

    return found


def test_without_a_period_releases_keep_their_runs(pruned):
    assert pruned() == ["free"]


def test_a_period_ends_for_runs_of_releases_too_but_for_pinned_ones_and_those_on_hold(pruned):
    assert pruned(runs=39) == ["free", "released"]
    assert pruned(runs=41) == ["free"]


def test_a_period_holds_whatever_age_is_asked_for(pruned):
    assert pruned(days=1_000, runs=39) == ["free", "released"]
