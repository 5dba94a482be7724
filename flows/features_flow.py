"""Turn telemetry into snapshots: `python features_flow.py run`, `... run --with batch`, `... resume`."""

import os
from pathlib import Path

from metaflow import Parameter, config_expr, schedule, step

from launch import launch
from project_flow import ProjectFlow


@schedule(cron=config_expr("config.deployment.features_cron"), daily=False)  # on Step Functions alone
class FeaturesFlow(ProjectFlow):
    """Compute features from telemetry and publish one immutable snapshot for each cut-off.

    Artifacts, stable between versions (step that makes them):

    settings (start) - everything resolved, as a plain dict; `commit` - git commit of the code; `plans` - dict by
    cut-off, see scarcegan.workflow.features.telemetry.SnapshotPlan.
    written (extract) - see scarcegan.workflow.features.telemetry.WrittenPart.
    snapshots (publish) - list, see scarcegan.snapshots.Manifest.
    overrides (start), usage (every step), cost (end) - see flows/project_flow.py.
    """

    telemetry = Parameter("telemetry", type=str, default=None, help="Overrides telemetry.path: where the input is.")
    cutoff = Parameter("cutoff", type=str, default=None, help="One cut-off date instead of telemetry.cutoffs.")

    @step
    def start(self):
        """Resolve the settings and survey all telemetry once: what cannot be used is refused here."""
        from scarcegan.preflight import inside_features
        from scarcegan.project import located
        from scarcegan.workflow.features.telemetry import plan_snapshots

        telemetry = self.telemetry and located(self.telemetry, Path.cwd())
        chosen = {"path": telemetry, "cutoffs": self.cutoff and [self.cutoff]}
        settings = self.choose(telemetry=chosen)
        inside_features(settings, os.environ)
        self.settings = settings.model_dump(mode="json")
        self.commit = self.launch.commit
        plans = plan_snapshots(settings, self.commit)
        self.plans = {cutoff: plan.to_plain() for cutoff, plan in plans.items()}
        for cutoff, plan in plans.items():
            print(f"{cutoff}:", *(plan.frame.notes or ["nothing odd in the telemetry"]), sep="\n  ")
        self.shards = [(cutoff, number) for cutoff in self.plans for number in range(settings.telemetry.shards)]
        self.next(self.extract, foreach="shards")

    @step
    def extract(self):
        """Compute the features of one shard of players at one cut-off and write them as one part."""
        from scarcegan.workflow.features.telemetry import SnapshotPlan, extract_part

        cutoff, number = self.input
        plan, settings = SnapshotPlan.from_plain(self.plans[cutoff]), self.resolved()
        self.written = extract_part(plan, number, settings.telemetry, settings.own_snapshots).to_plain()
        self.next(self.publish)

    @step
    def publish(self, inputs):
        """Publish each cut-off's snapshot: its parts exist already, the manifest makes them one."""
        from scarcegan.workflow.features.telemetry import SnapshotPlan, WrittenPart, publish_snapshots

        self.merge_artifacts(inputs, include=["settings", "plans", "commit"])
        plans = {cutoff: SnapshotPlan.from_plain(plan) for cutoff, plan in self.plans.items()}
        written = [WrittenPart.from_plain(task.written) for task in inputs]
        self.snapshots = [one.to_plain() for one in publish_snapshots(plans, written, self.resolved().own_snapshots)]
        self.next(self.end)

    @step
    def end(self):
        """Say which snapshots there are and how to train on them."""
        from scarcegan.project import command
        from scarcegan.snapshots import Manifest, open_snapshots

        settings = self.resolved()
        folder, rows = open_snapshots(settings.own_snapshots.folder).folder, settings.words.rows
        for found in map(Manifest.from_plain, self.snapshots):
            print(
                f"Snapshot {found.name} ({found.fingerprint}): {found.players} {rows}, "
                f"{len(found.frame.columns)} features in {len(found.parts)} parts, in {folder}"
            )
        needed = " give data.source = 'snapshot' and a labels table in a configuration, then"
        print(
            f"Look next:{needed if settings.data.source != 'snapshot' else ''}",
            f"{command('run', self.launch.config)} --snapshot {self.snapshots[-1]['name']}",
            sep="\n  ",
        )


if __name__ == "__main__":
    launch(FeaturesFlow)
