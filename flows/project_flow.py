"""What all flows of this project share: their configuration, and what each of their steps gets without asking."""

import os
import sys

from metaflow import Config, FlowMutator, FlowSpec, card, config_expr, current, project, user_step_decorator
from metaflow.exception import METAFLOW_EXIT_DISALLOW_RETRY, MetaflowException
from metaflow.metaflow_config import DATASTORE_SYSROOT_S3
from metaflow.plugins.aws.batch.batch_decorator import BatchDecorator

# Metaflow's code package carries `cards` and `scarcegan` to AWS Batch because they are imported here.
import cards  # noqa: F401
from launch import ROOT, UNKNOWN_COMMIT, launch_notes
from scarcegan.machine import BATCH_JOB, COMMIT, DEFAULT_CONFIG
from scarcegan.problems import Problem, StorageOutage
from scarcegan.settings import Resources, load, parse
from scarcegan.settings.steps import RETRAIN_FLOW, STEPS, Request, request_of


class NothingStarted(MetaflowException):
    """Shown by Metaflow as headline and message."""

    headline = "Nothing was started"


class every_step(FlowMutator):  # noqa: N801 - used as a decorator
    """Give every step its resources, its queue and image on AWS Batch, metering and plain refusals.

    Which resources is said in one table, scarcegan/settings/steps.py: a flow whose steps differ from it is refused.
    """

    def pre_mutate(self, flow):
        """Check the flow's steps and wrap them; called once the configuration is read."""
        # Metaflow has no other way to tell which flow this is.
        self.sections = sections_of(flow._flow_cls.__name__, [name for name, _ in flow.steps])
        for _, step in flow.steps:
            step.add_decorator(metered)
            step.add_decorator(refuses_plainly)  # around the metering, whose problems it tells as well
        flow.end.add_decorator(card, deco_kwargs={"type": "blank", "id": "cost"})

    def mutate(self, flow):
        """Add what each step asks for; called once `--with` has been applied."""
        resources = Resources.model_validate(dict(flow.configs)["config"]["resources"].to_dict())
        for name, step in flow.steps:
            place(step, request_of(resources, self.sections[name]), getattr(resources, self.sections[name]))


def sections_of(flow_name, steps):
    """Return the section of `[resources]` for each step of a flow.

    Raises:
        NothingStarted: the table of steps has one too few or one too many.
    """
    table = STEPS.get(flow_name, {})
    for step in sorted({*steps} - {*table}):
        raise NothingStarted(
            f"expected a section of [resources] for step '{step}' of {flow_name}, got none: "
            f"add '{step}' to {flow_name} in STEPS of scarcegan/settings/steps.py"
        )
    for step in sorted({*table} - {*steps}):
        raise NothingStarted(
            f"expected the steps of {flow_name} in STEPS of scarcegan/settings/steps.py, got '{step}' as well, "
            f"which {flow_name} does not have: remove it there"
        )
    return table


def place(step, request, wanted):
    """Ask for a step's resources, and for its queue and image where it runs on AWS Batch.

    The request becomes `@resources`, which does nothing on a laptop. Where `--with batch` (or a deployment to Step
    Functions) has put the step on AWS Batch, its queue and image follow; the command line overrides both.

    Args:
        step: MutableStep.
        request: what its section of `[resources]` asks for.
        wanted: the section itself, with `queue` and `image`.
    """
    asked = {"cpu": request.cpu, "memory": request.memory_mb, "gpu": request.gpu or None}
    given_on_command_line = [given for _, _, _, given in step.get_decorator_specs("batch")]
    for given in given_on_command_line:
        # Batch takes the larger of the two; said here as well, so that the bill counts what is really rented.
        asked |= {key: max(int(float(given[key])), own or 0) for key, own in asked.items() if given[key]}
    step.add_decorator("resources", deco_kwargs=asked)
    for given in given_on_command_line:
        chosen = {"queue": wanted.queue, "image": wanted.image}
        untold = {key: value for key, value in chosen.items() if value and given[key] == BatchDecorator.defaults[key]}
        if untold:
            step.add_decorator("batch", deco_kwargs=given | untold, duplicates=step.OVERRIDE)
    if BATCH_JOB in os.environ and not given_on_command_line:
        # Metaflow tells a job what `--with` said, not what replaced it; without @batch nobody watches for the notice
        # that a spot instance is taken away.
        step.add_decorator("batch")


