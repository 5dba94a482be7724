"""Seasons in which labels come back from reviewers: what an audit sample adds; prints one JSON object as its last line.

Run: python benchmarks/people_replay.py [--seeds 10] [--first 2011]

Score, review, add outcomes, retrain, approve, score: three times, with the project's own rooms, from the review list to
the registry. Each season has new players of 8 features, of whom 1 % are risky: half of a kind that the first labels
know, half of a kind that nobody has labelled yet. The champion lists a season's players; reviewers, who are wrong one
time in twenty, look at as many for each way. The next model is trained on everyone so far, with `data.outcomes`.

* `audit`: a tenth of the list is drawn. Whom a reviewer calls risky among the drawn, another one looks at as well, and
  as many of the lowest of the top go unreviewed. If the two disagree there is no label.
* `top`: the highest scores alone. `none`: nothing comes back, the first model stays.

The learner is a stand-in: one of the families beside ScarceGAN, `small_extra_trees`, on the labelled players alone.
It shows what ways to choose whom to review are worth beside each other, not how good ScarceGAN is. Figures: recall at
the review budget on players whom no way has met, after each round; `people.recall_gain_round3`, audit minus top, with
its 95 % interval over seeds; and what lists teach of production, the figures of benchmarks/people.py. How the loop is
closed (docs/people.md) was settled on seeds 1 to 40 and 1901 to 1920; seeds here start at 2011.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")  # before numpy starts threads

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import people
from scipy import stats

from scarcegan.backends import open_registry
from scarcegan.data.players import UNLABELED
from scarcegan.data.scaling import fit_scaler
from scarcegan.families.arrays import part_of
from scarcegan.families.estimators import fit_estimator
from scarcegan.outcomes.checks import checked
from scarcegan.outcomes.lists import STRATUM
from scarcegan.outcomes.store import open_outcomes
from scarcegan.registry import ModelToRegister
from scarcegan.serving.distribution import top_order
from scarcegan.serving.ensemble import Family
from scarcegan.serving.forward import Layer
from scarcegan.serving.model import Model
from scarcegan.serving.networks import Networks
from scarcegan.settings import Settings, load
from scarcegan.settings.estimators import BUILT_IN
from scarcegan.snapshots import SnapshotStore, open_snapshots
from scarcegan.snapshots.manifest import Frame, describe_snapshot
from scarcegan.workflow.retraining.prepare import prepare
from scarcegan.workflow.scoring.plan import plan_scoring, planned_model
from scarcegan.workflow.scoring.report import tell_scores
from scarcegan.workflow.scoring.shard import score_shard

PLAYERS, FRESH, FEATURES, RISKY, WRONG, ROUNDS = 6_000, 20_000, 8, 0.01, 0.05, 3
FIRST_RISKY, FIRST_HARMLESS = 40, 200
AUDIT_SHARE = {"audit": 0.1, "top": 0.0}
DEFINITION, GROUP = "review_budget", "replay"
LEARNER = "small_extra_trees"
SEASONS = 200  # of benchmarks/people.py
TREE: dict[str, Any] = {
    "populations": {"negatives": ["normal"]},
    "data": {"source": "snapshot", "outcomes": "normal", "prevalence": RISKY},
    "folds": {"k": 2},
}


@dataclass(frozen=True)
class Season:
    """Players: ids [n], features [n, F], and kinds [n]: 0 harmless, 1 and 2 the known and the new risky kind."""

    ids: np.ndarray
    features: np.ndarray
    kind: np.ndarray


def season(seed: int, number: int, players: int) -> Season:
    """Draw a season's players; the same seed gives all ways the same ones."""
    rng = np.random.default_rng([seed, number])
    kind = (rng.random(players) < RISKY) * rng.integers(1, 3, players)
    features = rng.normal(size=(players, FEATURES))
    features[kind == 1, :3] += 1.5
    features[kind == 2, 2:5] += 1.5  # one feature in common: the known kind leads a part of the way
    return Season(np.arange(players) + 100_000 * number, features.astype(np.float32), kind)


def day(number: int, days: int = 0) -> pd.Timestamp:
    """Return a day of a season, counted from its cut-off."""
    return pd.Timestamp(2026, number + 1, 1) + pd.Timedelta(days=days)


