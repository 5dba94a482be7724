"""Score everyone with an approved model: `python score_flow.py run`, `... run --with batch`, `... resume`."""

import os

from metaflow import Parameter, card, config_expr, current, schedule, step

from launch import launch
from project_flow import ProjectFlow


@schedule(cron=config_expr("config.deployment.score_cron"), daily=False)  # on Step Functions alone
class ScoreFlow(ProjectFlow):
    """Score every player of a snapshot with the champion of a business definition and list whom to look at first.

    Artifacts, stable between versions (step that makes them):

    settings (start) - everything resolved, as a plain dict; `commit` - git commit of the code; `plan` - see
    scarcegan.workflow.scoring.records.ScoringPlan, with the digest of the archive by which each step fetches the model
    from the registry; `model_version` - int; `shards` - list.
    scored (score) - see scarcegan.workflow.scoring.records.Tally.
    score_report (report) - see scarcegan.workflow.scoring.records.ScoreReport; `flagged` - frame, the moderators' list,
    the first 10,000 rows of it; `drift` - see scarcegan.monitoring.drift.DriftReport, None where there is nothing to
    compare with; `decision` - see scarcegan.monitoring.drift.DriftDecision; `model_monitor` - JSON texts `statistics`
    and `constraints` in the form of SageMaker Model Monitor.
    retraining (end) - pathspec of the RetrainFlow run that drift has started; None for none.
    overrides (start), usage (every step), cost (end) - see flows/project_flow.py.
    """

    definition = Parameter(
        "definition", type=str, default=None, help="Its champion scores; default: the one with the review budget."
    )
    version = Parameter("version", type=int, default=None, help="An approved version to score with instead.")
    snapshot = Parameter("snapshot", type=str, default=None, help="Snapshot to score instead of the newest.")

    @step
    def start(self):
        """Choose the approved model and the snapshot and check that they fit, before anything is scored."""
        from scarcegan.backends import open_registry
        from scarcegan.notices import Notice, tell
        from scarcegan.preflight import inside_scoring
        from scarcegan.workflow.scoring.plan import plan_scoring

        settings = self.choose()
        inside_scoring(settings, os.environ)
        run = f"{current.flow_name}/{current.run_id}"
        registry = open_registry(settings.registry)
        plan = plan_scoring(settings, registry, self.definition, self.version, self.snapshot, run)
        for warning in [*plan.left_out, *filter(None, [plan.expired])]:
            print("Warning:", warning)
        if plan.expired:
            tell(settings.notify, Notice("decision", plan.expired, plan.model.release_id))
        # Its digest, not its number: all shards and resumes score with the same model.
        self.settings, self.plan = settings.model_dump(mode="json"), plan.to_plain()
        self.commit = self.launch.commit
        self.model_version = plan.model.version
        self.shards = list(range(plan.snapshot.parts))
        self.next(self.score, foreach="shards")

    @step
    def score(self):
        """Score one part of the snapshot into one file, with reasons for the players that are flagged."""
        from scarcegan.backends import open_registry
        from scarcegan.workflow.scoring.plan import planned_model
        from scarcegan.workflow.scoring.records import ScoringPlan
        from scarcegan.workflow.scoring.shard import score_shard

        plan, settings = ScoringPlan.from_plain(self.plan), self.resolved()
        model = planned_model(plan, open_registry(settings.registry))
        self.scored = score_shard(plan, model, self.input, settings.own_snapshots, self._doing).to_plain()
        self.next(self.report)

    @card(type="still", id="scores")
    @card(type="still", id="drift")
    @step
    def report(self, inputs):
        """Sum up the scores, write the list that moderators work through, and decide whether to retrain."""
        from cards.drift_card import drift_card
        from cards.score_card import score_card
        from scarcegan.aws.model_monitor import model_monitor_files
        from scarcegan.backends import open_registry
        from scarcegan.workflow.scoring.plan import planned_model
        from scarcegan.workflow.scoring.records import ScoringPlan, Tally
        from scarcegan.workflow.scoring.report import tell_scores, watch_scored

        self.merge_artifacts(inputs, include=["settings", "commit", "plan", "model_version", "shards"])
        plan, settings = ScoringPlan.from_plain(self.plan), self.resolved()
        model = planned_model(plan, open_registry(settings.registry))
        tallies = [Tally.from_plain(task.scored) for task in inputs]
        report, self.flagged = tell_scores(plan, model, tallies, settings)
        self.score_report = report.to_plain()
        watched = watch_scored(report, model, settings)
        self.drift, self.decision = watched.drift and watched.drift.to_plain(), watched.decision.to_plain()
        self.model_monitor = model_monitor_files(watched)
        first = self.flagged[self.flagged["stratum"] == 0].head(20).to_dict("records")
        current.card["scores"].extend(score_card(report, watched.drift, watched.decision, first))
        current.card["drift"].extend(drift_card(watched.drift, watched.decision))
        self.next(self.end)

    @step
    def end(self):
        """Say where the scores are, whom to look at first and whether to retrain; start that if it is configured."""
        from retrain_trigger import Retraining

        from scarcegan.monitoring.drift import DriftDecision, DriftReport
        from scarcegan.notices import Notice, tell
        from scarcegan.workflow.scoring.records import ScoreReport
        from scarcegan.workflow.scoring.report import shares_in_words

        report, decision = ScoreReport.from_plain(self.score_report), DriftDecision.from_plain(self.decision)
        drift = self.drift and DriftReport.from_plain(self.drift)
        plan, review = report.plan, report.review
        scored = report.words.counted(report.players)
        print(
            f"{scored} of {plan.snapshot.name} scored with version {self.model_version} "
            f"({plan.model.definition}): {report.flagged} flagged, {review.players} to look at."
        )
        print(*shares_in_words(report, drift), sep="\n")
        print(f"Scores: {plan.folder}/part-*.parquet", f"Look next: {plan.folder}/{review.csv}", sep="\n")
        promise = [decision.promise] if decision.promise else []
        print(f"Drift: {decision.action}", *decision.reasons, *promise, sep="\n  ")
        self.retraining, settings = None, self.resolved()
        if decision.action != "no action":
            drifted = f"{plan.snapshot.name}: {decision.action}. {' '.join(decision.reasons)}"
            tell(settings.notify, Notice("drift", drifted, plan.snapshot.name))
        if decision.action == "retrain":
            config, overrides = str(self.launch.config), self.overrides or ""
            wanted = Retraining(plan.snapshot.name, tuple(decision.causes), plan.run, config, overrides)
            if settings.monitoring.start_retraining:
                self.retraining = wanted.start(settings)
            else:
                print("To retrain:", wanted.command, sep="\n  ")


if __name__ == "__main__":
    launch(ScoreFlow)
