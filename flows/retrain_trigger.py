"""Start RetrainFlow because drift asks for it: once for each snapshot, however often ScoreFlow is run or resumed."""

import json
import os
import shlex
import uuid
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from metaflow import Flow, Runner
from metaflow.exception import MetaflowException, MetaflowNotFound
from metaflow.plugins.aws.aws_client import get_aws_client
from metaflow.plugins.aws.step_functions.step_functions_client import StepFunctionsClient

from launch import ROOT
from scarcegan.history.client import reading, state_of  # without the frames, which load pandas
from scarcegan.machine import STATE_MACHINE, is_alive, this_process
from scarcegan.monitoring.drift import StartedRetraining
from scarcegan.monitoring.watch import retrainings_of
from scarcegan.preflight import inside_scoring
from scarcegan.problems import Problem, SettingsProblem
from scarcegan.project import flow_command, flow_file

RETRAIN_FLOW = flow_file("retrain")


class RetrainingFailed(Problem):
    """The retraining was started and has failed."""


def execution_of(asked_by, snapshot):
    """Return the execution's name: Step Functions starts it once, however often it is asked."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{asked_by}/{snapshot}"))


@dataclass(frozen=True)
class Retraining:
    """A retraining that drift asks for; its causes are the signals in ScoreFlow's decision.

    Its settings are those of the run that asks: `config`, and `overrides` over it. `asked_by` is the pathspec of that
    run, the same for all its resumes. A relative path of the configuration file counts from the project's root.
    """

    snapshot: str
    causes: tuple[str, ...]
    asked_by: str
    config: str
    overrides: str = ""
    flow: Path = RETRAIN_FLOW

    @property
    def tags(self):
        """The cause, for `scarcegan runs` and the Client API."""
        drift = [f"drift:{cause}" for cause in self.causes]
        return ["cause:drift", *drift, f"snapshot:{self.snapshot}", f"by:{self.asked_by}"]

    @property
    def command(self):
        """What a person types to do the same."""
        tags = "".join(f" --tag {tag}" for tag in self.tags)
        config = shlex.quote(self.config)
        asked = f"--snapshot {self.snapshot}" + (f" --set {shlex.quote(self.overrides)}" if self.overrides else "")
        return f"{flow_command('retrain')} --config config {config} run {asked}{tags}"

    @property
    def parameters(self):
        """What the run is started with."""
        return {"snapshot": self.snapshot} | ({"set": self.overrides} if self.overrides else {})

    def start(self, settings):
        """Run RetrainFlow, tagged with its cause, and wait for it.

        Where ScoreFlow is deployed to Step Functions, the RetrainFlow deployed beside it is started and not waited
        for. An execution has no tags of its own: the artifacts of the run that asks tell the cause.

        Returns the pathspec of the retraining, also of one that this run started before it was resumed; None where
        another run has started one on this snapshot. Raises a SettingsProblem where the configuration does not train
        on snapshots, and a Problem where the retraining could not be started, so that the next run may try again, or
        where it failed: then it can be resumed, and no other is started on this snapshot. What became of one that was
        started before is printed: whether it runs, has finished or failed, and how to resume it.
        """
        if settings.data.source != "snapshot":
            raise SettingsProblem(
                f"monitoring.start_retraining trains on the snapshot that was scored, got data.source "
                f"'{settings.data.source}': set data.source = 'snapshot' and data.path, its labels table"
            )
        inside_scoring(settings, os.environ)  # a resume does not pass `start`
        started = retrainings_of(settings.own_snapshots, settings.registry.group)
        ours = StartedRetraining(self.snapshot, self.asked_by, "" if STATE_MACHINE in os.environ else this_process())
        if not started.claim(self.snapshot, ours):
            claimed = started.find(self.snapshot, StartedRetraining)
            before = self._before(claimed)
            if before:
                run, told = before
                print(f"No other retraining on {self.snapshot}: {told}")
                return run
            # Nothing was started: the task may have died in between, or S3's answer may be lost.
            started.put(self.snapshot, ours)
        try:
            run = self._start_deployed() if STATE_MACHINE in os.environ else self._run_here(started, ours)
        except (RuntimeError, MetaflowException) as error:  # Runner found no run, or RetrainFlow is not deployed
            started.withdraw(self.snapshot)
            raise Problem(
                f"expected a run of {self.flow.name} on snapshot '{self.snapshot}', got none: {error}; "
                "see its message above"
            ) from error
        started.put(self.snapshot, replace(ours, state="finished" if ours.process else "started", run=run))
        return run

    def _before(self, claimed):
        """Return the retraining that a record claims, its pathspec if this run has asked for it, and what became of it.

        None where there is none and it may be started.
        """
        if claimed is None:  # a record that cannot be read
            return None, "another run has started one"
        by_us = claimed.by == self.asked_by
        if by_us and STATE_MACHINE in os.environ:
            return None  # Step Functions starts an execution of one name once
        run = self._found(claimed)
        alive = is_alive(claimed.process) if claimed.process else None
        if run is None and claimed.state != "started":
            return None, f"{claimed.run}, started by {claimed.by}, is {claimed.state}"
        if run is None:
            began_nothing = alive is False or (by_us and not alive)
            return None if began_nothing else (None, f"one was started by {claimed.by}")
        state, step = state_of(run)
        told = f"{run.pathspec}, started by {claimed.by}, is {state}"
        if state == "failed":
            told += f" in step {step}: `{self._resume(run.id)}`"
        elif state == "unfinished" and not alive:
            told += f", and the process that waited for it is gone: unless it still runs, `{self._resume(run.id)}`"
        return run.pathspec if by_us else None, told

    def _resume(self, run_id):
        config = shlex.quote(str(ROOT / self.config))
        return f"python {shlex.quote(str(self.flow))} --config config {config} resume --origin-run-id {run_id}"

    def _found(self, claimed):
        """Return the retraining that was started before, here or deployed, if there is one."""
        execution = f"sfn-{execution_of(claimed.by, self.snapshot)}"
        with reading(), suppress(MetaflowNotFound):  # not found: no run at all
            known = Flow(self.flow.stem.title().replace("_", ""), _namespace_check=False).runs()
            return next((run for run in known if run.id == execution or f"by:{claimed.by}" in run.tags), None)

    def _run_here(self, started, ours):
        """Run the flow on this machine and wait for it; return its pathspec, or keep on record that it failed."""
        with Runner(str(self.flow), show_output=True, config=[("config", str(ROOT / self.config))]) as runner:
            done = runner.run(**self.parameters, tags=self.tags)
        if done.returncode:
            started.put(self.snapshot, replace(ours, state="failed", run=done.run.pathspec))
            raise RetrainingFailed(
                f"expected {done.run.pathspec} to retrain on snapshot '{self.snapshot}', but it failed, see its "
                f"message above: mend that and `{self._resume(done.run.id)}`; no other is started on this snapshot"
            )
        return done.run.pathspec

    def _start_deployed(self):
        """Start the RetrainFlow that was deployed with the flow that asks; return the run's pathspec."""
        client, name = get_aws_client("stepfunctions"), execution_of(self.asked_by, self.snapshot)
        flow = os.environ[STATE_MACHINE].replace("ScoreFlow", "RetrainFlow")
        machine = StepFunctionsClient().get_state_machine_arn(flow)
        if machine is None:
            raise MetaflowException(f"the state machine {flow} doesn't exist: deploy it beside ScoreFlow (make deploy)")
        told = json.dumps({"Parameters": json.dumps(self.parameters)})
        try:
            client.start_execution(stateMachineArn=machine, name=name, input=told)
        except client.exceptions.ExecutionAlreadyExists:  # started before this run was resumed, and ended since
            pass
        except client.exceptions.ClientError as error:
            raise MetaflowException(str(error)) from error
        return f"RetrainFlow/sfn-{name}"
