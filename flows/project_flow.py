"""What all flows of this project share: their configuration, and what each of their steps gets without asking."""

import os
import sys

from metaflow import Config, FlowMutator, FlowSpec, Parameter, StepMutator, card, config_expr, current, project, retry
from metaflow.datastore.spin_datastore import SpinTaskDatastore
from metaflow.exception import METAFLOW_EXIT_DISALLOW_RETRY
from metaflow.metaflow_config import DATASTORE_SYSROOT_S3
from metaflow.plugins import CARDS
from metaflow.plugins.aws.batch.batch_decorator import BatchDecorator
from metaflow.plugins.cards.card_modules.basic import BlankCard
from metaflow.user_decorators.user_step_decorator import user_step_decorator

# Metaflow's code package carries `cards` and `scarcegan` to AWS Batch because they are imported here.
import cards  # noqa: F401
from endings import NothingStarted
from launch import ROOT, UNKNOWN_COMMIT, launch_notes, values_of
from scarcegan.costs.bill import time_limit_seconds
from scarcegan.machine import BATCH_JOB, COMMIT, DEFAULT_CONFIG
from scarcegan.notices import Notice, tell
from scarcegan.problems import Outage, Problem, SettingsProblem
from scarcegan.settings import Notify, Resources, Train, load, parse, resolve
from scarcegan.settings.steps import RETRAIN_FLOW, STEPS, Request
from scarcegan.settings.words_section import Words
from terminal import GOES_ON

RETRIES = 2  # of every step


class StillCard(BlankCard):
    """A card that is drawn once, at the end of its step.

    For a card that may change before, as `blank` may, Metaflow starts one more process at the end: a second that every
    run and every resume waits for.
    """

    type = "still"
    RUNTIME_UPDATABLE = False


CARDS.append(StillCard)  # all flows import this module, and so do the processes that draw their cards


class every_step(FlowMutator):  # noqa: N801 - used as a decorator
    """Give every step its resources, its queue and image on AWS Batch, two retries, metering and plain refusals."""

    def pre_mutate(self, flow):
        """Check the flow's steps and decorate them; called once the configuration is read."""
        refuse_wrong_overrides(dict(flow.configs)["config"], sys.argv)
        steps = dict(flow.steps)
        sections = sections_of(flow._flow_cls.__name__, steps)  # Metaflow has no other way to tell the flow
        for name, step in steps.items():
            step.add_decorator(runs_on, deco_args=[sections[name], name])
            # What is killed, or meets an outage, is started again at once: clients have waited by then, and every step
            # can be repeated, as a resume does.
            step.add_decorator(retry, deco_kwargs={"times": RETRIES, "minutes_between_retries": 0})
            step.add_decorator(metered)
            step.add_decorator(refuses_plainly)  # around the metering, whose problems it tells as well
        flow.end.add_decorator(card, deco_kwargs={"type": StillCard.type, "id": "cost"})


def sections_of(flow_name, steps):
    """Return the section of `[resources]` for each step; NothingStarted where the table has one too few or too many."""
    table = STEPS.get(flow_name, {})
    faults = [f"no section of [resources] for '{step}': add it there" for step in steps if step not in table]
    faults += [f"'{step}', which {flow_name} does not have: remove it there" for step in table if step not in steps]
    if faults:
        raise NothingStarted(
            f"expected the steps of {flow_name} in STEPS of scarcegan/settings/steps.py, got {'; '.join(faults)}"
        )
    return table


