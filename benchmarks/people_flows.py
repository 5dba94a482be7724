"""The loop closed three times with the flows and commands, as by a team; prints one JSON object as its last line.

Run: python benchmarks/people_flows.py [--seed 2001]   (some minutes on one core)

In a project of its own, with the seasons and reviewers of benchmarks/people_replay.py: `scarcegan run` and `models
approve` for a first champion; then three times `score` a season, review its list, `outcomes add`, `run` on everyone so
far, `models approve`, and `score` players whom nobody reviews. The settings are tiny: it shows that the loop closes and
what it prints, and not how good the models are. Figures:

* `people.recall_at_budget`: of the players whom nobody reviews, before the first and after each round;
* `people.rounds`: what `outcomes report` says of each season, beside the truth: precision, recall and prevalence, each
  as [truth, estimate, lower, upper limit]; None where it cannot be told.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")  # before numpy starts threads

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from people import FIGURES
from people_replay import DEFINITION, LEARNER, ROUNDS, TREE, World, day, publish

from scarcegan.machine import DEFAULT_CONFIG
from scarcegan.outcomes.lists import STRATUM
from scarcegan.serving.distribution import top_order
from scarcegan.settings import Settings
from scarcegan.snapshots import open_snapshots
from scarcegan.starting.configuration import to_toml

CODE = Path(__file__).resolve().parents[1]
UNREVIEWED = "unreviewed"
TINY: dict[str, Any] = {
    "model": {"trunk": [16, 8]},
    "train": {"members": 2, "iterations": 40, "round_iterations": 20, "families": [LEARNER]},
    "evaluate": {"bootstrap": 20, "rivals": []},
}


class Team:
    """A project in which one seed's seasons are published; all else goes through the command line."""

    def __init__(self, folder: Path, seed: int, tree: dict[str, Any]) -> None:
        self.folder, self.world = folder, World(folder, seed, TREE | tree)
        self.reviewers = np.random.default_rng([seed, 99])
        whole = self.world.configuration("audit")
        publish(open_snapshots(whole["snapshots"]["folder"]), UNREVIEWED, day(ROUNDS + 1), [self.world.fresh])
        (folder / "config").mkdir()
        data = whole["data"] | {"path": str(folder / "labels.parquet")}
        (folder / DEFAULT_CONFIG).write_text(to_toml(whole | {"data": data}))

    def command(self, *arguments: str) -> str:
        """Run a command of `scarcegan` in the project and return what it prints; a failed one ends the benchmark."""
        print("scarcegan", *arguments, file=sys.stderr)
        # The code of this checkout, whatever is installed.
        command = [sys.executable, "-c", "from scarcegan.cli import app; app()", *arguments]
        environment = os.environ | {"PYTHONPATH": str(CODE)}
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def retrain(self, number: int) -> None:
        """Train on everyone so far and approve the model of the review budget."""
        self.command("run", "--max-workers", "1", "--snapshot", f"everyone-{number}")
        versions = json.loads(self.command("models", "list", "--definition", DEFINITION, "--json"))
        # Tiny models may well be worse than their champion.
        said = ("--who", "rita", "--reason", f"round {number}", "--force")
        self.command("models", "approve", str(versions[-1]["version"]), *said)

    def score(self, snapshot: str) -> Path:
        """Score a snapshot with the champion; return the folder of its scores."""
        self.command("score", "--max-workers", "1", "--snapshot", snapshot)
        reports = self.folder.glob(f"audit/scores/{snapshot}/*/report.json")
        return max(reports, key=lambda file: file.stat().st_mtime_ns).parent

    def recall_at_budget(self) -> float:
        """Score the players whom nobody reviews; return the share of the risky among the highest scores."""
        scores = pd.concat(map(pd.read_parquet, self.score(UNREVIEWED).glob("part-*.parquet")))
        risky = pd.Series(self.world.fresh.kind > 0, self.world.fresh.ids)
        budget = int(Settings().review_budget * len(scores))
        order = top_order(scores["risk_score"].to_numpy(), scores["player_id"].to_numpy())[:budget]
        return float(risky[scores["player_id"].to_numpy()[order]].sum() / risky.sum())

    def review(self, number: int) -> dict[str, list[float] | None]:
        """Score a season, let reviewers work through its list, add what they found; return figures beside the truth."""
        name = f"season-{number}"
        review = pd.read_parquet(self.score(name) / "review.parquet")
        table = self.world.handed_in(review, number, self.reviewers)
        table.to_csv(self.folder / f"{name}.csv", index=False)
        self.command("outcomes", "add", f"{name}.csv")
        periods = json.loads(self.command("outcomes", "report", "--json"))["periods"]
        [told] = [one for one in periods if one["snapshots"] == [name]]
        return beside_truth(told, self.truth(review, number))

    def truth(self, review: pd.DataFrame, number: int) -> dict[str, float]:
        """Return the figures of the top of a season's list as they are."""
        kind, top = self.world.seasons[number].kind, review.loc[review[STRATUM] == 0, "player_id"]
        shown, risky = sum(int(self.world.kind[one] > 0) for one in top), int((kind > 0).sum())
        return {"recall": shown / risky, "prevalence": risky / len(kind), "precision": shown / len(top)}


def beside_truth(told: dict[str, Any], truth: dict[str, float]) -> dict[str, list[float] | None]:
    """Return each figure as [truth, estimate, lower limit, upper limit]; None where it cannot be told."""
    return {
        name: [round(one, 4) for one in (truth[name], *(told[name][key] for key in ("value", "low", "high")))]
        if told[name]
        else None
        for name in FIGURES
    }


def close_the_loop(seed: int, tree: dict[str, Any]) -> dict[str, Any]:
    """Go round three times; return the figures."""
    with tempfile.TemporaryDirectory(prefix="people-flows-") as folder:
        team = Team(Path(folder), seed, tree)
        team.retrain(0)
        recalls, rounds = [team.recall_at_budget()], []
        for number in range(1, ROUNDS + 1):
            rounds.append(team.review(number))
            team.retrain(number)
            recalls.append(team.recall_at_budget())
            print(f"round {number}: {rounds[-1]}, recall at the budget {recalls[-1]:.3f}", file=sys.stderr)
        print(team.command("outcomes", "report"), file=sys.stderr)
    return {"people.recall_at_budget": [round(one, 4) for one in recalls], "people.rounds": rounds}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=2001, help="of the seasons and reviewers")
    chosen, start = parser.parse_args(), time.time()
    found = close_the_loop(chosen.seed, TINY)
    about = {"seed": chosen.seed, "seconds": round(time.time() - start)}
    print(json.dumps({"benchmark": "people_flows", **about, "figures": found}))


if __name__ == "__main__":
    main()
