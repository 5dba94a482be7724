"""The quality benchmark's data sets and methods, and the store of its results.

A trial's result is a small JSON file `<store>/<data set>/<seed>/<method>-<fingerprint>.json`, written at once, so that
a killed benchmark goes on where it was. The fingerprint changes with the players, the method's settings and the
meaning of the code behind it (comments and docstrings don't count); ScarceGAN's and the rivals' are apart.
"""

import functools
import hashlib
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from contest import compete, keep_labels
from meaning import ROOT, digest, meaning
from rivals import RIVALS

from scarcegan import settings as settings_module
from scarcegan.data.folds import in_folds
from scarcegan.settings import Settings
from scarcegan.workflow.retraining.prepare import Prepared, prepare

Tree = dict[str, dict[str, Any]]

TABLES = ("annthyroid", "campaign", "cover", "landsat", "magic.gamma", "optdigits")  # unlike telemetry
# By name: the config file, and what is laid over it.
DATA_SETS: dict[str, tuple[str, Tree]] = {
    "kdd99_r2l": ("kdd99_r2l", {}),
    "kdd99_u2r": ("kdd99_u2r", {}),
    "lootbox_2023-02-12": ("lootbox", {"lootbox": {"cutoff": "2023-02-12"}}),
    "lootbox_2023-03-14": ("lootbox", {"lootbox": {"cutoff": "2023-03-14"}}),
    "lootbox_2023-04-13": ("lootbox", {"lootbox": {"cutoff": "2023-04-13"}}),
    "simulated": ("retrain", {}),
    **{name: ("retrain", {"data": {"source": "tables", "path": f"$SCARCEGAN_DATA/tabular/{name}"}}) for name in TABLES},
}
PUBLISHED: Tree = {
    "model": {
        "objective": "published",
        "trunk": [15, 21, 8],
        "thresholds": 0,
        "generator": [30],
        "noise": 10,
        "alpha": 0.7,
    },
    "scaling": {"kind": "log_minmax"},
    "train": {
        "iterations": 1_000,
        "round_iterations": 50,
        "batch": 32,
        "learning_rate": 1e-3,
        "learning_rate_generator": 1e-4,
        "averaging": 0.0,
    },
}
RELEASE = "release"  # what the flow registers: ScarceGAN and the other families
# ScarceGAN alone as published, and as corrected with one thing taken away.
GANS: dict[str, Tree] = {
    "published": PUBLISHED,
    "labels_only": {"model": {"unlabeled_weight": 0.0}},
    "without_leeway": {"model": {"variant": "without_leeway"}},
    "without_bad_generator": {"model": {"variant": "without_bad_generator"}},
    "vanilla": {"model": {"variant": "vanilla"}},
    "without_prior": {"model": {"prior_weight": 0.0}},
    "without_teacher": {"model": {"teacher": ""}},
    "without_hidden_features": {"model": {"input_dropout": 0.0}},
    "without_averaging": {"train": {"averaging": 0.0}},
    "without_steps": {"model": {"thresholds": 0}},
    "published_trunk": {"model": {"trunk": [15, 21, 8]}},
}
METHODS = (RELEASE, *GANS, *RIVALS)
QUICK: Tree = {
    "simulated": {"players": 1_500, "risky_share": 0.04, "labeled_risky": 24, "labeled_negatives": 60},
    "train": {"members": 2, "iterations": 40, "round_iterations": 20, "batch": 16},
}

# What a result depends on besides settings: the code that makes the players, the scores and the measures.
DATA_SECTIONS = {"seed", "populations", "data", "simulated", "kdd99", "lootbox", "features"}
DATA_CODE = (
    "scarcegan/data/*.py",
    "scarcegan/datasets/*.py",
    "scarcegan/features/*.py",
    "scarcegan/workflow/retraining/prepare.py",
)
MEASURE_CODE = (
    "benchmarks/contest.py",
    "scarcegan/data/scaling.py",
    "scarcegan/evaluation/metrics.py",
    "scarcegan/evaluation/scored.py",
)
GAN_CODE = (
    "scarcegan/gan/*.py",
    "scarcegan/workflow/retraining/fit.py",
    "scarcegan/workflow/retraining/select.py",
    "scarcegan/evaluation/selection.py",
    "scarcegan/evaluation/shares.py",
    "scarcegan/evaluation/calibrate.py",
    "scarcegan/data/log_odds.py",
    "scarcegan/evaluation/definitions.py",
)
RIVAL_CODE = ("benchmarks/rivals.py", "scarcegan/families/estimators.py", "scarcegan/settings/estimators.py")


