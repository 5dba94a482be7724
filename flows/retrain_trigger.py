"""Start RetrainFlow because drift asks for it: once for each snapshot, however often ScoreFlow is run or resumed."""

import json
import os
import shlex
import uuid
from dataclasses import dataclass
from pathlib import Path

from metaflow import Flow, Runner
from metaflow.exception import MetaflowException, MetaflowNotFound
from metaflow.plugins.aws.aws_client import get_aws_client
from metaflow.plugins.aws.step_functions.step_functions_client import StepFunctionsClient

from launch import ROOT
from scarcegan.machine import STATE_MACHINE
from scarcegan.monitoring.drift import StartedRetraining
from scarcegan.monitoring.watch import retrainings_of
from scarcegan.preflight import inside_scoring
from scarcegan.problems import Problem, SettingsProblem
from scarcegan.project import flow_command, flow_file

RETRAIN_FLOW = flow_file("retrain")


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
        asked = f"--snapshot {self.snapshot}" + (f" --set {shlex.quote(self.overrides)}" if self.overrides else "")
        return f"{flow_command('retrain')} --config config {self.config} run {asked}{tags}"

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
        where it failed: then it can be resumed, and no other is started on this snapshot.
        """
        if settings.data.source != "snapshot":
            raise SettingsProblem(
                f"monitoring.start_retraining trains on the snapshot that was scored, got data.source "
                f"'{settings.data.source}': set data.source = 'snapshot' and data.path, its labels table"
            )
        inside_scoring(settings, os.environ)  # a resume does not pass `start`
        started = retrainings_of(settings.own_snapshots, settings.registry.group)
        if not started.claim(self.snapshot, StartedRetraining(self.snapshot, self.asked_by)):
            claimed = started.find(self.snapshot, StartedRetraining)
            by = claimed.by if claimed else "another run"
            # Our own claim is no proof of a start: the task may have died in between, or S3's answer may be lost.
            before = self._found() if by == self.asked_by and STATE_MACHINE not in os.environ else None
            if by != self.asked_by or before:
                print(f"No other retraining on {self.snapshot}: {before or 'one'} was started by {by}")
                return before
        try:
            return self._start_deployed() if STATE_MACHINE in os.environ else self._run_here()
        except (RuntimeError, MetaflowException) as error:  # Runner found no run, or RetrainFlow is not deployed
            started.withdraw(self.snapshot)
            raise Problem(
                f"expected a run of {self.flow.name} on snapshot '{self.snapshot}', got none: {error}; "
                "see its message above"
            ) from error

    @property
    def _execution(self):
        """The execution's name: Step Functions starts it once, however often it is asked."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.asked_by}/{self.snapshot}"))

    def _found(self):
        """Return the pathspec of the retraining that was started before, here or deployed, if there is one."""
        try:
            known = Flow(self.flow.stem.title().replace("_", ""), _namespace_check=False).runs()
            ours = (run for run in known if run.id == f"sfn-{self._execution}" or f"by:{self.asked_by}" in run.tags)
            return next((run.pathspec for run in ours), None)
        except MetaflowNotFound:  # no run at all
            return None

    def _run_here(self):
        """Run the flow on this machine and wait for it; return the run's pathspec."""
        with Runner(str(self.flow), show_output=True, config=[("config", str(ROOT / self.config))]) as runner:
            done = runner.run(**self.parameters, tags=self.tags)
        if done.returncode:
            raise Problem(
                f"expected {done.run.pathspec} to retrain on snapshot '{self.snapshot}', but it failed, see its "
                f"message above: mend that and `python {self.flow} --config config {ROOT / self.config} resume "
                f"--origin-run-id {done.run.id}`; no other is started on this snapshot"
            )
        return done.run.pathspec

    def _start_deployed(self):
        """Start the RetrainFlow that was deployed with the flow that asks; return the run's pathspec."""
        client, name = get_aws_client("stepfunctions"), self._execution
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
