"""Score everyone with an approved model: `python score_flow.py run`, `... run --with batch`, `... resume`."""

import os

from metaflow import Parameter, card, config_expr, current, retry, schedule, step

from launch import launch
from project_flow import ProjectFlow
from scarcegan.settings import load


@schedule(cron=config_expr("config.deployment.score_cron"), daily=False)  # on Step Functions alone
class ScoreFlow(ProjectFlow):
    """Score every player of a snapshot with the champion of a business definition and list whom to look at first.

    Artifacts, stable between versions (step that makes them):

    settings (start) - everything resolved, as a plain dict; `commit` - git commit of the code; `plan` - model,
    snapshot and folder of the scores, see scarcegan.workflow.scoring.plan.plan_scoring; `model` - its plain arrays;
    `model_version` - int; `shards` - list.
    scored (score) - dict: file, players, flagged, classes, counts; see scarcegan.workflow.scoring.shard.score_shard.
    score_report (report) - dict, see scarcegan.workflow.scoring.report.tell_scores; `flagged` - frame,
    the moderators' list, the first 10,000 rows of it; `drift` - dict, see scarcegan.monitoring.report, None where there
    is nothing to compare with; `decision` - dict: action, reasons, causes, see scarcegan.monitoring.decision;
    `model_monitor` - JSON texts `statistics` and `constraints` in the form of SageMaker Model Monitor.
    retraining (end) - pathspec of the RetrainFlow run that drift has started; None for none.
    usage (every step), cost (end) - see flows/project_flow.py.
    """

    definition = Parameter("definition", type=str, default="review_budget", help="Its champion scores.")
    version = Parameter("version", type=int, default=None, help="An approved version to score with instead.")
    snapshot = Parameter("snapshot", type=str, default=None, help="Snapshot to score instead of the newest.")

    @step
    def start(self):
        """Choose the approved model and the snapshot and check that they fit, before anything is scored."""
        from scarcegan.backends import open_registry
        from scarcegan.preflight import inside_scoring
        from scarcegan.workflow.scoring.plan import plan_scoring

        settings = load(self.config.to_dict())
        inside_scoring(settings, os.environ)
        run = f"{current.flow_name}/{current.run_id}"
        registry = open_registry(settings.registry)
        model, self.plan = plan_scoring(settings, registry, self.definition, self.version, self.snapshot, run)
        self.model = model.to_plain()
        self.settings = settings.model_dump(mode="json")
        self.commit = self.launch.commit
        self.model_version = self.plan["model"]["version"]
        self.shards = list(range(self.plan["snapshot"]["parts"]))
        self.next(self.score, foreach="shards")

    @retry(times=2, minutes_between_retries=0)
    @step
    def score(self):
        """Score one part of the snapshot into one file, with reasons for the players that are flagged."""
        from scarcegan.serving.model import Model
        from scarcegan.workflow.scoring.shard import score_shard

        self.scored = score_shard(self.plan, Model.from_plain(self.model), self.input, load(self.settings))
        self.next(self.report)

    @card(type="blank", id="scores")
    @card(type="blank", id="drift")
    @step
    def report(self, inputs):
        """Sum up the scores, write the list that moderators work through, and decide whether to retrain."""
        from cards.drift_card import drift_card
        from cards.score_card import score_card
        from scarcegan.monitoring.watch import watch_snapshot
        from scarcegan.serving.model import Model
        from scarcegan.workflow.scoring.report import tell_scores

        self.merge_artifacts(inputs, include=["settings", "commit", "plan", "model", "model_version", "shards"])
        tallies = [task.scored for task in inputs]
        settings = load(self.settings)
        model = Model.from_plain(self.model)
        self.score_report, self.flagged = tell_scores(self.plan, model, tallies, settings)
        current.card["scores"].extend(score_card(self.score_report, self.flagged.head(20).to_dict("records")))
        watched = watch_snapshot(self._champion(model, settings), self.plan["snapshot"]["name"], settings)
        self.drift, self.decision = watched.drift, watched.decision
        self.model_monitor = {"statistics": watched.statistics, "constraints": watched.constraints}
        current.card["drift"].extend(drift_card(self.drift, self.decision))
        self.next(self.end)

    @step
    def end(self):
        """Say where the scores are, whom to look at first and whether to retrain; start that if it is configured."""
        told, review = self.score_report, self.score_report["review"]
        print(
            f"{told['players']} players of {told['snapshot']['name']} scored with version {self.model_version} "
            f"({told['model']['definition']}): {told['flagged']} flagged, {review['players']} to look at."
        )
        print(f"Scores: {told['folder']}/part-*.parquet", f"Look next: {told['folder']}/{review['files'][1]}", sep="\n")
        print(f"Drift: {self.decision['action']}", *self.decision["reasons"], sep="\n  ")
        self.retraining = self._retrain() if self.decision["action"] == "retrain" else None

    def _champion(self, model, settings):
        """Return the model with what the registry says of it."""
        from scarcegan.backends import open_registry
        from scarcegan.monitoring.watch import Champion

        return Champion(model, open_registry(settings.registry).show(self.model_version))

    def _retrain(self):
        """Start the retraining, or say how to."""
        from retrain_trigger import Retraining

        settings = load(self.settings)
        wanted = Retraining(
            snapshot=self.plan["snapshot"]["name"],
            causes=tuple(self.decision["causes"]),
            asked_by=self.plan["run"],
            config=str(self.launch.config),
        )
        if settings.monitoring.start_retraining:
            return wanted.start(settings)
        print("To retrain:", wanted.command, sep="\n  ")
        return None


if __name__ == "__main__":
    launch(ScoreFlow)
