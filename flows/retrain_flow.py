"""Retrain ScarceGAN: `python retrain_flow.py run`, `... run --with batch`, `... resume`."""

import os
from functools import partial
from pathlib import Path

from metaflow import Parameter, card, config_expr, current, schedule, step

from launch import launch
from project_flow import ProjectFlow, retold
from scarcegan.machine import BATCH_JOB, threads_per_task
from scarcegan.problems import PreflightProblem
from scarcegan.settings.steps import STEPS

# Artifacts of train.
OFFERED = ("fold", "candidates", "validation_rows", "progress", "prevalence", "families", "left_out")


@schedule(cron=config_expr("config.deployment.retrain_cron"), daily=False)  # on Step Functions alone
class RetrainFlow(ProjectFlow):
    """Retrain ScarceGAN on one snapshot of players and register the four models of this run for approval.

    Artifacts, stable between versions (step that makes them):

    settings (start) - everything resolved, as a plain dict; `origin_run` - id of the first run of a chain of
    resumes; `commit` - git commit of the code.
    players (preprocess) - dict of arrays: ids, features, feature_names, labels, truth, test_set, fold, fingerprint;
    `data_report` - see scarcegan.data.records.DataReport; `snapshot_report` - see
    scarcegan.snapshots.records.SnapshotReport, None for players of another source.
    fold, candidates, progress, validation_rows, prevalence, families, left_out (train) - see
    scarcegan.workflow.retraining.records.
    models (select) - dict by business definition, see scarcegan.serving.model.Model; `validation` - the same, see
    scarcegan.workflow.retraining.records.Selected; `family_risks`, `rivals` - risks of the test players by name and
    test set; `model_warnings` - list of text.
    evaluation (evaluate) - see scarcegan.evaluation.records.Evaluation; `explanation` - of its headline model, see
    scarcegan.serving.reasons.Explanation; `model_quality` - JSON text by definition; `metrics_csv` - text.
    release (register) - see scarcegan.registry.release.Release.
    overrides (start), usage (every step), cost (end) - see flows/project_flow.py.
    """

    seed = Parameter("seed", type=int, default=None, help="Overrides the configuration's seed.")
    data = Parameter(
        "data",
        type=str,
        default=None,
        help="Overrides data.path: where the input is. NAME=LOCATION,... does it for single tables.",
    )
    snapshot = Parameter("snapshot", type=str, default=None, help="Overrides data.snapshot: the snapshot to train on.")

    @step
    def start(self):
        """Resolve the settings; check players, registry and queues before anything large is rented."""
        from scarcegan.costs import estimate
        from scarcegan.preflight import inside_run
        from scarcegan.project import typed_data

        data = typed_data(self.data, Path.cwd()) if self.data else {}
        settings = self.choose(seed=self.seed, data={**data, "snapshot": self.snapshot})
        if settings.registry.four_eyes and not self.launch.launched_by:
            raise PreflightProblem(
                "registry.four_eyes expects to know who launches the run, got nobody: nobody could approve its models. "
                "Launch it where AWS tells whose credentials these are (`aws sts get-caller-identity`)"
            )
        print(estimate(settings.resources, settings.prices, settings.folds, settings.train).sentence)
        self._warn(inside_run(settings, os.environ))
        self.settings = settings.model_dump(mode="json")
        self.origin_run = current.run_id
        self.commit = self.launch.commit
        self.next(self.preprocess)

    @card(type="still", id="data")
    @step
    def preprocess(self):
        """Load, check and split the players; nothing is trained on data that are not fit."""
        from cards.preprocess_card import preprocess_card
        from scarcegan.datasets.snapshot import snapshot_report
        from scarcegan.workflow.retraining.prepare import prepare

        settings = self.resolved()
        prepared, report = prepare(settings, self._doing)
        self.players, self.data_report = prepared.to_plain(), report.to_plain()
        snapshot = snapshot_report(prepared.players, settings)
        self.snapshot_report = snapshot and snapshot.to_plain()
        self._warn(report.warnings)
        current.card.extend(preprocess_card(report, snapshot))
        self.fold_numbers = list(range(self.settings["folds"]["k"]))
        self.next(self.train, foreach="fold_numbers")

    @card(type="blank", id="training", refresh_interval=20)
    @step
    def train(self):
        """Train one fold's networks, from their last checkpoint if there is one, and its other families."""
        self._doing(f"Loading TensorFlow and preparing fold {self.input}")  # the imports take their time
        from live_training import show_round
        from scarcegan.workflow.retraining.fit import fit_fold
        from scarcegan.workflow.retraining.prepare import Prepared

        self.fold = self.input
        checkpoint = f"{self._checkpoints()}/fold_{self.fold}.npz"
        threads = threads_per_task(len(self.fold_numbers), os.environ, self.settings["resources"]["train"]["cpu"])
        prepared, settings = Prepared.from_plain(self.pass_on("players")), self.resolved()
        show = partial(show_round, self.fold, len(self.fold_numbers))
        offer = fit_fold(prepared, self.fold, settings, threads, checkpoint, show, self._doing, spend=True).to_plain()
        self.candidates, self.progress = offer["candidates"], offer["progress"]
        self.validation_rows, self.prevalence = offer["validation_rows"], offer["prevalence"]
        self.families, self.left_out = offer["families"], offer["left_out"]
        self.training_card = current.pathspec
        self.next(self.select)

    @card(type="still", id="selection")
    @step
    def select(self, inputs):
        """Join what the folds offer into one ensemble per business definition, and train its rivals."""
        from cards.select_card import select_card
        from scarcegan.project import card_command
        from scarcegan.settings.model_sections import headline_of
        from scarcegan.workflow.retraining import families, judge, prepare, records, rivals, select

        # Named one by one: the folds' own artifacts differ and cannot be merged.
        passed_on = ["settings", "players", "data_report", "snapshot_report", "origin_run", "commit"]
        self.merge_artifacts(inputs, include=passed_on)
        settings, prepared = self.resolved(), prepare.Prepared.from_plain(self.pass_on("players"))
        training_cards = [card_command(task.training_card) for task in inputs]
        offers = [records.FoldOffer.from_plain({name: getattr(task, name) for name in OFFERED}) for task in inputs]
        models, validation = select.select_models(prepared, offers, settings, self._doing)
        self.models = {name: model.to_plain() for name, model in models.items()}
        self.validation = {name: known.to_plain() for name, known in validation.items()}
        print(*(known.in_words(name) for name, known in validation.items()), sep="\n")
        current.card.extend(select_card(validation, headline_of(settings.definitions), training_cards))
        threads = threads_per_task(1, os.environ, settings.resources.small.cpu)
        self.rivals, left_out = rivals.train_rivals(prepared, settings, threads, self._doing)
        # Here, so that an evaluation that is repeated scores the champions alone.
        self.family_risks = families.family_risks(prepared, offers, settings, self._doing)
        self.class_probabilities = judge.scarcegan_on_test(prepared, models, self._doing)
        left_out = [*families.left_out_of_models(offers), *left_out]
        self.model_warnings = [settings.words.retell(one) for one in left_out]
        self._warn(self.model_warnings)
        self.next(self.evaluate)

    @card(type="still", id="evaluation")
    @step
    def evaluate(self):
        """Measure the models, their rivals and the champions on the same untouched test players."""
        from cards.evaluate_card import evaluate_card
        from scarcegan.aws.model_quality import model_quality_json
        from scarcegan.backends import open_registry
        from scarcegan.evaluation.evaluate import metrics_csv
        from scarcegan.workflow.retraining import explain, judge, prepare, records

        settings, prepared = self.resolved(), prepare.Prepared.from_plain(self.pass_on("players"))
        models, registry = self._models(), open_registry(settings.registry)
        validation = {name: records.Selected.from_plain(known) for name, known in self.validation.items()}
        known = prepared, models, validation
        challengers = judge.challengers_of(*known, self.family_risks, self.class_probabilities)
        evaluation = judge.judge_models(*known, challengers, self.rivals, registry, settings, self._doing)
        headline = evaluation.headline
        self._doing(f"Explaining `{headline}`")
        told = challengers[headline].probabilities
        explanation = explain.explain_on_test(prepared, models[headline], settings.seed, told)
        self.evaluation, self.explanation = evaluation.to_plain(), explanation.to_plain()
        self.model_quality = {name: model_quality_json(evaluation.on_first_test_set(name)) for name in models}
        self.metrics_csv, self.evaluation_card = metrics_csv(evaluation), current.pathspec
        current.card.extend(evaluate_card(evaluation, explanation))
        self.next(self.register)

    @card(type="still", id="release")
    @step
    def register(self):
        """Register the models as one release that waits for a person's approval."""
        from cards.register_card import register_card
        from scarcegan.backends import open_registry
        from scarcegan.data.records import DataReport
        from scarcegan.evaluation.records import Evaluation
        from scarcegan.history.client import tag_release  # without the frames, which load pandas
        from scarcegan.workflow.retraining.release import register_models, release_summary
        from scarcegan.workflow.retraining.review import review_of

        settings, evaluation = self.resolved(), Evaluation.from_plain(self.evaluation)
        lineage, worse = self._lineage(settings), settings.registry.worse_challenger
        registry = open_registry(settings.registry)
        data_report = DataReport.from_plain(self.data_report)
        warnings = [*data_report.warnings, *self.model_warnings]
        how = {"warnings": warnings, "worse_challenger": worse, "review": review_of(evaluation, data_report, settings)}
        versions = register_models(self._models(), evaluation, lineage, registry, **how)
        release = release_summary(versions, evaluation, lineage, warnings=warnings)
        self.release = release.to_plain()
        self._warn(release.warnings)
        print("Tags of this run:", *tag_release(release) or ["none, Metaflow does not find it from here"])
        current.card.extend(register_card(release, evaluation))
        self.next(self.end)

    @step
    def end(self):
        """Say what came out and where to look next, and drop the checkpoints that nobody needs any more."""
        from scarcegan.evaluation.records import Evaluation
        from scarcegan.notices import Notice, tell
        from scarcegan.registry.release import Release
        from scarcegan.storage import remove_folder

        evaluation, release = Evaluation.from_plain(self.evaluation), Release.from_plain(self.release)
        print(*(verdict.sentence for verdict in evaluation.verdicts.values()), sep="\n")
        print(f"Thresholds are set by a share of {evaluation.words.rare_rows} of {evaluation.prevalence.in_words()}.")
        self._warn(release.warnings)
        numbers = ", ".join(str(version.version) for version in release.versions)
        registered = f"Registered versions {numbers} as {release.release_id} in {release.registry}."
        print(registered)
        print("Look next:", *release.commands, sep="\n  ")
        remove_folder(self._checkpoints())
        waits = "\n".join([registered, *(verdict.sentence for verdict in evaluation.verdicts.values())])
        tell(self.resolved().notify, Notice("release waits", waits, release.release_id))

    def _warn(self, warnings):
        for warning in warnings:
            print("Warning:", retold(warning, self.config))

    def _models(self):
        from scarcegan.serving.model import Model

        return {name: Model.from_plain(plain) for name, plain in self.models.items()}

    def _lineage(self, settings):
        from scarcegan.costs import TaskUsage, bill
        from scarcegan.data.records import SnapshotReport
        from scarcegan.registry.release import Lineage

        usage, snapshot = list(map(TaskUsage.from_plain, self.usage)), self.snapshot_report
        spent = bill(usage, STEPS[self.name], settings.prices, rented=BATCH_JOB in os.environ)
        return Lineage(
            run=f"{current.flow_name}/{current.run_id}",
            origin_run=self.origin_run,
            commit=self.running_commit(),
            data_fingerprint=self.data_report["fingerprint"],
            settings_fingerprint=settings.fingerprint(),
            config=self.launch.config,
            overrides=self.overrides or "",
            card=self.evaluation_card,
            snapshot=settings.data.snapshot,
            snapshot_origin=SnapshotReport.from_plain(snapshot).origin if snapshot else "",
            labels_known_by=settings.data.labels_known_by,
            launched_by=self.launch.launched_by,
            cost=spent.in_words,
        )

    def _checkpoints(self):
        """Return the folder of this run's checkpoints, the same for all its resumes and for no other run."""
        from scarcegan.project import located

        # Beside the artifacts where they are on S3: the next task may run on another machine.
        shared = self.shared_prefix()
        if shared:
            return f"{shared}/{current.flow_name}/checkpoints/{self.origin_run}"
        return located(f".scarcegan/checkpoints/{current.flow_name}/{self.origin_run}")


if __name__ == "__main__":
    launch(RetrainFlow)
