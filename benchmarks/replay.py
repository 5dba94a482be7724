"""The closed loop replayed: never retrain, always, or by drift; prints one JSON object as its last line.

Run: python benchmarks/replay.py [--quick]   (SCARCEGAN_DATA for the real telemetry)

Cut-off by cut-off, with the project's own rooms: features are extracted and published, the champion scores the
snapshot, drift is measured and decided on by `[monitoring]` as configured by default, a retraining trains on that
snapshot, registers and is approved at once. Its labels are known one period later: its model scores from then on.
Recall at the review budget is taken on each period's test players, with their truth. The last period retrains nobody.

The training is a reduced one, the same for all policies (`TRAINING`): it shows what retraining is worth, not how good
the full configuration is. A snapshot is trained on once and costs every policy the CPU seconds that it took; `by
drift` pays for the watching as well. The rule and the planted season were settled on simulated players of another seed
(7); the figures are of the seed below, replayed once.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")  # before numpy starts threads

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from replay_series import ROOT, Period, Series, real_series, simulated_series
from replay_tables import markdown

from scarcegan import settings as sections
from scarcegan.backends import open_registry
from scarcegan.datasets.sources import DATA_VARIABLE
from scarcegan.evaluation.metrics import curve, recall_at_shares
from scarcegan.evaluation.scored import Scored
from scarcegan.monitoring.watch import Watch
from scarcegan.registry import ModelVersion, Registry
from scarcegan.registry.release import Lineage
from scarcegan.serving.model import Model
from scarcegan.settings import Settings
from scarcegan.snapshots import open_snapshots
from scarcegan.snapshots.labels import read_labels
from scarcegan.workflow.retraining.fit import fit_fold
from scarcegan.workflow.retraining.judge import challengers_of, judge_models, scarcegan_on_test
from scarcegan.workflow.retraining.prepare import prepare
from scarcegan.workflow.retraining.records import Selected
from scarcegan.workflow.retraining.release import register_models
from scarcegan.workflow.retraining.rivals import train_rivals
from scarcegan.workflow.retraining.select import select_models

POLICIES = ("never", "always", "by_drift")
DEFINITION = "review_budget"
# Small movements from month to month; a new season comes, stays for four months, and goes again.
SEASONS = (0.02, 0.0, 0.03, 0.0, 0.04, 0.0, 0.02, 0.0, 0.03, 0.01, 1.0, 0.98, 1.0, 0.97, 0.0, 0.02)
# Months before the first model: they tell what is usual.
HISTORY = {"simulated": 6, "lootbox": 0}
QUICK_SEASONS = (0.0,) * 8 + (1.0, 1.0)
TRAINING: dict[str, Any] = {
    "seed": 1_007,
    "folds": {"k": 3},
    "train": {"members": 4, "iterations": 400, "round_iterations": 50},
    "definitions": [{"name": DEFINITION, "maximise": "recall", "constraint": "flagged"}],
    "evaluate": {"bootstrap": 50, "rivals": ["logistic_regression"]},
    "telemetry": {"shards": 2},
}
SIMULATED = {"players": 12_000, "risky_share": 0.02, "labeled_risky": 60, "labeled_negatives": 300}
QUICK_TRAINING: dict[str, Any] = TRAINING | {
    "folds": {"k": 2},
    "model": {"trunk": [16], "generator": [8]},
    "train": {"members": 2, "iterations": 40, "round_iterations": 20, "batch": 32},
    "evaluate": {"bootstrap": 20, "rivals": ["logistic_regression"]},
}
QUICK_SIMULATED = {"players": 1_500, "risky_share": 0.04, "labeled_risky": 20, "labeled_negatives": 40}


@dataclass(frozen=True)
class Champion:
    """The approved model and what the registry says of it."""

    model: Mapping[str, Any]
    version: ModelVersion


@dataclass
class Replay:
    """One series and what has been trained on it so far: by period, the models and their cost in CPU seconds.

    The first `history` periods come before the first model.
    """

    series: Series
    history: int
    trained: dict[str, tuple[dict[str, Model], dict[str, Selected], Settings, str, float]] = field(default_factory=dict)

    def run(self, policy: str, folder: Path) -> dict[str, Any]:
        """Walk the periods under one policy, with a registry and a record of drift of its own."""
        first, *later = self.series.periods[self.history :]
        registry = open_registry(sections.Registry(path=str(folder), group=f"replay-{policy.replace('_', '-')}"))
        cost = {"training_cpu_s": self._retrain(first, registry), "watching_cpu_s": 0.0}
        rows, trainings = [], 1
        for period in later:
            champion = _champion(registry)
            row = {"cutoff": period.cutoff, "season": period.season, "champion": champion.version.metadata["snapshot"]}
            row |= self._quality(champion, period)
            if policy == "by_drift":
                started = time.process_time()
                row |= self._watched(champion, period)
                cost["watching_cpu_s"] += time.process_time() - started
            row["retrain"] = period is not later[-1] and (policy == "always" or row.get("action") == "retrain")
            if row["retrain"]:
                cost["training_cpu_s"] += self._retrain(period, registry)
                trainings += 1
            rows.append(row)
            print(f"{self.series.name} {policy} {row}", file=sys.stderr)
        recall = float(np.mean([row["recall_at_budget"] for row in rows]))
        return {"periods": rows, "recall_at_budget": recall, "trainings": trainings, **cost}

    def _retrain(self, period: Period, registry: Registry) -> float:
        """Train on a period's snapshot (once for all policies), register, approve; return its CPU seconds."""
        if period.cutoff not in self.trained:
            self.trained[period.cutoff] = self._train(period)
        models, validation, settings, fingerprint, seconds = self.trained[period.cutoff]
        started = time.process_time()
        prepared, _ = prepare(settings)
        rivals, _ = train_rivals(prepared, settings, threads=1)
        # What each family brings is nobody's question here.
        challengers = challengers_of(prepared, models, validation, {}, scarcegan_on_test(prepared, models))
        evaluation = judge_models(prepared, models, validation, challengers, rivals, registry, settings)
        lineage = Lineage(
            run=f"Replay/{period.cutoff}",
            origin_run=period.cutoff,
            commit="replay",
            data_fingerprint=fingerprint,
            settings_fingerprint=settings.fingerprint(),
            config="benchmarks/replay.py",
            card="Replay/card",
            snapshot=period.snapshot,
            labels_known_by=period.known_by,
        )
        versions = register_models(models, evaluation, lineage, registry)
        registry.approve(*(version.version for version in versions), who="replay", why="the replay approves all")
        return seconds + time.process_time() - started

    def _train(self, period: Period) -> tuple[dict[str, Model], dict[str, Selected], Settings, str, float]:
        started = time.process_time()
        data = {"source": "snapshot", "snapshot": period.snapshot, "path": str(period.labels)}
        data |= {"labels_known_by": period.known_by}
        settings = sections.load(self._tree() | {"data": self._tree()["data"] | data})
        prepared, _ = prepare(settings)
        folds = [fit_fold(prepared, number, settings, threads=1) for number in range(settings.folds.k)]
        models, validation = select_models(prepared, folds, settings)
        return models, validation, settings, prepared.fingerprint, time.process_time() - started

    def _tree(self) -> dict[str, Any]:
        return self.series.settings.model_dump(mode="json")

    def _quality(self, champion: Champion, period: Period) -> dict[str, Any]:
        """Return recall at the review budget and at the champion's threshold on the period's test players."""
        snapshot = open_snapshots(self.series.settings.own_snapshots.folder).read(period.snapshot)
        names = list(snapshot.manifest.frame.columns)
        columns = [names.index(name) for name in champion.model.feature_names]
        row_of = {player: row for row, player in enumerate(snapshot.ids.tolist())}
        rows = [row_of[player] for player in period.test_ids.tolist()]
        score = champion.model.risk(snapshot.features[np.ix_(rows, columns)])
        scored = Scored(score, period.truth, np.ones(len(rows), bool))
        budget = np.array([self.series.settings.review_budget])
        flagged = score >= champion.version.threshold
        return {
            "recall_at_budget": float(recall_at_shares(curve(scored), budget).item()),
            "recall": float(flagged[period.truth].mean()),
            "flagged_share": float(flagged.mean()),
            "risky": int(period.truth.sum()),
        }

    def _watched(self, champion: Champion, period: Period) -> dict[str, Any]:
        settings = self.series.settings
        store, labels = (
            open_snapshots(settings.own_snapshots.folder),
            read_labels(str(self.series.all_labels), settings.populations),
        )
        watch = Watch(champion.model, champion.version, store, settings.monitoring, settings.seed, labels)
        watched = watch.watch(period.snapshot)
        drift, decision = watched.drift, watched.decision
        if drift is None:
            raise RuntimeError(f"expected drift to be measured: {decision.reasons}")
        told = {"auc": drift.classifier.auc, "score_ks": drift.score.ks, "flags": drift.beyond}
        told |= {"action": decision.action, "reasons": decision.reasons, "causes": decision.causes}
        return told | {"realised_recall": drift.recall.value if drift.recall else None}


