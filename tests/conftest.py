import hashlib
import sys
from dataclasses import replace

import pytest

from scarcegan.registry import ModelToRegister

DEFINITIONS = ("recall_first", "precision_first", "review_budget", "balanced")


def pytest_collection_finish():
    """Give TensorFlow one thread, where a collected test uses it: few cores, and one order of additions."""
    if "tensorflow" in sys.modules:
        from scarcegan.gan.devices import prepare_devices

        prepare_devices(1)


@pytest.fixture
def make_release(tmp_path):
    """A release of four models whose archives are small files; `run` makes them differ from another run's."""

    def make(run="11", definitions=DEFINITIONS, **changes):
        models = []
        for definition in definitions:
            archive = tmp_path / f"{run}-{definition}.tar.gz"
            archive.write_bytes(f"weights of {definition} in run {run}".encode())
            model = ModelToRegister(
                definition=definition,
                archive=archive,
                sha256=hashlib.sha256(archive.read_bytes()).hexdigest(),
                threshold=0.25,
                constraint_met=definition != "precision_first",
                release_id=f"release-{run}",
                origin_run_id=run,
                run_pathspec=f"RetrainFlow/{run}",
                metrics={"recall": 0.5, "pr_auc": 0.125 + int(run) / 1000},
                metadata={"git_commit": "0a1b2c3", "card": "evaluate/7"},
                description=f"Finds risky players, {definition}.",
            )
            models.append(replace(model, **changes))
        return models

    return make
