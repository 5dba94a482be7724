"""Start RetrainFlow because drift asks for it: once for each snapshot, however often ScoreFlow is run or resumed."""

import json
import os
import uuid
from pathlib import Path

from metaflow import Flow, Runner
from metaflow.exception import MetaflowException, MetaflowNotFound
from metaflow.plugins.aws.aws_client import get_aws_client
from metaflow.plugins.aws.step_functions.step_functions_client import StepFunctionsClient

from scarcegan.monitoring.drift import StartedRetraining
from scarcegan.monitoring.watch import retrainings_of
from scarcegan.preflight import inside_scoring
from scarcegan.problems import Problem, SettingsProblem
from scarcegan.snapshots import open_snapshots

RETRAIN_FLOW = Path(__file__).resolve().parent / "retrain_flow.py"
STATE_MACHINE = "SFN_STATE_MACHINE"  # Metaflow tells the tasks of a deployed flow its name there


def start_retraining(decision, snapshot, run, config, settings, flow=RETRAIN_FLOW):
    """Run RetrainFlow on a snapshot, tagged with its cause, and wait for it.

    Where ScoreFlow is deployed to Step Functions, the RetrainFlow deployed beside it is started and not waited for. An
    execution has no tags of its own: the cause is told by the artifacts of the run that asks, and by the record.

    Args:
        decision: of ScoreFlow; its `causes` become tags.
        snapshot: name of the snapshot to train on.
        run: pathspec of the run that asks, the same for all its resumes.
        config: path of the configuration file.
        settings: the resolved settings; `data.source` is 'snapshot'.
        flow: the flow's file.

    Returns:
        The pathspec of the retraining, also of one that this run has started before it was resumed; None where another
        run has started one on this snapshot before.

    Raises:
        SettingsProblem: the configuration trains on something else than snapshots.
        Problem: the retraining could not be started, and the next run may try again; or it failed, and no other is
            started on this snapshot: it can be resumed.
    """
    if settings.data.source != "snapshot":
        raise SettingsProblem(
            f"monitoring.start_retraining trains on the snapshot that was scored, got data.source "
            f"'{settings.data.source}': set data.source = 'snapshot' and data.path, its labels table"
        )
    inside_scoring(settings, os.environ)  # a resume does not pass `start`
    started = retrainings_of(settings.registry.group, open_snapshots(settings.snapshots.folder))
    if not started.claim(snapshot, StartedRetraining(snapshot, run)):
        claimed = started.find(snapshot, StartedRetraining)
        by = claimed.by if claimed else "another run"
        # Our own claim proves no start: the task may have died in between, or S3's yes have been lost on its way.
        before = _run_before(run, snapshot, flow) if by == run and STATE_MACHINE not in os.environ else None
        if by != run or before:
            print(f"No other retraining on {snapshot}: {before or 'one'} was started by {by}")
            return before
    try:
        if STATE_MACHINE in os.environ:
            return _start_deployed(os.environ[STATE_MACHINE], snapshot, run)
        return _run_here(flow, config, snapshot, tags(decision, snapshot, run))
    except (RuntimeError, MetaflowException) as error:  # there is no run: Runner could not find one, or no deployment
        started.withdraw(snapshot)
        raise Problem(
            f"expected a run of {flow.name} on snapshot '{snapshot}', got none: {error}; see its message above"
        ) from error


def _run_before(run, snapshot, flow):
    """Return the pathspec of the retraining that a run has started, here or deployed, if there is one."""
    deployed, tag = f"sfn-{_execution(run, snapshot)}", f"by:{run}"
    try:
        known = Flow(flow.stem.title().replace("_", ""), _namespace_check=False).runs()
        return next((found.pathspec for found in known if found.id == deployed or tag in found.tags), None)
    except MetaflowNotFound:  # no run at all
        return None


def _execution(run, snapshot):
    """Name the execution that a run asks for: Step Functions starts it once, however often it is asked."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{run}/{snapshot}"))


def _run_here(flow, config, snapshot, given):
    """Run the flow on this machine and wait for it; return the run's pathspec."""
    with Runner(str(flow), show_output=True, config=[("config", str(config))]) as runner:
        done = runner.run(snapshot=snapshot, tags=given)
    if done.returncode:
        raise Problem(
            f"expected {done.run.pathspec} to retrain on snapshot '{snapshot}', but it failed, see its message above: "
            f"mend that and `python {flow} --config config {config} resume --origin-run-id {done.run.id}`; "
            "no other is started on this snapshot"
        )
    return done.run.pathspec


def _start_deployed(asking, snapshot, run):
    """Start the state machine of RetrainFlow that was deployed with the one that asks; return the run's pathspec."""
    client, flow = get_aws_client("stepfunctions"), asking.replace("ScoreFlow", "RetrainFlow")
    name = _execution(run, snapshot)
    machine = StepFunctionsClient().get_state_machine_arn(flow)
    if machine is None:
        raise MetaflowException(f"the state machine {flow} doesn't exist: deploy it beside ScoreFlow (make deploy)")
    told = json.dumps({"Parameters": json.dumps({"snapshot": snapshot})})
    try:
        client.start_execution(stateMachineArn=machine, name=name, input=told)
    except client.exceptions.ExecutionAlreadyExists:  # started before this run was resumed, and ended since
        pass
    except client.exceptions.ClientError as error:
        raise MetaflowException(str(error)) from error
    return f"RetrainFlow/sfn-{name}"


def tags(decision, snapshot, run):
    """Name the cause of a retraining, for `scarcegan runs` and the Client API."""
    return ["cause:drift", *(f"drift:{name}" for name in decision["causes"]), f"snapshot:{snapshot}", f"by:{run}"]


def command(decision, snapshot, run, config):
    """Return what a person types to do the same."""
    given = "".join(f" --tag {tag}" for tag in tags(decision, snapshot, run))
    return f"python flows/retrain_flow.py --config config {config} run --snapshot {snapshot}{given}"