def _champion(registry: Registry) -> Champion:
    version: ModelVersion | None = registry.champion(DEFINITION)
    if version is None:
        raise RuntimeError("expected the first release to be approved")
    return Champion(Model.load(registry.fetch(version.sha256), version.sha256), version)


def replay(series: Series, folder: Path, history: int = 0) -> dict[str, Any]:
    """Walk a series under every policy."""
    one = Replay(series, history)
    return {policy: one.run(policy, folder / f"registry-{policy}") for policy in POLICIES}


def figures(results: dict[str, Any]) -> dict[str, float]:
    """Name the headline figures."""
    return {
        f"replay.{series}.{policy}.{name}": round(float(value), 4)
        for series, policies in results.items()
        for policy, told in policies.items()
        for name, value in told.items()
        if name != "periods"
    }


def plans(quick: bool) -> dict[str, Callable[[Path], Series]]:
    """Return what makes each series; the real one only where its telemetry is."""
    training = QUICK_TRAINING if quick else TRAINING
    simulated = training | {"simulated": QUICK_SIMULATED if quick else SIMULATED}
    seasons = QUICK_SEASONS if quick else SEASONS
    made: dict[str, Callable[[Path], Series]] = {
        "simulated": lambda folder: simulated_series(folder, seasons, simulated)
    }
    data = os.environ.get(DATA_VARIABLE)
    if data and not quick:
        made["lootbox"] = lambda folder: real_series(folder, Path(data) / "lootbox", training)
    return made


def main(options: argparse.Namespace) -> None:
    """Replay all series, then write the table."""
    output = options.output or (ROOT / "build" / "replay" if options.quick else ROOT / "docs")
    earlier = output / "replay.json"
    results = json.loads(earlier.read_text())["series"] if options.series and earlier.exists() else {}
    for name, make in plans(options.quick).items():
        if options.series not in (None, name):
            continue
        folder = Path(tempfile.mkdtemp(prefix="replay-"))
        try:
            results[name] = replay(make(folder), folder, HISTORY[name])
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    whole = {"figures": figures(results), "quick": options.quick, "series": results}
    output.mkdir(parents=True, exist_ok=True)
    (output / "replay.json").write_text(json.dumps(whole, indent=1) + "\n")
    (output / "replay.md").write_text(markdown(results))
    print(json.dumps(whole))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a few small simulated months and tiny networks")
    parser.add_argument("--series", choices=HISTORY, help="one series; the other keeps the figures it has")
    parser.add_argument("--output", type=Path, help="folder of replay.json and replay.md (default docs)")
    main(parser.parse_args())
