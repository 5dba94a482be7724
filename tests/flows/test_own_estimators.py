"""Own estimators through a whole retraining: LightGBM, one that cannot be stored, and one that nobody installed."""

import subprocess
import sys

import metaflow
import numpy as np
import pytest
from card_browser import content
from typer.testing import CliRunner

from scarcegan.backends import open_registry
from scarcegan.cli import app
from scarcegan.serving.model import Model
from scarcegan.settings import load

pytestmark = pytest.mark.slow

OWN = """
[[estimators]]
name = "boosted"
path = "lightgbm:LGBMClassifier"
parameters = { n_estimators = 40, min_child_samples = 5, verbosity = -1 }

[[estimators]]
name = "bayes"
path = "sklearn.naive_bayes:GaussianNB"

[[estimators]]
name = "theirs"
path = "nowhere.to_be:Found"
"""
NOT_INSTALLED = "expected 'nowhere.to_be:Found' of 'theirs' to be installed, got ModuleNotFoundError"
NOT_STORED = "'bayes' cannot be stored as plain arrays"
SCORES = """
import sys
sys.modules["lightgbm"] = None  # importing it fails
import numpy as np
from scarcegan.serving.model import Model
np.save(sys.argv[3], Model.load(sys.argv[1], None).probabilities(np.load(sys.argv[2])))
"""


@pytest.fixture(scope="module")
def finished(flow_folder):
    pytest.importorskip("lightgbm")
    families = {"families": ["linear", "boosted", "bayes", "theirs"]}
    flow_folder.configure({"train": families, "evaluate": {"rivals": ["bayes", "theirs"]}})
    with (flow_folder.path / "tiny.toml").open("a") as file:
        file.write(OWN)
    printed, run_id = flow_folder.launch("run")
    return printed, flow_folder.run(run_id)


@pytest.fixture(scope="module")
def registry(flow_folder, finished):
    return open_registry(load({"registry": {"path": str(flow_folder.path / "registry")}}).registry)


def test_each_model_says_what_lightgbm_brings_to_it(finished):
    for model in finished[1]["evaluate"].task["evaluation"].data["models"].values():
        assert [one["family"] for one in model["families"]] == ["scarcegan", "linear", "boosted"]
    [card] = metaflow.cards.get_cards(finished[1]["evaluate"].task)
    assert "boosted" in content(card.get())


def test_a_registered_model_scores_without_lightgbm(finished, registry, tmp_path):
    models = {name: Model.from_plain(plain) for name, plain in finished[1]["select"].task["models"].data.items()}
    players = finished[1]["preprocess"].task["players"].data["features"][:300]
    [version] = [one for one in registry.versions() if one.definition == "balanced"]
    assert "boosted" in {family.name for family in models["balanced"].families}
    np.save(tmp_path / "players.npy", players)
    files = [registry.fetch(version.sha256), tmp_path / "players.npy", tmp_path / "scores.npy"]
    subprocess.run([sys.executable, "-c", SCORES, *map(str, files)], check=True)
    assert np.array_equal(np.load(tmp_path / "scores.npy"), models["balanced"].probabilities(players))


def test_what_is_not_installed_is_said_before_anything_is_trained(finished):
    assert finished[1]["start"].task.stdout.count(NOT_INSTALLED) == 1
    assert "the run goes on without them" in finished[1]["start"].task.stdout


def test_what_takes_no_part_is_said_once_by_terminal_release_card_and_registry(finished, registry, flow_folder):
    _, run = finished
    warnings = run["register"].task["release"].data["warnings"]
    ours = [warning for warning in warnings if "'theirs'" in warning or "'bayes'" in warning]
    assert [warning.partition(":")[0] for warning in ours] == [
        "family 'bayes' is in no model (fold 0)",
        "family 'theirs' is in no model (fold 0)",
        "rival 'theirs' is left out of the comparison",
    ]
    assert NOT_STORED in ours[0]
    assert NOT_INSTALLED in ours[1]
    assert NOT_INSTALLED in ours[2]
    [card] = metaflow.cards.get_cards(run["register"].task)
    shown = CliRunner().invoke(app, ["models", "show", "1", "--registry-folder", str(flow_folder.path / "registry")])
    for warning in ours:
        for step in ("select", "register", "end"):
            assert run[step].task.stdout.count(f"Warning: {warning}") == 1, step
        assert warning.partition(";")[0] in content(card.get())
        assert warning.partition(";")[0] in " ".join(shown.output.split())
    assert all(set(ours) <= set(version.warnings) for version in registry.versions())


def test_what_cannot_be_stored_is_a_rival_all_the_same(finished):
    assert list(finished[1]["evaluate"].task["evaluation"].data["rivals"]) == ["bayes"]