@dataclass(frozen=True)
class Trial:
    """A method on a data set under a seed; `labeled_risky_wanted`: with only so many risky players labelled."""

    data_set: str
    seed: int
    method: str
    labeled_risky_wanted: int | None = None


@dataclass(frozen=True)
class Bench:
    """How all trials are run: the number of folds, tiny networks or not, and the folder of results."""

    folds: int
    quick: bool
    store: Path


def run_trials(trials: Sequence[Trial], bench: Bench) -> list[dict[str, Any]]:
    """Run those trials that have no stored result yet, telling of each in a line, and return all results."""
    # TensorFlow takes each new training for a function traced again by mistake, and warns.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    results = []
    for trial in trials:
        path = result_path(trial, bench)
        if not path.exists():
            measured = compete(trial.method, _players(trial, bench), settings_of(trial, bench))
            write_at_once(path, json.dumps(asdict(trial) | measured))
            print(f"{path.relative_to(bench.store)}: {measured['cpu_seconds']} CPU s", flush=True)
        results.append(json.loads(path.read_text()))
    return results


def result_path(trial: Trial, bench: Bench) -> Path:
    """Return where the result of a trial is, or will be."""
    settings = settings_of(trial, bench)
    shaping: list[Any] = [settings.scaling.model_dump(mode="json"), settings.train.members, meaning(RIVAL_CODE)]
    if trial.method not in RIVALS:
        shaping = [settings.fingerprint(), meaning(GAN_CODE)]
    mark = digest([players_fingerprint(trial, bench), meaning(MEASURE_CODE), *shaping])
    few = f"-{trial.labeled_risky_wanted}_risky" if trial.labeled_risky_wanted else ""
    return bench.store / trial.data_set / str(trial.seed) / f"{trial.method}{few}-{mark}.json"


def settings_of(trial: Trial, bench: Bench) -> Settings:
    """Resolve a trial's settings; a rival's are those of the release."""
    config, data_set = DATA_SETS[trial.data_set]
    tree = dict(_configuration(config))
    alone: Tree = {"train": {"families": []}} if trial.method in GANS else {}
    own = GANS.get(trial.method, {})
    layers = [data_set, own, alone, {"folds": {"k": bench.folds}}, QUICK if bench.quick else {}]
    for layer in layers:
        tree |= {section: {**tree[section], **keys} for section, keys in layer.items()}
    return settings_module.load(tree | {"seed": trial.seed})


def players_fingerprint(trial: Trial, bench: Bench) -> str:
    """Name exactly the players of a trial and, but for rivals, their folds.

    It is looked up if neither settings nor data code have changed.
    """
    folds = bench.folds if trial.method not in RIVALS else None
    shaping = settings_of(trial, bench).model_dump(include=DATA_SECTIONS, mode="json")
    known = bench.store / "players" / digest([shaping, folds, meaning(DATA_CODE)])
    if not known.exists():
        prepared = _prepared(trial.data_set, trial.seed, bench)
        sides = prepared.fold if folds else in_folds(prepared.fold, bench.folds)
        content = hashlib.sha256(prepared.fingerprint.encode())
        content.update(sides.tobytes() + prepared.players.truth.tobytes())
        write_at_once(known, content.hexdigest())
    return known.read_text()


def write_at_once(path: Path, text: str) -> None:
    """Write a file that is there in full or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text)
    draft.replace(path)


def _players(trial: Trial, bench: Bench) -> Prepared:
    prepared = _prepared(trial.data_set, trial.seed, bench)
    if trial.labeled_risky_wanted is None:
        return prepared
    return keep_labels(prepared, trial.labeled_risky_wanted, settings_of(trial, bench))


@functools.cache
def _configuration(name: str) -> dict[str, Any]:
    return settings_module.parse((ROOT / "config" / f"{name}.toml").read_text())


@functools.lru_cache(maxsize=1)
def _prepared(data_set: str, seed: int, bench: Bench) -> Prepared:
    return prepare(settings_of(Trial(data_set, seed, RELEASE), bench))[0]