class World:
    """One seed's seasons, published once for all ways: each season to score, and everyone so far to train on."""

    def __init__(self, folder: Path, seed: int, tree: dict[str, Any]) -> None:
        self.seed, self.folder = seed, folder
        self.seasons = [season(seed, number, PLAYERS) for number in range(ROUNDS + 1)]
        self.fresh = season(seed, ROUNDS + 1, FRESH)
        self.kind = {one: kind for some in self.seasons for one, kind in zip(some.ids, some.kind, strict=True)}
        self.tree = tree | {"seed": seed, "snapshots": {"folder": str(folder / "snapshots")}}
        store = open_snapshots(self.tree["snapshots"]["folder"])
        for number, players in enumerate(self.seasons):
            publish(store, f"season-{number}", day(number), [players])
            publish(store, f"everyone-{number}", day(number, 20), self.seasons[: number + 1])
        first = self.seasons[0]
        rows = [
            (first.ids[first.kind == kind][:count], name)
            for kind, count, name in ((1, FIRST_RISKY, "risky"), (0, FIRST_HARMLESS, "normal"))
        ]
        labels = pd.concat([pd.DataFrame({"player_id": ids, "population": name}) for ids, name in rows])
        labels.assign(since=str(day(0).date()), source="first").to_parquet(folder / "labels.parquet", index=False)

    def configuration(self, way: str) -> dict[str, Any]:
        """Return the configuration of a way: a registry, outcomes and scores of its own."""
        own = {"registry": {"path": str(self.folder / way / "registry"), "group": GROUP}}
        own |= {"outcomes": {"folder": str(self.folder / way / "outcomes")}}
        own |= {"scoring": {"folder": str(self.folder / way / "scores"), "audit_share": AUDIT_SHARE.get(way, 0.0)}}
        return self.tree | own

    def settings(self, way: str) -> Settings:
        """Return the settings of a way."""
        return load(self.configuration(way))

    def run(self, way: str, first: Model) -> list[float]:
        """Close the loop round by round; return the recall at the budget after each one."""
        settings, recalls = self.settings(way), []
        snapshots, store = open_snapshots(settings.own_snapshots.folder), open_outcomes(settings.outcomes, GROUP)
        reviewers = np.random.default_rng([self.seed, 99])
        approve(first, settings, 0)
        for number in range(1, ROUNDS + 1):
            name = f"season-{number}"
            table = self.handed_in(score(settings, name), number, reviewers)
            now = pd.Timestamp.now("UTC").as_unit("us")
            store.add(checked(table, name, store, snapshots, settings.outcomes.decisions, now))
            model = train(self.trained_on(settings, number))
            approve(model, settings, number)
            recalls.append(recall_at_budget(model, self.fresh))
        return recalls

    def handed_in(self, review: pd.DataFrame, number: int, rng: np.random.Generator) -> pd.DataFrame:
        """Return what reviewers hand in of the list of a round."""
        said = reviewed(review, self.kind, rng)
        return said.assign(snapshot=f"season-{number}", when=str(day(number, 10)), reason="")

    def trained_on(self, settings: Settings, number: int) -> Settings:
        """Return the settings of the training after a round."""
        data = {"snapshot": f"everyone-{number}", "path": str(self.folder / "labels.parquet")}
        return settings.model_copy(update={"data": settings.data.model_copy(update=data)})


def train(settings: Settings) -> Model:
    """Train on what RetrainFlow would train on: here trees alone, on the labelled players of the pool."""
    prepared, _ = prepare(settings)
    players, rare = prepared.players, len(settings.populations.negatives)
    rows = np.flatnonzero((prepared.fold >= 0) & (players.labels != UNLABELED))
    scaler = fit_scaler(players.features, settings.scaling, rows)
    scaled = scaler.apply(players.features, rows)
    fitted = fit_estimator(BUILT_IN[LEARNER], scaled, players.labels[rows], rare, settings.seed)
    # A model has networks, too: these know nothing and count for nothing.
    outputs = len(settings.populations.classes)
    layer = Layer(np.zeros((1, scaled.shape[1], outputs), np.float32), np.zeros((1, outputs), np.float32))
    return Model(
        class_names=settings.populations.classes,
        rare_index=rare,
        feature_names=players.feature_names,
        threshold=0.5,
        definition=DEFINITION,
        parts=(Networks(scaler, (layer,), 0.2),),
        share=0.0,
        families=(Family(LEARNER, 1.0, (part_of(fitted, scaler),)),),
    )


def approve(model: Model, settings: Settings, number: int) -> None:
    """Register a round's model and approve it."""
    registry = open_registry(settings.registry)
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder, "model.tar.gz")
        sha256, run = model.save(archive, {}), f"Replay/{number}"
        packed = ModelToRegister(
            definition=DEFINITION,
            archive=archive,
            sha256=sha256,
            threshold=model.threshold,
            release_id=f"release-{number}",
            origin_run_id=str(number),
            run_pathspec=run,
        )
        [version] = registry.register_release([packed])
    registry.approve(version.version, who="replay", why="the replay approves all")