@user_step_decorator
def metered(step_name, flow, inputs):
    """Add this task to the usage of the tasks before it; `end` prices them, itself not counted.

    A task that a resume takes over keeps its usage.
    """
    from scarcegan.costs import Meter, together

    meter = Meter()
    yield
    asked = next(deco.attributes for deco in flow._graph[step_name].decorators if deco.name == "resources")
    section = STEPS[flow.name][step_name]
    request = Request(section, int(asked["cpu"]), int(asked["memory"]), int(asked["gpu"] or 0))
    before = together(usage_of(task) for task in inputs or [flow])
    task = meter.read(step_name, flow.index, request, current.retry_count)
    flow.usage = [one.to_plain() for one in [*before, task]]
    if step_name == "end":
        price(flow, before)


def usage_of(task):
    """Return what a task and those before it have used."""
    from scarcegan.costs import TaskUsage

    return [TaskUsage.from_plain(plain) for plain in getattr(task, "usage", [])]


def price(flow, usage):
    """Make the artifact `cost` and its card."""
    from cards.cost_card import cost_card
    from scarcegan.costs import bill, estimate

    settings = load(flow.settings)
    resources, prices = settings.resources, settings.prices
    # How long scoring and features take depends on players whom nobody has counted before: no estimate.
    trains = flow.name == RETRAIN_FLOW
    expected = estimate(resources, prices, settings.folds, settings.train).money if trains else None
    cost = bill(usage, STEPS[flow.name], prices, expected_money=expected, rented=BATCH_JOB in os.environ)
    flow.cost = cost.to_plain()
    current.card["cost"].extend(cost_card(flow.cost))


@user_step_decorator
def refuses_plainly(step_name, flow, inputs):
    """Print a problem's message alone and end the task; a retry would meet the same problem, unless S3 was down."""
    try:
        yield
    except StorageOutage:
        raise
    except Problem as problem:
        print(f"{type(problem).__name__} in step {step_name}:\n{problem}", file=sys.stderr)
        sys.exit(METAFLOW_EXIT_DISALLOW_RETRY)


def checked_settings(text):
    """Parse the configuration (Metaflow's `Config` parser); a mistake in it ends the command before any run exists."""
    try:
        return parse(text)
    except Problem as problem:
        raise NothingStarted(f"The configuration is refused: {problem}") from None


@project(name=config_expr("config.deployment.project"))
@every_step
class ProjectFlow(FlowSpec):
    """A flow of this project.

    Artifacts of every flow: `usage` (every step) - a list of scarcegan.costs.TaskUsage, one per task so far; `cost`
    (end) - scarcegan.costs.Bill; both as plain data.
    """

    config = Config(
        "config",
        default=str(ROOT / DEFAULT_CONFIG),
        parser=checked_settings,
        help="TOML file of settings; keys are documented in scarcegan/settings/",
    )
    launch = Config("launch", default_value=launch_notes, help="Noted at launch; not for you to set.")

    def running_commit(self):
        """Return the commit of the code that runs, as a resume may bring mended code; a job has no git to ask."""
        commit = os.environ.get(COMMIT, UNKNOWN_COMMIT)
        return self.commit if commit == UNKNOWN_COMMIT else commit

    def shared_prefix(self):
        """Return the S3 address under which Metaflow keeps artifacts; empty where they are on this machine's disk."""
        return DATASTORE_SYSROOT_S3 if self._datastore.TYPE == "s3" else ""  # Metaflow has no other way to tell

    def pass_on(self, artifact):
        """Load an artifact to work on: it is passed on as it was, by reference, and not stored by this task again."""
        value = getattr(self, artifact)
        delattr(self, artifact)
        return value
