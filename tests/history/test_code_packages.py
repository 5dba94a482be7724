"""A code package goes with the last run that was started with it, but not while it is deployed."""

import json
import time
from pathlib import Path

import pytest
from history_samples import steps_of

from scarcegan.history import leftovers as module
from scarcegan.history.client import find_runs
from scarcegan.history.leftovers import DAY_SECONDS, leftovers
from scarcegan.problems import HistoryProblem
from scarcegan.registry.local import LocalRegistry
from scarcegan.settings import load


@pytest.fixture
def store(recorder, tmp_path, monkeypatch):
    """Runs as AWS Batch leaves them: each names the package of its code."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "_datastore", lambda: str(tmp_path / ".metaflow"))

    def run(name, code, **how):
        [(place, sha)] = recorder.store.save_data([code])
        recorder.run(name, steps_of(name), **how)
        for step, code_sha in (("start", None), ("evaluate", sha)):  # as of a resume that has taken `start` over
            begun = tmp_path / f".metaflow/RetrainFlow/{name}/{step}/t0-{step}/0.task_begin"
            begun.write_text(json.dumps({"code_package_sha": code_sha, "retry_count": 0}))
        return Path(place)

    return run


@pytest.fixture
def prune(tmp_path):
    """Remove what may go after forty days, and return which runs that were."""
    settings, registry = load({}), LocalRegistry(tmp_path / "registry", "players")

    def prune(deployed=()):
        now = time.time() + 40 * DAY_SECONDS
        left = leftovers(settings, registry, now, 30, deployed=lambda flow: deployed if flow == "RetrainFlow" else ())
        mine = [one for one in left if one.folder.startswith(str(tmp_path))]
        for one in mine:
            one.remove()
        return sorted(Path(one.folder).name for one in mine if one.what == "run")

    return prune


def test_a_package_goes_with_the_last_run_that_shares_it(store, prune):
    mine, ours = store("alone", b"of one run"), store("gone", b"of two runs")
    assert store("kept", b"of two runs", tags=["pinned"]) == ours
    assert (prune(), mine.exists(), ours.exists()) == (["alone", "gone"], False, True)


def test_of_two_runs_that_go_at_once_the_package_goes_once(store, prune):
    ours = store("first", b"of two runs")
    store("second", b"of two runs")
    assert (prune(), ours.exists()) == (["first", "second"], False)


@pytest.mark.reliability(
    case="Runs are pruned whose code somebody else's run, or a deployed flow, is started with",
    sees="the runs go; the code package stays until nobody needs it",
    resume="not needed",
)
def test_a_package_that_something_deployed_starts_with_stays(store, prune):
    theirs, mine = store("first", b"deployed"), store("second", b"not deployed")
    definition = json.dumps({"States": {"start": {"Environment": {"METAFLOW_CODE_URL": str(theirs)}}}})
    assert (prune([definition]), theirs.exists(), mine.exists()) == (["first", "second"], True, False)


def test_nobody_is_asked_what_is_deployed_where_no_package_would_go(store, tmp_path):
    store("kept", b"of one run", tags=["pinned"])
    leftovers(load({}), LocalRegistry(tmp_path / "registry", "players"), time.time(), 30, deployed=_refuse)


def test_what_a_job_has_noted_in_the_datastore_goes_with_its_run(store, prune, recorder, tmp_path):
    store("alone", b"code")
    [(place, sha)] = recorder.store.save_data([b"notes"])
    (tmp_path / ".metaflow/RetrainFlow/alone/start/t0-start/0.local_metadata").write_text(json.dumps(sha))
    assert (prune(), Path(place).exists()) == (["alone"], False)


def test_a_note_that_was_cut_short_does_not_stop_pruning(store, prune, tmp_path):
    mine = store("alone", b"code")
    for name in ("alone/select/t0-select/0.data.json", "alone/start/t0-start/0.task_begin"):
        (tmp_path / ".metaflow/RetrainFlow" / name).write_text('{"objec')
    assert (prune(), mine.exists()) == (["alone"], False)


def test_a_file_of_metaflow_that_cannot_be_read_is_named(store, tmp_path):
    store("alone", b"code")
    broken = tmp_path / ".metaflow/RetrainFlow/alone/_meta/_self.json"
    broken.write_text('{"run_i')
    with pytest.raises(HistoryProblem, match=rf"expected JSON in .*{broken.relative_to(tmp_path)}, got: .*; restore"):
        find_runs()


def _refuse(flow):
    raise AssertionError("asked")
