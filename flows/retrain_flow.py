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
    fold, candidates, history, validation_rows, prevalence (train) - see scarcegan.workflow.retraining.fit.fit_fold.
    models, validation (select) - dicts by business definition, see scarcegan.workflow.retraining.select.select_models;
    `baselines` - the rivals' scores of the test players, see scarcegan.workflow.retraining.rivals.
    evaluation (evaluate) - dict, see scarcegan.workflow.retraining.judge; `model_quality` - JSON text by definition;
    `metrics_csv` - text.
    release (register) - dict: release_id, registry, versions, lineage, commands.
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
        from scarcegan.project import located
        from scarcegan.settings import resolve

        data = self.data and located(self.data, Path.cwd())
        settings = resolve(self.config.to_dict(), self.seed, data, self.snapshot)
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
        self.players = prepared.to_artifact()
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
        prepared, settings = Prepared.from_artifact(self._own("players")), load(self.settings)
        fitted = fit_fold(prepared, self.fold, settings, threads, checkpoint, self._show_progress, spend=True)
        self.candidates, self.history = fitted["candidates"], fitted["history"]
        self.validation_rows, self.prevalence = fitted["validation_rows"], fitted["prevalence"]
        self.next(self.select)

    @runs_on("small")
    @measured
    @refuses_plainly
    @step
    def select(self, inputs):
        """Join the members chosen in each fold into one ensemble per business definition, and train their rivals."""
        from scarcegan.settings import load
        from scarcegan.workflow.retraining.prepare import Prepared
        from scarcegan.workflow.retraining.rivals import train_baselines
        from scarcegan.workflow.retraining.select import select_models

        self.merge_artifacts(inputs, include=["settings", "players", "data_report", "origin_run", "commit"])
        settings, prepared = load(self.settings), Prepared.from_artifact(self._own("players"))
        self.models, self.validation = select_models(prepared, [self._offer(task) for task in inputs], settings)
        threads = threads_per_task(1, os.environ, settings.resources.small.cpu)
        self.baselines = train_baselines(prepared, settings, threads)
        self.next(self.evaluate)

    @runs_on("preprocess")
    @card(type="blank", id="evaluation")
    @measured
    @refuses_plainly
    @step
    def evaluate(self):
        """Measure the models, their rivals and the champions on the same untouched test players."""
        from cards.evaluate_card import evaluate_card
        from scarcegan.aws.model_quality import metrics_csv, model_quality_json
        from scarcegan.backends import open_registry
        from scarcegan.settings import load
        from scarcegan.workflow.retraining.judge import judge_models
        from scarcegan.workflow.retraining.prepare import Prepared

        settings, prepared = load(self.settings), Prepared.from_artifact(self._own("players"))
        registry = open_registry(settings.registry)
        self.evaluation = judge_models(prepared, self.models, self.validation, self.baselines, registry, settings)
        first = self.evaluation["test_sets"][0]
        self.model_quality = {name: model_quality_json(self.evaluation, name, first) for name in self.models}
        self.metrics_csv = metrics_csv(self.evaluation)
        self.evaluation_card = current.pathspec
        current.card.extend(evaluate_card(self.evaluation))
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
        from scarcegan.history import tag_release
        from scarcegan.settings import load
        from scarcegan.workflow.retraining.release import Lineage, register_models, release_summary

        settings = load(self.settings)
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
        versions = register_models(self.models, self.evaluation, lineage, registry, worse_challenger=worse)
        self.release = release_summary(versions, lineage, settings)
        print("Tags of this run:", *tag_release(self.release) or ["none, Metaflow does not find it from here"])
        current.card.extend(register_card(self.release, self.evaluation))
        self.next(self.end)

    @runs_on("small")
    @card(type="blank", id="cost")
    @measured
    @step
    def end(self):
        """Say what came out, what it cost and where to look next, and drop the checkpoints that nobody needs."""
        from cards.cost_card import cost_card
        from scarcegan.costs import bill
        from scarcegan.settings import load
        from scarcegan.storage import remove_folder

        self.cost = bill(self.usage, load(self.settings), rented="AWS_BATCH_JOB_ID" in os.environ)
        current.card.extend(cost_card(self.cost))
        for verdict in self.evaluation["verdicts"].values():
            print(verdict["sentence"])
        numbers = ", ".join(str(version["version"]) for version in self.release["versions"])
        print(f"Registered versions {numbers} as {self.release['release_id']} in {self.release['registry']}.")
        print("Look next:", *self.release["commands"], sep="\n  ")
        remove_folder(self._checkpoints())

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

    @staticmethod
    def _offer(task):
        """Take what one fold offers from its artifacts."""
        return {"candidates": task.candidates, "validation_rows": task.validation_rows}

    def _show_progress(self, history):
        """Print the round in the form that the team's metric regexes read, and refresh the live card.

        Raises:
            MachineTakenAway: AWS is about to take the spot instance away; a retry goes on from this round.
        """
        from cards.train_card import train_card
        from spot import stop_if_taken_away

        last = {name: sum(history[key][-1]) / history["members"] for name, key in METRIC_NAMES.items()}
        words = "; ".join(f"{name}={value:.4g}" for name, value in last.items())
        accuracy = 100 * sum(history["accuracy_supervised"][-1]) / history["members"]
        print(f"Iteration={history['iteration'][-1]}; {words}; Accuracy_Supervised={accuracy:.1f};")
        current.card.clear()
        current.card.extend(train_card(history, self.fold, history["iterations"]))
        current.card.refresh()
        stop_if_taken_away()


if __name__ == "__main__":
    prepare_launch(sys.argv[1:], os.environ, ROOT)
    with no_stray_jobs("RetrainFlow", sys.argv[1:]), refusal_passed_on("RetrainFlow", sys.argv[1:]):
        RetrainFlow()