class runs_on(StepMutator):  # noqa: N801 - used as a decorator
    """Ask for what a section of `[resources]` wants, and for its queue and image where the step runs on AWS Batch.

    The request becomes `@resources`, which does nothing on a laptop. Where `--with batch` (or a deployment to Step
    Functions) has put the step on AWS Batch, its queue and image follow; the command line overrides both.
    """

    def init(self, section, name):
        """Keep the section's name, small, preprocess or train, and the step's."""
        self.section, self.name = section, name

    def mutate(self, step):
        """Add the decorators; called once `--with` is applied, and again where a deployment adds `@batch` later."""
        config = dict(step.flow.configs)["config"]
        wanted = getattr(Resources.model_validate(config["resources"]), self.section)
        asked = {"cpu": wanted.cpu, "memory": wanted.memory_mb, "gpu": getattr(wanted, "gpu", None)}
        given_on_command_line = [given for _, _, _, given in step.get_decorator_specs("batch")]
        for given in given_on_command_line:
            # Batch takes the larger of the two; said here as well, so that the bill counts what is really rented.
            asked |= {key: max(int(float(given[key])), own or 0) for key, own in asked.items() if given[key]}
            untold = [key for key in ("queue", "image") if given[key] == BatchDecorator.defaults[key]]
            chosen = {key: getattr(wanted, key) for key in untold if getattr(wanted, key)}
            if chosen:
                step.add_decorator("batch", deco_kwargs=given | chosen, duplicates=step.OVERRIDE)
            # Metaflow's own limit is five days.
            limit = time_limit_seconds(self.name, Train.model_validate(config["train"]))
            step.add_decorator("timeout", deco_kwargs={"seconds": limit})
        step.add_decorator("resources", deco_kwargs=asked)
        if BATCH_JOB in os.environ and not given_on_command_line:
            # Metaflow tells a job what `--with` said, not what replaced it. Without @batch nobody watches for the
            # notice that a spot instance is taken away.
            step.add_decorator("batch")


@user_step_decorator
def metered(step_name, flow, inputs):
    """Add this task to the usage of the tasks before it; `end` prices them, itself not counted.

    A task that a resume takes over keeps its usage.
    """
    from scarcegan.costs import Meter, TaskUsage, together

    meter = Meter()
    yield
    # As the command line left it: `--with` may have changed what the configuration asks for.
    asked = next(deco.attributes for deco in flow._graph[step_name].decorators if deco.name == "resources")
    request = Request(STEPS[flow.name][step_name], *(int(asked[key] or 0) for key in ("cpu", "memory", "gpu")))
    used_by = [getattr(task, "usage", []) for task in inputs or [flow]]
    before = together(map(TaskUsage.from_plain, usage) for usage in used_by)
    task = meter.read(step_name, flow.index, request, current.retry_count)
    flow.usage = [one.to_plain() for one in [*before, task]]
    if step_name == "end":
        price(flow, before)


def price(flow, usage):
    """Make the artifact `cost` and its card."""
    from cards.cost_card import cost_card
    from scarcegan.costs import bill, estimate

    settings = flow.resolved()
    resources, prices = settings.resources, settings.prices
    # How long scoring and features take depends on players whom nobody has counted before: no estimate.
    trains = flow.name == RETRAIN_FLOW
    expected = estimate(resources, prices, settings.folds, settings.train).money if trains else None
    cost = bill(usage, STEPS[flow.name], prices, expected_money=expected, rented=BATCH_JOB in os.environ)
    flow.cost = cost.to_plain()
    current.card["cost"].extend(cost_card(cost))


@user_step_decorator
def refuses_plainly(step_name, flow, inputs):
    """Print a problem's message alone and end the task; a retry would meet the same problem, unless AWS was down."""
    try:
        yield
    except Problem as problem:
        refused = f"{type(problem).__name__} in step {step_name}:\n{retold(problem, flow.config)}"
        print(refused, file=sys.stderr)
        if isinstance(problem, Outage) and current.retry_count < RETRIES:
            sys.exit("This task is started again.")
        chosen = Notify.model_validate(flow.config.to_dict()["notify"])
        tell(chosen, Notice("step refused", refused, f"{flow.name}/{current.run_id}"))
        sys.exit(METAFLOW_EXIT_DISALLOW_RETRY)


def checked_settings(text):
    """Parse the configuration (Metaflow's `Config` parser); a mistake in it ends the command before any run exists."""
    try:
        return parse(text)
    except Problem as problem:
        raise NothingStarted(f"The configuration is refused: {problem}") from None


