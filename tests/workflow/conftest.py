from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from scarcegan import settings as settings_module
from scarcegan.backends import open_registry
from scarcegan.data.folds import split
from scarcegan.data.players import Players, fingerprint
from scarcegan.registry import ModelToRegister
from scarcegan.snapshots import open_snapshots
from scarcegan.workflow.retraining.families import family_risks
from scarcegan.workflow.retraining.fit import fit_fold
from scarcegan.workflow.retraining.judge import challengers_of, judge_models, scarcegan_on_test
from scarcegan.workflow.retraining.prepare import Prepared
from scarcegan.workflow.retraining.rivals import train_rivals
from scarcegan.workflow.retraining.select import select_models
from scarcegan.workflow.scoring.plan import plan_scoring, planned_model
from scarcegan.workflow.scoring.report import tell_scores
from scarcegan.workflow.scoring.shard import score_shard

# Labelled dormant, normal, heavy, risky players, unlabelled ones, and test players of known truth.
SIZES = {0: 60, 1: 60, 2: 60, 3: 40, -1: 400}
TEST_PLAYERS, TEST_RISKY = 200, 12
RUN = "ScoreFlow/21"


@pytest.fixture(scope="session")
def settings(tiny):
    """Tiny settings for these players: their prevalence is not known, their features have steps."""
    model = {"trunk": [8], "thresholds": 1}
    train = {"learning_rate": 0.01, "families": ["small_extra_trees", "linear"]}
    evaluate = {"bootstrap": 20, "rivals": ["logistic_regression"]}
    tree = settings_module.parse(tiny({"model": model, "train": train, "evaluate": evaluate}))
    return settings_module.load(tree | {"data": {}})


@pytest.fixture(scope="session")
def prepared(settings):
    """A few hundred players in two folds; risky ones differ in half of their six features."""
    rng = np.random.default_rng(0)
    labels = np.repeat(list(SIZES), list(SIZES.values())).astype(np.int8)
    labels = np.concatenate([labels, np.full(TEST_PLAYERS, -1, np.int8)])
    n = len(labels)
    test_set = (np.arange(n) >= n - TEST_PLAYERS).astype(np.int8)
    is_risky = (labels == 3) | (np.arange(n) >= n - TEST_RISKY)
    features = rng.gamma(2.0, 10.0, (n, 6)) + 15.0 * is_risky[:, np.newaxis] * [1, 1, 1, 0, 0, 0]
    players = Players(
        ids=np.arange(n),
        features=features.astype(np.float32),
        feature_names=("opens", "burst", "night", "spend", "breaks", "friends"),
        labels=labels,
        truth=np.where(test_set == 1, is_risky, -1).astype(np.int8),
        test_set=test_set,
        test_sets=("later",),
    )
    players, fold = split(players, settings)
    return Prepared(players, fold, fingerprint(players))


@pytest.fixture(scope="session")
def folds(prepared, settings):
    """What both folds offer."""
    return [fit_fold(prepared, number, settings, threads=1) for number in range(2)]


@pytest.fixture(scope="session")
def selected(prepared, folds, settings):
    """The models and what validation tells of them."""
    return select_models(prepared, folds, settings)


@pytest.fixture(scope="session")
def rivals(prepared, settings):
    """The rivals' scores of the test players."""
    return train_rivals(prepared, settings, threads=2)[0]


@pytest.fixture(scope="session")
def families(prepared, folds, settings):
    """The families' risks of the test players."""
    return family_risks(prepared, folds, settings)


@pytest.fixture(scope="session")
def challengers(prepared, selected, families):
    """The models with what they say of the test players."""
    return challengers_of(prepared, *selected, families, scarcegan_on_test(prepared, selected[0]))


@pytest.fixture
def registry(tmp_path):
    return open_registry(settings_module.Registry(path=str(tmp_path / "registry")))


@pytest.fixture(scope="session")
def evaluation(prepared, selected, challengers, rivals, settings, tmp_path_factory):
    """The first evaluation: no champion yet."""
    empty = open_registry(settings_module.Registry(path=str(tmp_path_factory.mktemp("none"))))
    return judge_models(prepared, *selected, challengers, rivals, empty, settings)


@pytest.fixture
def publish(scoring, publish_snapshot):
    """Publish a snapshot whose ids fall as its rows rise, so that file order is not the order of ids."""

    def publish(features, columns, name="players-2026-01-01", cutoff="2026-01-01", text=False):
        ids = np.arange(len(features), 0, -1)
        ids = np.array([f"p{number:05d}" for number in ids]) if text else ids
        store = open_snapshots(scoring.snapshots.folder)
        return publish_snapshot(store, name, cutoff, features, columns, ids=ids, shards=3)

    return publish


@pytest.fixture
def scoring(settings, tmp_path):
    places = {
        "snapshots": {"folder": str(tmp_path / "snapshots")},
        "scoring": {"folder": str(tmp_path / "scores"), "audit_share": 0},
    }
    return settings_module.load(settings.model_dump(mode="json") | places | {"review_budget": 0.05})


@pytest.fixture
def model(selected):
    return selected[0]["balanced"]


@pytest.fixture
def champion(model, registry, tmp_path):
    """The registered and approved version of the model."""
    archive = tmp_path / "model.tar.gz"
    to_register = ModelToRegister(
        definition="balanced",
        archive=archive,
        sha256=model.save(archive, {}),
        threshold=model.threshold,
        release_id="release-11",
        origin_run_id="11",
        run_pathspec="RetrainFlow/11",
    )
    [version] = registry.register_release([to_register])
    return registry.approve(version.version, who="rita", why="good")[0]


@pytest.fixture
def score(scoring, registry, champion):
    """Plan, score every shard and tell; returns what `tell_scores` does, and the scores as one frame."""

    def score(snapshot=None, run=RUN, version=None):
        plan = plan_scoring(scoring, registry, "balanced", version, snapshot, run)
        model = planned_model(plan, registry)
        tallies = [score_shard(plan, model, number, scoring.snapshots) for number in range(plan.snapshot.parts)]
        report, review = tell_scores(plan, model, tallies, scoring)
        frames = [pq.read_table(Path(plan.folder, file)).to_pandas() for file in report.files]
        return report, review, pd.concat(frames, ignore_index=True).set_index("player_id")

    return score


@pytest.fixture
def snapshot(publish, prepared, model):
    return publish(prepared.players.features, model.feature_names)
