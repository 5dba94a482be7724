"""No Batch job outlives the run that started it."""

import signal
from pathlib import Path
from types import SimpleNamespace

import pytest
from metaflow.plugins.aws.batch import batch_client

BATCH, LOCAL = ["run", "--with", "batch"], ["run"]


@pytest.fixture
def stray_jobs(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "flows")
    import stray_jobs

    monkeypatch.setattr(stray_jobs, "current", SimpleNamespace(get=lambda _: "17"))
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    return stray_jobs


@pytest.fixture
def stopped(monkeypatch):
    """Jobs that were told to stop; those of runs 17 and 171 go on."""
    names = {
        "a": "ada-RetrainFlow-17-train-4-0",
        "b": "ada-RetrainFlow-17-train-5-1",
        "c": "bob-RetrainFlow-171-start-1-0",
    }
    stopped = []

    class Client:
        def unfinished_jobs(self):
            return [{"jobId": key, "jobName": name} for key, name in names.items()]

        def attach_job(self, key):
            return SimpleNamespace(kill=lambda: stopped.append(key))

    monkeypatch.setattr(batch_client, "BatchClient", Client)
    return stopped


@pytest.mark.parametrize("ending", [SystemExit(1), KeyboardInterrupt(), RuntimeError("S3 is gone")])
def test_a_run_that_ends_early_stops_its_own_jobs(stray_jobs, stopped, ending, capsys):
    with pytest.raises(type(ending)), stray_jobs.no_stray_jobs("RetrainFlow", BATCH):
        raise ending
    assert stopped == ["a", "b"]
    assert "Stopped 2 AWS Batch jobs of run 17 that were still going on." in capsys.readouterr().err


@pytest.mark.parametrize("code", [0, None])
def test_a_run_that_succeeds_asks_nobody(stray_jobs, stopped, code):
    with pytest.raises(SystemExit), stray_jobs.no_stray_jobs("RetrainFlow", BATCH):
        raise SystemExit(code)
    assert stopped == []


@pytest.mark.parametrize("arguments", [LOCAL, ["--with", "batch", "step", "train"]])
def test_a_local_run_or_a_task_asks_nobody(stray_jobs, stopped, arguments):
    with pytest.raises(KeyboardInterrupt), stray_jobs.no_stray_jobs("RetrainFlow", arguments):
        raise KeyboardInterrupt
    assert stopped == []


def test_a_launch_that_made_no_run_has_no_jobs(stray_jobs, stopped, monkeypatch):
    monkeypatch.setattr(stray_jobs, "current", SimpleNamespace(get=lambda _: None))
    with pytest.raises(SystemExit), stray_jobs.no_stray_jobs("RetrainFlow", BATCH):
        raise SystemExit(1)
    assert stopped == []
