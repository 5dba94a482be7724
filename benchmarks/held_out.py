"""Trained folds of many data sets, kept as scores: what the benchmarks of prevalence and promises look at.

A training's scores are one file `<store>/<data set>-<seed>-<fingerprint>.npz`, written at once, so that a killed
benchmark goes on where it was. Trainings are tiny (three folds of three networks, 300 iterations): the estimates and
promises are to be right about whatever scores there are.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from meaning import ROOT, digest, meaning

from scarcegan import settings as settings_module
from scarcegan.data.players import UNLABELED
from scarcegan.evaluation.prevalence import prevalence_of
from scarcegan.evaluation.records import Prevalence
from scarcegan.evaluation.scored import HeldOut, Scored, held_by_label, held_out
from scarcegan.settings import Settings
from scarcegan.workflow.retraining.fit import fit_fold
from scarcegan.workflow.retraining.prepare import prepare
from scarcegan.workflow.retraining.select import select_models

TINY = {
    "folds": {"k": 3},
    "train": {"members": 3, "iterations": 300, "batch": 96},
    "definitions": [{"name": "review_budget", "maximise": "recall", "constraint": "flagged"}],
}
TABLES = ("annthyroid", "campaign", "cover", "landsat", "magic.gamma", "optdigits")
# Risky players among the unlabelled of the tables, which do not say it themselves: data/tabular/README.md.
HIDDEN = {"annthyroid": 68, "campaign": 598, "cover": 164, "landsat": 45, "magic.gamma": 155, "optdigits": 45}
CUTOFFS = ("2023-02-12", "2023-03-14", "2023-04-13")
REAL = (*(f"lootbox_{day}" for day in CUTOFFS), "kdd99_r2l", "kdd99_u2r", *TABLES)
# Whatever changes the players or the scores makes the stored ones old.
CODE = (
    *(f"scarcegan/{room}/*.py" for room in ("data", "datasets", "features", "gan", "families")),
    "scarcegan/evaluation/shares.py",
    "scarcegan/evaluation/selection.py",
)


@dataclass(frozen=True)
class Trained:
    """The scores of one training.

    Attributes:
        scores: float32 [folds, n]; all players' risk by the parts of each fold alone, not calibrated.
        final: float32 [n]; their risk by the model that joins the folds.
        labels, truth, fold: int [n], as in `Prepared`.
        unlabeled: unlabelled players beside the labelled ones of the pool.
        prevalence: share of risky players in the pool, as truth says.
    """

    name: str
    settings: Settings
    scores: np.ndarray
    final: np.ndarray
    labels: np.ndarray
    truth: np.ndarray
    fold: np.ndarray
    unlabeled: float
    prevalence: float

    @property
    def rare(self) -> int:
        """The risky class's index."""
        return len(self.settings.populations.negatives)

    def validation(self) -> tuple[np.ndarray, np.ndarray]:
        """Return scores and labels of the validation players, each scored by the fold that has not seen it."""
        k = len(self.scores)
        rows = np.flatnonzero((self.fold >= 0) & (self.fold < k))
        return self.scores[self.fold[rows], rows], self.labels[rows]

    def estimate(self) -> Prevalence:
        """Estimate the prevalence as the flow does."""
        return prevalence_of(*self.validation(), self.unlabeled, self.settings)

    def pooled(self, prevalence: Prevalence) -> Scored:
        """Return the validation players as thresholds are set on them."""
        scores, labels = self.validation()
        return held_by_label(labels, self.rare, prevalence.value, self.unlabeled).scored(scores)

    def background(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the scores of the players set apart for thresholds: final ones, [n], and by fold, [folds, n]."""
        apart = self.fold == len(self.scores)
        return self.final[apart], self.scores[:, apart]

    def tests(self) -> Iterator[Scored]:
        """Yield the test sets with the final score."""
        for number in range(1, 1 - int(self.fold.min())):
            rows = self.fold == -number
            held: HeldOut = held_out(self.labels[rows], self.truth[rows], self.rare)
            yield held.scored(self.final[rows])


def trainings(names: Sequence[str], seeds: Sequence[int], store: Path) -> Iterator[Trained]:
    """Yield the trainings of data sets (`simulated` and `REAL`) under seeds, those not stored yet trained now."""
    for name in names:
        for seed in seeds:
            settings = settings_module.load(_tree(name) | {"seed": seed})
            mark = digest([settings.fingerprint(), meaning(CODE)])
            path = store / f"{name}-{seed}-{mark}.npz"
            if not path.exists():
                _train(path, settings)
                print(f"{path.name} is trained", flush=True)
            with np.load(path) as stored:
                arrays = dict(stored)
            yield Trained(name, settings, **_with_truth(name, arrays))


def _tree(name: str) -> dict[str, Any]:
    config, over = "retrain", {}
    if name in TABLES:
        over = {"data": {"source": "tables", "path": f"$SCARCEGAN_DATA/tabular/{name}"}}
    elif name.startswith("lootbox"):
        config, over = "lootbox", {"lootbox": {"cutoff": name.removeprefix("lootbox_")}}
    elif name.startswith("kdd99"):
        config = name
    tree = settings_module.parse((ROOT / "config" / f"{config}.toml").read_text())
    for layer in (over, TINY):
        for section, keys in layer.items():
            tree[section] = {**tree.get(section, {}), **keys} if isinstance(keys, dict) else keys
    return tree


def _train(path: Path, settings: Settings) -> None:
    prepared, _ = prepare(settings)
    folds = [fit_fold(prepared, number, settings, threads=1) for number in range(settings.folds.k)]
    model = replace(select_models(prepared, folds, settings)[0]["review_budget"], calibration=None)
    features = prepared.players.features
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{os.getpid()}.npz")
    np.savez_compressed(
        draft,
        scores=np.stack([model.of_fold(number).risk(features) for number in range(len(folds))]),
        final=model.risk(features),
        labels=prepared.players.labels,
        truth=prepared.players.truth,
        fold=prepared.fold,
        unlabeled=prepared.unlabeled,
    )
    draft.replace(path)


def _with_truth(name: str, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    in_pool = arrays["fold"] >= 0
    risky = np.mean(arrays["truth"][in_pool] == 1)
    if name in HIDDEN:
        labels = arrays["labels"][in_pool]
        risky = (HIDDEN[name] + np.count_nonzero(labels == labels.max())) / np.count_nonzero(in_pool)
    return arrays | {"unlabeled": float(arrays["unlabeled"]), "prevalence": float(risky)}


def unlabelled_truth(one: Trained) -> float:
    """Return the share of risky players among the unlabelled of the pool."""
    labeled_risky = np.count_nonzero((one.labels == one.rare) & (one.fold >= 0))
    players = np.count_nonzero(one.fold >= 0)
    return (one.prevalence * players - labeled_risky) / np.count_nonzero((one.fold >= 0) & (one.labels == UNLABELED))


def options(seeds: int) -> Any:
    """Return a parser of what these benchmarks take: the number of seeds, where results are kept."""
    import argparse

    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=seeds, help="of simulated players, from 101")
    parser.add_argument("--real", type=int, default=1, help="seeds of the real data sets; 0 leaves them out")
    parser.add_argument("--store", type=Path, default=ROOT / "build" / "held_out")
    return parser


def report(figures: dict[str, float], rows: Sequence[dict[str, Any]]) -> None:
    """Print a line for each training, and the figures as the last line."""
    for row in rows:
        print(json.dumps(row))
    print(json.dumps({"figures": {name: round(value, 4) for name, value in figures.items()}}))