def refuse_wrong_overrides(config, arguments):
    """Check what `--set` lays over the configuration; a mistake in it ends the command before any run exists."""
    try:
        for text in values_of("--set", arguments):
            resolve(config.to_dict(), text)
    except Problem as problem:
        raise NothingStarted(f"--set is refused: {retold(problem, config)}") from None


def retold(said, config):
    """Return what code says that knows no settings in the words of the configuration."""
    return Words.model_validate(config.to_dict().get("words", {})).retell(str(said))


def refuse_longer(before, train):
    """Refuse overrides with which training may need more time than its jobs got by the configuration."""
    got, needed = (time_limit_seconds("train", one) for one in (before, train))
    if needed > got:
        raise SettingsProblem(
            f"--set asks for {train.members} members and {train.iterations:,} iterations, for which training gets "
            f"{needed:,} s at most, but the jobs' limit of {got:,} s was set by the configuration file, before the run "
            "had parameters: change train.members and train.iterations there"
        )


@project(name=config_expr("config.deployment.project"))
@every_step
class ProjectFlow(FlowSpec):
    """A flow of this project.

    Artifacts of every flow: `overrides` (start) - the text given to `--set`, or None; `usage` (every step) - a list of
    scarcegan.costs.TaskUsage, one per task so far; `cost` (end) - scarcegan.costs.Bill; both as plain data.
    """

    config = Config(
        "config",
        default=str(ROOT / DEFAULT_CONFIG),
        parser=checked_settings,
        help="TOML file of settings; keys are documented in scarcegan/settings/",
    )
    launch = Config("launch", default_value=launch_notes, help="Noted at launch; not for you to set.")

    overrides = Parameter(
        "set", type=str, default=None, help="Settings for this run alone: train.iterations=2000,model.alpha=0.6"
    )

    def choose(self, **chosen):
        """Return the configuration's settings with this run's own, from `--set` and from its other options, over it."""
        before, settings = load(self.config.to_dict()), resolve(self.config.to_dict(), self.overrides, **chosen)
        if BATCH_JOB in os.environ:
            refuse_longer(before.train, settings.train)
        return settings

    def _doing(self, what):
        """Print what is done now, before it takes its time; in one piece, as threads may say something at once."""
        sys.stdout.write(f"{retold(what, self.config)}{GOES_ON}\n")

    def resolved(self):
        """Return the run's settings, which a resume takes over from the run it goes on from."""
        try:
            return load(self.settings)
        except SettingsProblem as problem:
            raise SettingsProblem(
                f"expected settings that this code knows, got those of a run that code {self.commit} has started: go "
                f"on with that code, or start a new run\n{problem}"
            ) from None

    def running_commit(self):
        """Return the commit of the code that runs, as a resume may bring mended code; a job has no git to ask."""
        commit = os.environ.get(COMMIT, UNKNOWN_COMMIT)
        return self.commit if commit == UNKNOWN_COMMIT else commit

    def shared_prefix(self):
        """Return the S3 address under which Metaflow keeps artifacts; empty where they are on this machine's disk."""
        store = getattr(self._datastore, "orig_datastore", self._datastore)  # of `spin`: that of the past run
        return DATASTORE_SYSROOT_S3 if store.TYPE == "s3" else ""  # Metaflow has no other way to tell

    def merge_artifacts(self, inputs, exclude=None, include=None):
        """Take artifacts over from the tasks that a step joins: by reference, or by value where `spin` tries the step.

        A task of `spin` has a datastore of its own, in which Metaflow's references lead nowhere.
        """
        if any(isinstance(task._datastore, SpinTaskDatastore) for task in inputs):
            for name in include:
                setattr(self, name, getattr(next(iter(inputs)), name))
        else:
            super().merge_artifacts(inputs, exclude=exclude, include=include)

    def pass_on(self, artifact):
        """Load an artifact to work on: it is passed on as it was, by reference, and not stored by this task again."""
        value = getattr(self, artifact)
        delattr(self, artifact)
        return value
