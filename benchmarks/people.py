"""What reviewed lists tell of everyone, beside the truth of simulated seasons; prints one JSON object as its last line.

Run: python benchmarks/people.py [--seeds 200] [--first 1001]

A replay is one champion's season: 8 snapshots of 20,000 players, a review budget of 1 %, a tenth of the list drawn at
random below its top. Each season draws its own prevalence (0.4 to 2 %), model (how far apart it holds the classes, how
wrong its probabilities are, whether they are any), drift (risky players it no longer sees) and reviewers' diligence
(60 to 100 % of the top, from its first row on, and 70 to 100 % of the drawn). Reviewers are right: their mistakes are
`scarcegan outcomes agreement`'s to find. Lists, audit sample and estimates are the product's own code. Figures:

* `people.coverage_90`: share of the 90 % intervals that hold the truth, of recall, prevalence or precision, whichever
  hold it least; `people.<figure>_coverage_90` each alone, `people.<figure>_width_90` their mean width;
* `people.error_ratio`: mean absolute error of the estimate over that of the naive one, the larger of recall's and
  prevalence's, which are given alone as well. The naive one takes the risky players found on the top for all there are.

How strata are cut and which limits are taken was settled on seeds 1 to 100; seeds here start at 1001.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")  # before numpy starts threads

import argparse
import json
import time
from typing import Any

import numpy as np
import pandas as pd

from scarcegan.evaluation.figures import Interval
from scarcegan.outcomes.consensus import LABEL
from scarcegan.outcomes.estimates import Sample, precision, prevalence, recall
from scarcegan.outcomes.lists import STRATUM, sample_of
from scarcegan.outcomes.report import joined
from scarcegan.serving.distribution import count_scores, top_order
from scarcegan.snapshots.store import ID
from scarcegan.workflow.scoring.audit import audit_strata, draw, mixed_in

PLAYERS, SNAPSHOTS, BUDGET, DRAWN = 20_000, 8, 0.01, 0.1
FIGURES = ("recall", "prevalence", "precision")
Season = dict[str, float]


def replay(seed: int) -> dict[str, Any]:
    """Replay one season; return each figure's truth, estimate and interval, and the naive estimates."""
    rng = np.random.default_rng(seed)
    low, high = np.array([(0.004, 0.02), (1.8, 3.0), (0.7, 1.5), (0.0, 0.8), (0.6, 1.0), (0.7, 1.0)]).T
    names = ("prevalence", "distance", "slope", "lost", "top_reviewed", "drawn_reviewed")
    season: Season = dict(zip(names, rng.uniform(low, high).tolist(), strict=True))
    is_probability = bool(rng.random() < 0.5)
    samples, counts = [], np.zeros(4)
    for number in range(SNAPSHOTS):
        score, is_risky = players(rng, season)
        rows = listed(score, is_risky, is_probability, (seed, number))
        rows = rows.assign(**{LABEL: reviewed(rng, rows, season)})
        top = rows[rows[STRATUM] == 0]
        samples.append(sample_of(rows, players=PLAYERS, flagged=len(top), by_flag=False))
        counts += [is_risky.sum(), top["is_risky"].sum(), (top[LABEL] == "risky").sum(), len(top)]
    risky, shown, found, listed_players = counts
    truth = {
        "recall": shown / risky,
        "prevalence": risky / (PLAYERS * SNAPSHOTS),
        "precision": shown / listed_players,
    }
    naive = {"recall": 1.0, "prevalence": found / (PLAYERS * SNAPSHOTS)}
    return {"truth": truth, "estimate": estimates(joined(samples)), "naive": naive}


def players(rng: np.random.Generator, season: Season) -> tuple[np.ndarray, np.ndarray]:
    """Draw players: risk scores, float32 [n], and who is risky, bool [n]."""
    share, distance = season["prevalence"], season["distance"]
    is_risky = rng.random(PLAYERS) < share
    is_lost = rng.random(PLAYERS) < season["lost"] / 2
    seen = rng.normal(size=PLAYERS) + distance * (is_risky & ~is_lost)
    log_odds = distance * seen - distance**2 / 2 + np.log(share / (1 - share))
    return (1 / (1 + np.exp(-season["slope"] * log_odds))).astype(np.float32), is_risky


def listed(score: np.ndarray, is_risky: np.ndarray, is_probability: bool, key: tuple[int, ...]) -> pd.DataFrame:
    """Return the review list of one snapshot, as ScoreFlow makes it."""
    ids = np.arange(len(score))
    wanted = int(BUDGET * len(score))
    drawn = round(DRAWN * wanted)
    everyone = pd.DataFrame({ID: ids, "risk_score": score, "is_flagged": False, "is_risky": is_risky})
    top = everyone.iloc[top_order(score, ids)[: wanted - drawn]]
    strata = audit_strata(count_scores(score), len(top), drawn, is_probability=is_probability)
    return mixed_in(top, draw(strata, [everyone], top[ID], *key), *key)


def reviewed(rng: np.random.Generator, rows: pd.DataFrame, season: Season) -> np.ndarray:
    """Return what reviewers say of each row; empty where they have not come to it."""
    is_top = (rows[STRATUM] == 0).to_numpy()
    place = np.cumsum(is_top) / is_top.sum()
    is_done = np.where(is_top, place <= season["top_reviewed"], rng.random(len(rows)) < season["drawn_reviewed"])
    return np.where(is_done, np.where(rows["is_risky"], "risky", "harmless"), "")


def estimates(sample: Sample) -> dict[str, Interval | None]:
    """Return the three figures with their 90 % intervals."""
    found = recall(sample)
    values = (found and found.interval(0.9), prevalence(sample, 0.9), precision(sample, 0.9))
    return dict(zip(FIGURES, values, strict=True))


def figures(replays: list[dict[str, Any]]) -> dict[str, float]:
    """Sum up the replays."""
    told: dict[str, float] = {}
    for name in FIGURES:
        pairs = [(one["estimate"][name], one["truth"][name]) for one in replays if one["estimate"][name]]
        holds = [found.low <= truth <= found.high for found, truth in pairs]
        told[f"people.{name}_coverage_90"] = float(np.mean(holds))
        told[f"people.{name}_width_90"] = float(np.mean([found.high - found.low for found, _ in pairs]))
    for name in ("recall", "prevalence"):
        kept = [one for one in replays if one["estimate"][name]]
        ours = np.mean([abs(one["estimate"][name].value - one["truth"][name]) for one in kept])
        naive = np.mean([abs(one["naive"][name] - one["truth"][name]) for one in kept])
        told[f"people.{name}_error_ratio"] = float(ours / naive)
    told["people.coverage_90"] = min(told[f"people.{name}_coverage_90"] for name in FIGURES)
    told["people.error_ratio"] = max(told[f"people.{name}_error_ratio"] for name in ("recall", "prevalence"))
    return told


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="seasons to replay")
    parser.add_argument("--first", type=int, default=1001, help="seed of the first one")
    chosen = parser.parse_args()
    start = time.process_time()
    replays = [replay(seed) for seed in range(chosen.first, chosen.first + chosen.seeds)]
    about = {"seeds": chosen.seeds, "first": chosen.first, "cpu_seconds": time.process_time() - start}
    print(json.dumps({"benchmark": "people", **about, "figures": figures(replays)}))


if __name__ == "__main__":
    main()
