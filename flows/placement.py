"""Where a step runs: what it asks for on any machine, and its queue and image on AWS Batch, from the configuration."""

from metaflow import StepMutator
from metaflow.plugins.aws.batch.batch_decorator import BatchDecorator

CHOSEN_BY_CONFIG = ("queue", "image")


class runs_on(StepMutator):  # noqa: N801 - used as a decorator
    """Give a step the resources of one section under `[resources]`.

    The request becomes `@resources`, which does nothing on a laptop. Where `--with batch` (or a deployment to Step
    Functions) has put the step on AWS Batch, its queue and image follow; what the command line says outweighs them.
    """

    def init(self, section):
        """Keep the section's name: small, preprocess or train."""
        self.section = section

    def mutate(self, mutable_step):
        """Add the decorators; called once `--with` has been applied."""
        wanted = dict(mutable_step.flow.configs)["config"]["resources"][self.section]
        request = {"cpu": wanted["cpu"], "memory": wanted["memory_mb"], "gpu": wanted.get("gpu")}
        mutable_step.add_decorator("resources", deco_kwargs=request)
        for _, _, _, given in mutable_step.get_decorator_specs("batch"):
            untold = [key for key in CHOSEN_BY_CONFIG if given[key] == BatchDecorator.defaults[key] and wanted[key]]
            if untold:  # in the job itself all is told: one put in @batch's place there would not watch over the task
                placed = given | {key: wanted[key] for key in untold}
                mutable_step.add_decorator("batch", deco_kwargs=placed, duplicates=mutable_step.OVERRIDE)
