"""Turn telemetry into snapshots: `python features_flow.py run`, `... run --with batch`, `... resume`."""

import os
import sys
from pathlib import Path

from metaflow import Config, FlowSpec, Parameter, config_expr, project, retry, schedule, step

import cards
import scarcegan
from placement import runs_on
from refusal import checked_settings, refusal_passed_on, refuses_plainly
from scarcegan.machine import launch_notes, prepare_launch
from stray_jobs import no_stray_jobs

ROOT = Path(__file__).resolve().parent.parent

# Metaflow's code package takes along what the flow imports by name; the steps import only what they need.
PACKAGES = (cards, scarcegan)


@project(name=config_expr("config.deployment.project"))
@schedule(cron=config_expr("config.deployment.features_cron"), daily=False)  # on Step Functions alone
class FeaturesFlow(FlowSpec):
    """Compute features from telemetry and publish one immutable snapshot for each cut-off.

    Artifacts, stable between versions (step that makes them):

    settings (start) - everything resolved, as a plain dict; `commit` - git commit of the code; `plans` - by cut-off:
    frame, counters, observed days.
    written (extract) - dict: cutoff, part, statistics; see scarcegan.workflow.features.telemetry.extract_part.
    snapshots (publish) - list of dicts: name, cutoff, fingerprint, players, features, parts, notes, folder.
    """

    config = Config(
        "config",
        default=str(ROOT / "config" / "retrain.toml"),
        parser=checked_settings,
        help="TOML file of settings; the sections telemetry, features and snapshots count here",
    )
    launch = Config("launch", default_value=launch_notes(ROOT, sys.argv), help="Noted at launch; not for you to set.")
    telemetry = Parameter("telemetry", type=str, default=None, help="Overrides telemetry.path: where the input is.")
    cutoff = Parameter("cutoff", type=str, default=None, help="One cut-off date instead of telemetry.cutoffs.")

    @runs_on("preprocess")
    @refuses_plainly
    @step
    def start(self):
        """Resolve the settings and survey all telemetry once: what cannot be used is refused here."""
        from scarcegan.preflight import inside_features
        from scarcegan.project import located
        from scarcegan.settings import resolve_features
        from scarcegan.workflow.features.telemetry import plan_snapshots

        telemetry = self.telemetry and located(self.telemetry, Path.cwd())
        settings = resolve_features(self.config.to_dict(), telemetry, self.cutoff)
        inside_features(settings, os.environ)
        self.settings = settings.model_dump(mode="json")
        self.commit = self.launch.commit
        self.plans = plan_snapshots(settings, self.commit)
        for cutoff, plan in self.plans.items():
            print(f"{cutoff}:", *(plan["frame"]["notes"] or ["nothing odd in the telemetry"]), sep="\n  ")
        self.shards = [(cutoff, number) for cutoff in self.plans for number in range(settings.telemetry.shards)]
        self.next(self.extract, foreach="shards")

    @retry(times=2, minutes_between_retries=0)
    @runs_on("preprocess")
    @refuses_plainly
    @step
    def extract(self):
        """Compute the features of one shard of players at one cut-off and write them as one part."""
        from scarcegan.settings import load
        from scarcegan.workflow.features.telemetry import extract_part

        cutoff, number = self.input
        self.written = extract_part(self.plans[cutoff], number, load(self.settings))
        self.next(self.publish)

    @runs_on("small")
    @refuses_plainly
    @step
    def publish(self, inputs):
        """Publish each cut-off's snapshot: its parts exist already, the manifest makes them one."""
        from scarcegan.settings import load
        from scarcegan.workflow.features.telemetry import publish_snapshots

        self.merge_artifacts(inputs, include=["settings", "plans", "commit"])
        self.snapshots = publish_snapshots(self.plans, [task.written for task in inputs], load(self.settings))
        self.next(self.end)

    @runs_on("small")
    @step
    def end(self):
        """Say which snapshots there are and how to train on them."""
        for found in self.snapshots:
            print(
                f"Snapshot {found['name']} ({found['fingerprint']}): {found['players']} players, "
                f"{found['features']} features in {found['parts']} parts, in {found['folder']}"
            )
        print(
            "Look next: give data.source = 'snapshot' and a labels table in a configuration, then",
            f"python flows/retrain_flow.py --config config ... run --snapshot {self.snapshots[-1]['name']}",
            sep="\n  ",
        )


if __name__ == "__main__":
    prepare_launch(sys.argv[1:], os.environ, ROOT)
    with no_stray_jobs("FeaturesFlow", sys.argv[1:]), refusal_passed_on("FeaturesFlow", sys.argv[1:]):
        FeaturesFlow()
