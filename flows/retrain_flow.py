"""Retrain ScarceGAN: `python retrain_flow.py run`, `... run --with batch`, `... resume`."""

import os
import sys
from pathlib import Path

from metaflow import Config, FlowSpec, Parameter, card, config_expr, current, project, retry, schedule, step
from metaflow.metaflow_config import DATASTORE_SYSROOT_S3

import cards
import scarcegan
from metering import measured
from placement import runs_on
from refusal import checked_settings, refusal_passed_on, refuses_plainly
from scarcegan.machine import launch_notes, launched_commit, prepare_launch, threads_per_task
from stray_jobs import no_stray_jobs

ROOT = Path(__file__).resolve().parent.parent
METRIC_NAMES = {
    "Discriminator_Supervised_Loss": "discriminator_supervised_loss",
    "Discriminator_UnSupervised_Loss": "discriminator_unsupervised_loss",
    "Generator_Loss": "generator_loss",
}
OFFERED = ("fold", "candidates", "validation_rows", "progress", "prevalence")  # artifacts of train

# Metaflow's code package takes along what the flow imports by name; the steps import only what they need.
PACKAGES = (cards, scarcegan)


@project(name=config_expr("config.deployment.project"))
@schedule(cron=config_expr("config.deployment.retrain_cron"), daily=False)  # on Step Functions alone
class RetrainFlow(FlowSpec):
    """Retrain ScarceGAN on one snapshot of players and register the four models of this run for approval.

    Artifacts, stable between versions (step that makes them):

    settings (start) - everything resolved, as a plain dict; `origin_run` - id of the first run of a chain of
    resumes; `commit` - git commit of the code.
    usage (every step) - list of dicts, one per task so far: step, index, wall_s, cpu_s, peak_memory_mb,
    gpu_used_share, cpu, memory_mb, gpu, attempt.
    players (preprocess) - dict of arrays: ids, features, feature_names, labels, truth, test_set, fold, fingerprint;
    `data_report` - dict.
    fold, candidates, progress, validation_rows, prevalence (train) - see scarcegan.workflow.retraining.records.
    models (select) - dict by business definition, see scarcegan.serving.model.Model; `validation` - the same, see
    scarcegan.workflow.retraining.records.Selected; `rivals` - their scores of the test players by name and test set.
    evaluation (evaluate) - see scarcegan.evaluation.records.Evaluation; `explanation` - of its headline model, see
    scarcegan.serving.reasons.Explanation; `model_quality` - JSON text by definition; `metrics_csv` - text.
    release (register) - see scarcegan.registry.release.Release.
    cost (end) - dict, see scarcegan.costs.bill; `end` itself is not in it.
    """

    config = Config(
        "config",
        default=str(ROOT / "config" / "retrain.toml"),
        parser=checked_settings,
        help="TOML file of settings; keys are documented in scarcegan/settings/",
    )
    launch = Config("launch", default_value=launch_notes(ROOT, sys.argv), help="Noted at launch; not for you to set.")
    seed = Parameter("seed", type=int, default=None, help="Overrides the configuration's seed.")
    data = Parameter("data", type=str, default=None, help="Overrides data.path: where the input is.")
    snapshot = Parameter("snapshot", type=str, default=None, help="Overrides data.snapshot: the snapshot to train on.")

    @runs_on("small")
    @measured
    @refuses_plainly
    @step
    def start(self):
        """Resolve the settings; check players, registry and queues to come before anything large is rented."""
        from scarcegan.backends import open_registry
        from scarcegan.costs import estimate
        from scarcegan.preflight import inside_run
        from scarcegan.settings import resolve

        settings = resolve(self.config.to_dict(), self.seed, self.data, self.snapshot)
        print(estimate(settings)["sentence"])
        inside_run(settings, os.environ)
        open_registry(settings.registry).versions()
        self.settings = settings.model_dump(mode="json")
        self.origin_run = current.run_id
        self.commit = self.launch.commit
        self.next(self.preprocess)

    @runs_on("preprocess")
    @card(type="blank", id="data")
    @measured
    @refuses_plainly
    @step
    def preprocess(self):
        """Load, check and split the players; nothing is trained on data that are not fit."""
        from cards.preprocess_card import preprocess_card
        from scarcegan.settings import load
        from scarcegan.workflow.retraining.prepare import prepare

        prepared, self.data_report = prepare(load(self.settings))
        self.players = prepared.to_plain()
        current.card.extend(preprocess_card(self.data_report))
        self.fold_numbers = list(range(self.settings["folds"]["k"]))
        self.next(self.train, foreach="fold_numbers")

    @retry(times=2, minutes_between_retries=0)
    @runs_on("train")
    @card(type="blank", id="training", refresh_interval=20)
    @measured
    @refuses_plainly
    @step
    def train(self):
        """Train the members of one fold, from its last checkpoint if there is one, and choose its candidates."""
        from scarcegan.settings import load
        from scarcegan.workflow.retraining.fit import fit_fold
        from scarcegan.workflow.retraining.prepare import Prepared

        self.fold = self.input
        checkpoint = f"{self._checkpoints()}/fold_{self.fold}.npz"
        threads = threads_per_task(len(self.fold_numbers), os.environ, self.settings["resources"]["train"]["cpu"])
        prepared, settings = Prepared.from_plain(self._own("players")), load(self.settings)
        offer = fit_fold(prepared, self.fold, settings, threads, checkpoint, self._show_progress, spend=True).to_plain()
        self.candidates, self.progress = offer["candidates"], offer["progress"]
        self.validation_rows, self.prevalence = offer["validation_rows"], offer["prevalence"]
        self.next(self.select)

    @runs_on("small")
    @measured
    @refuses_plainly
    @step
    def select(self, inputs):
        """Join the members chosen in each fold into one ensemble per business definition, and train their rivals."""
        from scarcegan.settings import load
        from scarcegan.workflow.retraining.prepare import Prepared
        from scarcegan.workflow.retraining.records import FoldOffer
        from scarcegan.workflow.retraining.rivals import train_rivals
        from scarcegan.workflow.retraining.select import select_models

        self.merge_artifacts(inputs, include=["settings", "players", "data_report", "origin_run", "commit"])
        settings, prepared = load(self.settings), Prepared.from_plain(self._own("players"))
        offers = [FoldOffer.from_plain({name: getattr(task, name) for name in OFFERED}) for task in inputs]
        models, validation = select_models(prepared, offers, settings)
        self.models = {name: model.to_plain() for name, model in models.items()}
        self.validation = {name: known.to_plain() for name, known in validation.items()}
        threads = threads_per_task(1, os.environ, settings.resources.small.cpu)
        self.rivals = train_rivals(prepared, settings, threads)
        self.next(self.evaluate)

    @runs_on("preprocess")
    @card(type="blank", id="evaluation")
    @measured
    @refuses_plainly
    @step
    def evaluate(self):
        """Measure the models, their rivals and the champions on the same untouched test players."""
        from cards.evaluate_card import evaluate_card
        from scarcegan.aws.model_quality import model_quality_json
        from scarcegan.backends import open_registry
        from scarcegan.evaluation.table import metrics_csv
        from scarcegan.serving.model import Model
        from scarcegan.settings import load
        from scarcegan.workflow.retraining.explain import explain_on_test
        from scarcegan.workflow.retraining.judge import judge_models
        from scarcegan.workflow.retraining.prepare import Prepared
        from scarcegan.workflow.retraining.records import Selected

        settings, prepared = load(self.settings), Prepared.from_plain(self._own("players"))
        registry = open_registry(settings.registry)
        models = {name: Model.from_plain(model) for name, model in self.models.items()}
        validation = {name: Selected.from_plain(known) for name, known in self.validation.items()}
        evaluation = judge_models(prepared, models, validation, self.rivals, registry, settings)
        explanation = explain_on_test(prepared, models[evaluation.headline], settings.seed)
        self.evaluation, self.explanation = evaluation.to_plain(), explanation.to_plain()
        self.model_quality = {name: model_quality_json(evaluation.on_first_test_set(name)) for name in models}
        self.metrics_csv = metrics_csv(evaluation)
        self.evaluation_card = current.pathspec
        current.card.extend(evaluate_card(evaluation, explanation))
        self.next(self.register)

    @runs_on("small")
    @card(type="blank", id="release")
    @measured
    @refuses_plainly
    @step
    def register(self):
        """Register the models as one release that waits for a person's approval."""
        from cards.register_card import register_card
        from scarcegan.backends import open_registry
        from scarcegan.evaluation.records import Evaluation
        from scarcegan.history import tag_release
        from scarcegan.registry.release import Lineage
        from scarcegan.serving.model import Model
        from scarcegan.settings import load
        from scarcegan.workflow.retraining.release import register_models, release_summary

        settings, evaluation = load(self.settings), Evaluation.from_plain(self.evaluation)
        lineage = Lineage(
            run=f"{current.flow_name}/{current.run_id}",
            origin_run=self.origin_run,
            commit=launched_commit(os.environ, self.commit),
            data_fingerprint=self.players["fingerprint"],
            settings_fingerprint=settings.fingerprint(),
            config=self.launch.config,
            card=self.evaluation_card,
            snapshot=settings.data.snapshot,
            labels_known_by=settings.data.labels_known_by,
        )
        registry, worse = open_registry(settings.registry), settings.registry.worse_challenger
        models = {name: Model.from_plain(model) for name, model in self.models.items()}
        versions = register_models(models, evaluation, lineage, registry, worse_challenger=worse)
        release = release_summary(versions, evaluation, lineage, settings.registry)
        self.release = release.to_plain()
        print("Tags of this run:", *tag_release(release) or ["none, Metaflow does not find it from here"])
        current.card.extend(register_card(release, evaluation))
        self.next(self.end)

    @runs_on("small")
    @card(type="blank", id="cost")
    @measured
    @step
    def end(self):
        """Say what came out, what it cost and where to look next, and drop the checkpoints that nobody needs."""
        from cards.cost_card import cost_card
        from scarcegan.costs import bill
        from scarcegan.evaluation.records import Evaluation
        from scarcegan.registry.release import Release
        from scarcegan.settings import load
        from scarcegan.workflow.retraining.checkpoints import drop_checkpoints

        self.cost = bill(self.usage, load(self.settings), rented="AWS_BATCH_JOB_ID" in os.environ)
        current.card.extend(cost_card(self.cost))
        evaluation, release = Evaluation.from_plain(self.evaluation), Release.from_plain(self.release)
        print(*(verdict.sentence for verdict in evaluation.verdicts.values()), sep="\n")
        numbers = ", ".join(str(version.version) for version in release.versions)
        print(f"Registered versions {numbers} as {release.release_id} in {release.registry}.")
        print("Look next:", *release.commands, sep="\n  ")
        drop_checkpoints(self._checkpoints(), [f"fold_{number}.npz" for number in range(self.settings["folds"]["k"])])

    def _checkpoints(self):
        """Return the folder of this run's checkpoints, the same for all its resumes and for no other run.

        It is beside the artifacts where they are on S3: the next task may run on another machine.
        """
        from scarcegan.project import project_folder

        if self._datastore.TYPE == "s3":  # Metaflow has no other way to tell
            return f"{DATASTORE_SYSROOT_S3}/{current.flow_name}/checkpoints/{self.origin_run}"
        return str(project_folder("checkpoints") / current.flow_name / self.origin_run)

    def _own(self, artifact):
        """Load an artifact to work on: it is passed on as it was, by reference, and not stored by this task again."""
        value = getattr(self, artifact)
        delattr(self, artifact)
        return value

    def _show_progress(self, progress):
        """Print the round in the form that the team's metric regexes read, and refresh the live card.

        Raises:
            MachineTakenAway: AWS is about to take the spot instance away; a retry goes on from this round.
        """
        from cards.train_card import train_card
        from spot import stop_if_taken_away

        last = {name: sum(by_round[-1]) / progress.members for name, by_round in progress.series.items()}
        words = "; ".join(f"{name}={last[key]:.4g}" for name, key in METRIC_NAMES.items())
        accuracy = 100 * last["accuracy_supervised"]
        print(f"Iteration={progress.iteration[-1]}; {words}; Accuracy_Supervised={accuracy:.1f};")
        current.card.clear()
        current.card.extend(train_card(progress, self.fold))
        current.card.refresh()
        stop_if_taken_away()


if __name__ == "__main__":
    prepare_launch(sys.argv[1:], os.environ, ROOT)
    with no_stray_jobs("RetrainFlow", sys.argv[1:]), refusal_passed_on("RetrainFlow", sys.argv[1:]):
        RetrainFlow()