def score(settings: Settings, snapshot: str) -> pd.DataFrame:
    """Score a season with the champion, as ScoreFlow does; return the review list with its design."""
    plan = plan_scoring(settings, open_registry(settings.registry), None, None, snapshot, "Replay/score")
    model = planned_model(plan, open_registry(settings.registry))
    tally = score_shard(plan, model, 0, settings.own_snapshots)
    _, review = tell_scores(plan, model, [tally], settings)
    return review


def reviewed(review: pd.DataFrame, kind: Mapping[int, int], rng: np.random.Generator) -> pd.DataFrame:
    """Return what reviewers say of a list: as many reviews as it has rows, second looks at drawn players included."""
    review = review.assign(is_risky=[kind[one] > 0 for one in review["player_id"]])
    first = review.assign(reviewer="rita", is_said=review["is_risky"] ^ (rng.random(len(review)) < WRONG))
    second = first[first["is_said"] & (first[STRATUM] > 0)]
    second = second.assign(reviewer="sam", is_said=second["is_risky"] ^ (rng.random(len(second)) < WRONG))
    # Reviews are the same for all ways: the lowest of the top make room for second looks.
    unreviewed = first.index[first[STRATUM] == 0][::-1][: len(second)]
    said = pd.concat([first.drop(unreviewed), second], ignore_index=True)
    return said.assign(decision=np.where(said["is_said"], "risky", "harmless"))[["player_id", "decision", "reviewer"]]


def recall_at_budget(model: Model, players: Season) -> float:
    """Return the share of the risky who are among the highest scores of the budget."""
    order = top_order(model.risk(players.features), players.ids)[: int(Settings().review_budget * len(players.ids))]
    return float((players.kind[order] > 0).sum() / (players.kind > 0).sum())


def replay(seed: int, tree: dict[str, Any] = TREE) -> dict[str, list[float]]:
    """Replay one seed's seasons with each way; return the recall at the budget after each round."""
    with tempfile.TemporaryDirectory(prefix="people-replay-") as folder:
        world = World(Path(folder), seed, tree)
        # Nobody has reviewed anybody: the first model is the same for all ways.
        first = train(world.trained_on(world.settings("none"), 0))
        found = {way: world.run(way, first) for way in AUDIT_SHARE}
        return found | {"none": [recall_at_budget(first, world.fresh)] * ROUNDS}


def figures(replays: list[dict[str, list[float]]]) -> dict[str, Any]:
    """Sum up the seeds: mean recall of each way after each round, and what the audit sample adds in the last one."""
    told: dict[str, Any] = {}
    for way in (*AUDIT_SHARE, "none"):
        told[f"people.recall_{way}"] = np.mean([one[way] for one in replays], axis=0).round(4).tolist()
    for other in ("top", "none"):
        gain = np.array([one["audit"][-1] - one[other][-1] for one in replays])
        half = stats.t.ppf(0.975, len(gain) - 1) * stats.sem(gain) if len(gain) > 1 else float("nan")
        name = "people.recall_gain_round3" + ("_to_none" if other == "none" else "")
        told[name] = round(float(gain.mean()), 4)
        told[f"{name}_interval_95"] = [round(float(gain.mean() + side * half), 4) for side in (-1, 1)]
    return told


def publish(store: SnapshotStore, name: str, cutoff: pd.Timestamp, seasons: Sequence[Season]) -> None:
    """Publish the players of some seasons as one snapshot."""
    ids, features = (np.concatenate([getattr(one, key) for one in seasons]) for key in ("ids", "features"))
    columns = tuple(f"feature_{number}" for number in range(FEATURES))
    frame = Frame(str(cutoff.date()), 365, columns)
    store.publish(describe_snapshot(name, frame, [store.write_part(name, 0, ids, features, columns)]))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="replays of each way")
    parser.add_argument("--first", type=int, default=2011, help="seed of the first one")
    chosen = parser.parse_args()
    start, replays = time.process_time(), []
    for seed in range(chosen.first, chosen.first + chosen.seeds):
        replays.append(replay(seed))
        print(seed, replays[-1], file=sys.stderr)
    # What lists teach of production is measured on seasons of its own.
    taught = people.figures([people.replay(seed) for seed in range(1001, 1001 + SEASONS)])
    about = {"seeds": chosen.seeds, "first": chosen.first, "cpu_seconds": time.process_time() - start}
    print(json.dumps({"benchmark": "people_replay", **about, "figures": figures(replays) | taught, "by_seed": replays}))


if __name__ == "__main__":
    main()
