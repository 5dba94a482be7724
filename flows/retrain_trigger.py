"""Start RetrainFlow because drift asks for it: once for each snapshot, however often ScoreFlow is run or resumed."""

import os
from pathlib import Path

from metaflow import Runner
from metaflow.exception import MetaflowException

from scarcegan.problems import Problem, SettingsProblem
from scarcegan.workflow.watch import retrainings_of

RETRAIN_FLOW = Path(__file__).resolve().parent / "retrain_flow.py"
STATE_MACHINE = "SFN_STATE_MACHINE"  # Metaflow tells the tasks of a deployed flow its name there


def start_retraining(decision, snapshot, run, config, settings, flow=RETRAIN_FLOW):
    """Run RetrainFlow on a snapshot, tagged with its cause, and wait for it.

    Where ScoreFlow is deployed to Step Functions, the RetrainFlow deployed beside it is started and not waited for. An
    execution has no tags of its own: the cause is told by the artifacts of the run that asks, and by the record.

    Args:
        decision: of ScoreFlow; its `causes` become tags.
        snapshot: name of the snapshot to train on.
        run: pathspec of the run that asks.
        config: path of the configuration file.
        settings: the resolved settings; `data.source` is 'snapshot'.
        flow: the flow's file.

    Returns:
        The pathspec of the retraining; None where another run has started one on this snapshot before.

    Raises:
        SettingsProblem: the configuration trains on something else than snapshots.
        Problem: the retraining could not be started; the next run may try again.
    """
    if settings.data.source != "snapshot":
        raise SettingsProblem(
            f"monitoring.start_retraining trains on the snapshot that was scored, got data.source "
            f"'{settings.data.source}': set data.source = 'snapshot' and data.path, its labels table"
        )
    started = retrainings_of(settings)
    if not started.claim(snapshot, {"snapshot": snapshot, "by": run}):
        return None
    try:
        if STATE_MACHINE in os.environ:
            return _start_deployed(os.environ[STATE_MACHINE], snapshot)
        with Runner(str(flow), show_output=True, config=[("config", str(config))]) as runner:
            return runner.run(snapshot=snapshot, tags=tags(decision, snapshot, run)).run.pathspec
    except (RuntimeError, MetaflowException) as error:  # there is no run: Runner could not find one, or no deployment
        started.withdraw(snapshot)
        raise Problem(
            f"expected a run of {flow.name} on snapshot '{snapshot}', got none: {error}; see its message above"
        ) from error


def _start_deployed(asking, snapshot):
    """Start the state machine of RetrainFlow that was deployed with the one that asks; return the run's pathspec."""
    from metaflow.plugins.aws.step_functions.step_functions import StepFunctions

    started = StepFunctions.trigger(asking.replace("ScoreFlow", "RetrainFlow"), {"snapshot": snapshot})
    return f"RetrainFlow/sfn-{started['executionArn'].rpartition(':')[2]}"


def tags(decision, snapshot, run):
    """Name the cause of a retraining, for `scarcegan runs` and the Client API."""
    return ["cause:drift", *(f"drift:{name}" for name in decision["causes"]), f"snapshot:{snapshot}", f"by:{run}"]


def command(decision, snapshot, run, config):
    """Return what a person types to do the same."""
    given = "".join(f" --tag {tag}" for tag in tags(decision, snapshot, run))
    return f"python flows/retrain_flow.py --config config {config} run --snapshot {snapshot}{given}"
