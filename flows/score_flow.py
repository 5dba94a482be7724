"""Score everyone with an approved model: `python score_flow.py run`, `... run --with batch`, `... resume`."""

import os
import sys
from pathlib import Path

from metaflow import Config, FlowSpec, Parameter, card, current, retry, step

import cards
import scarcegan
from placement import runs_on
from refusal import checked_settings, refuses_plainly
from scarcegan.machine import launch_notes, prepare_launch
from stray_jobs import no_stray_jobs

ROOT = Path(__file__).resolve().parent.parent

# Metaflow's code package takes along what the flow imports by name; the steps import only what they need.
PACKAGES = (cards, scarcegan)


class ScoreFlow(FlowSpec):
    """Score every player of a snapshot with the champion of a business definition and list whom to look at first.

    Artifacts, stable between versions (step that makes them):

    settings (start) - everything resolved, as a plain dict; `plan` - model, snapshot and folder of the scores, see
    scarcegan.workflow.scoring_plan.plan_scoring; `model` - its plain arrays; `model_version` - int; `shards` - list.
    scored (score) - dict: file, players, flagged, classes, counts; see scarcegan.workflow.scoring_shard.score_shard.
    score_report (report) - dict, see scarcegan.workflow.scoring_report.tell_scores; `flagged` - frame,
    the moderators' list, the first 10,000 rows of it.
    """

    config = Config(
        "config",
        default=str(ROOT / "config" / "retrain.toml"),
        parser=checked_settings,
        help="TOML file of settings; the sections scoring, snapshots and registry count here, and review_budget",
    )
    launch = Config("launch", default_value=launch_notes(ROOT, sys.argv), help="Noted at launch; not for you to set.")
    definition = Parameter("definition", type=str, default="review_budget", help="Its champion scores.")
    version = Parameter("version", type=int, default=None, help="An approved version to score with instead.")
    snapshot = Parameter("snapshot", type=str, default=None, help="Snapshot to score instead of the newest.")

    @runs_on("small")
    @refuses_plainly
    @step
    def start(self):
        """Choose the approved model and the snapshot and check that they fit, before anything is scored."""
        from scarcegan.registry import open_registry
        from scarcegan.settings import load
        from scarcegan.workflow.scoring_plan import plan_scoring

        settings = load(self.config.to_dict())
        run = f"{current.flow_name}/{current.run_id}"
        registry = open_registry(settings.registry)
        self.model, self.plan = plan_scoring(settings, registry, self.definition, self.version, self.snapshot, run)
        self.settings = settings.model_dump(mode="json")
        self.model_version = self.plan["model"]["version"]
        self.shards = list(range(self.plan["snapshot"]["parts"]))
        self.next(self.score, foreach="shards")

    @retry(times=2, minutes_between_retries=0)
    @runs_on("small")
    @refuses_plainly
    @step
    def score(self):
        """Score one part of the snapshot into one file, with reasons for the players that are flagged."""
        from scarcegan.settings import load
        from scarcegan.workflow.scoring_shard import score_shard

        self.scored = score_shard(self.plan, self.model, self.input, load(self.settings))
        self.next(self.report)

    @runs_on("small")
    @card(type="blank", id="scores")
    @refuses_plainly
    @step
    def report(self, inputs):
        """Sum up the scores and write the list that moderators work through."""
        from cards.score_card import score_card
        from scarcegan.settings import load
        from scarcegan.workflow.scoring_report import tell_scores

        self.merge_artifacts(inputs, include=["settings", "plan", "model", "model_version", "shards"])
        tallies = [task.scored for task in inputs]
        self.score_report, self.flagged = tell_scores(self.plan, self.model, tallies, load(self.settings))
        current.card.extend(score_card(self.score_report, self.flagged.head(20).to_dict("records")))
        self.next(self.end)

    @runs_on("small")
    @step
    def end(self):
        """Say where the scores are and whom to look at first."""
        told, review = self.score_report, self.score_report["review"]
        print(
            f"{told['players']} players of {told['snapshot']['name']} scored with version {self.model_version} "
            f"({told['model']['definition']}): {told['flagged']} flagged, {review['players']} to look at."
        )
        print(f"Scores: {told['folder']}/part-*.parquet", f"Look next: {told['folder']}/{review['files'][1]}", sep="\n")


if __name__ == "__main__":
    prepare_launch(sys.argv[1:], os.environ, ROOT)
    with no_stray_jobs("ScoreFlow", sys.argv[1:]):
        ScoreFlow()
