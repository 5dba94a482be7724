"""Releases as the step `register` leaves them, and runs whose artifacts hold somebody else's code."""

import os

import pytest
from history_samples import evaluation, report, settings

from scarcegan.registry import ModelToRegister
from scarcegan.registry.local import LocalRegistry
from scarcegan.serving.archive import write_archive
from scarcegan.settings import load
from scarcegan.workflow.retraining.review import FILE, review_of

GROUP = "scarcegan-risky-players"
MADE = ("settings", "data_report", "evaluation", "release", "launch", "usage", "overrides", "origin_run", "commit")


class Planted:
    """An artifact that makes a file where it is unpickled."""

    def __init__(self, trace):
        self.trace = str(trace)

    def __reduce__(self):
        return (os.mkdir, (self.trace,))


@pytest.fixture
def trace(tmp_path):
    return tmp_path / "somebody-else's-code-has-run"


@pytest.fixture
def planted(recorder, trace):
    """A finished run all of whose artifacts, Metaflow's own marks too, are planted."""
    steps = {step: [dict.fromkeys(MADE)] for step in ("start", "preprocess", "evaluate", "register", "end")}
    store = recorder.store.get_task_datastore
    recorder.store.get_task_datastore = lambda *place, **how: _planting(store(*place, **how), trace)
    recorder.run("first", steps)


def _planting(store, trace):
    save = store.save_artifacts
    store.save_artifacts = lambda items: save(iter([(name, Planted(trace)) for name, _ in items]))
    return store


@pytest.fixture
def release(tmp_path):
    """Register a release of run `first`, as its step `register` does, and return the registry."""
    found = LocalRegistry(tmp_path / "registry", GROUP)

    def register(review, run="first", definitions=("balanced", "review_budget")):
        models = []
        for name in definitions:
            archive = tmp_path / f"{run}-{name}.tar.gz"
            sha256 = write_archive({"of": name}, {}, archive, {FILE: review.to_file()} if review else {})
            lineage = {"data_fingerprint": "9f2c", "settings_fingerprint": "41c0", "config": "config/retrain.toml"}
            lineage |= {
                "card": f"{run}/evaluate/7",
                "git_commit": "0a1b2c3",
                "launched_by": "ada",
                "cost": "It cost 1.25 USD",
            }
            facts = {"metadata": lineage}
            facts |= {"release_id": f"release-{run}", "origin_run_id": run, "run_pathspec": f"RetrainFlow/{run}"}
            facts |= {"archive": archive, "sha256": sha256, "warnings": ("a likely leak",)}
            models.append(ModelToRegister(definition=name, threshold=0.5, **facts))
        found.register_release(models)
        return found

    return register


@pytest.fixture
def review():
    return review_of(evaluation(), report(), load(settings(seed=11)))
