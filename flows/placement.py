"""Where a step runs: what it asks for on any machine, and its queue and image on AWS Batch, from the configuration."""

import os

from metaflow import StepMutator
from metaflow.plugins.aws.batch.batch_decorator import BatchDecorator

from scarcegan.machine import BATCH_JOB_VARIABLE

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
        given_on_command_line = [given for _, _, _, given in mutable_step.get_decorator_specs("batch")]
        for given in given_on_command_line:
            # Batch gives the larger of the two; said here as well, so that the bill counts what is really rented.
            request |= {key: max(int(float(given[key])), int(own or 0)) for key, own in request.items() if given[key]}
        mutable_step.add_decorator("resources", deco_kwargs=request)
        for given in given_on_command_line:
            untold = [key for key in CHOSEN_BY_CONFIG if given[key] == BatchDecorator.defaults[key] and wanted[key]]
            if untold:
                placed = given | {key: wanted[key] for key in untold}
                mutable_step.add_decorator("batch", deco_kwargs=placed, duplicates=mutable_step.OVERRIDE)
        if BATCH_JOB_VARIABLE in os.environ and not given_on_command_line:
            # Metaflow tells a job what `--with` said, not what took its place; without @batch nobody watches for spot.
            mutable_step.add_decorator("batch")
