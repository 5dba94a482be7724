"""Flows deployed to Step Functions on the local AWS twin: what is created, what starts it, and that it runs."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.aws, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
NAMES = {f"scarcegan.test.staging.{flow}" for flow in ("FeaturesFlow", "ScoreFlow", "RetrainFlow")}


@pytest.fixture(scope="module")
def run(account):
    """Run a Python program as the user who deploys and return what it printed."""

    def run(*arguments):
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=account.folder,
            env=account.environment("dora"),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


@pytest.fixture(scope="module")
def deployed(account, run, tiny):
    """Deploy to staging, twice: the second time updates. Returns the ARNs by name."""
    outputs = account.twin.outputs
    sections = {
        "telemetry": {"shards": 2},
        "snapshots": {"folder": outputs["SnapshotsFolder"]},
        "scoring": {"folder": outputs["ScoresFolder"]},
        "outcomes": {"folder": f"s3://{outputs['BucketName']}/outcomes"},
        "registry": {"kind": "sagemaker", "archives": outputs["RegistryArchives"]},
        "deployment": {"scoring_role": outputs["ScoringRoleArn"]},
    }
    (account.folder / "our.toml").write_text(tiny(sections))
    for _ in range(2):
        run(str(ROOT / "flows" / "deploy.py"), "--config", "our.toml", "--to", "staging")
    machines = account.client("stepfunctions").list_state_machines()["stateMachines"]
    assert len(machines) == len(NAMES)
    return {machine["name"]: machine["stateMachineArn"] for machine in machines}


def finished(account, arn):
    """Wait for the one execution of a state machine and describe it."""
    client, limit = account.client("stepfunctions"), time.monotonic() + 300
    while time.monotonic() < limit:
        [execution] = client.list_executions(stateMachineArn=arn)["executions"]
        if execution["status"] != "RUNNING":
            break
        time.sleep(0.5)
    return client.describe_execution(executionArn=execution["executionArn"])


def test_each_flow_is_a_state_machine_of_the_project_and_branch(deployed):
    assert set(deployed) == NAMES


def test_the_schedule_is_a_rule_that_starts_scoring_with_defaults(account, deployed):
    events, name = account.client("events"), "scarcegan.test.staging.ScoreFlow"
    scheduled = [rule for rule in events.list_rules()["Rules"] if rule.get("ScheduleExpression")]
    assert [(rule["Name"], rule["ScheduleExpression"], rule["State"]) for rule in scheduled] == [
        (name, "cron(0 5 ? * MON *)", "ENABLED")
    ]
    [target] = events.list_targets_by_rule(Rule=name)["Targets"]
    assert target["Arn"] == deployed[name]
    assert target["RoleArn"] == account.twin.environment["METAFLOW_EVENTS_SFN_ACCESS_IAM_ROLE"]
    assert target["Input"] == '{"Parameters": "{}"}'


def test_scoring_has_its_own_role(account, deployed):
    def roles(name):
        described = account.client("stepfunctions").describe_state_machine(stateMachineArn=deployed[name])
        named = sorted(set(re.findall(r'"JobDefinition": "([^"]+)"', described["definition"])))
        found = account.client("batch").describe_job_definitions(jobDefinitions=named)["jobDefinitions"]
        return {one["containerProperties"]["jobRoleArn"] for one in found}

    assert roles("scarcegan.test.staging.ScoreFlow") == {account.twin.outputs["ScoringRoleArn"]}
    training = account.twin.environment["METAFLOW_ECS_S3_ACCESS_IAM_ROLE"]
    assert roles("scarcegan.test.staging.RetrainFlow") == {training}


def test_a_triggered_execution_runs_the_flow_to_its_end(account, deployed, run):
    flow = [str(ROOT / "flows" / "features_flow.py"), "--config", "config", "our.toml", "--branch", "staging"]
    run(*flow, "step-functions", "trigger", "--cutoff", "2026-01-01")
    ended = finished(account, deployed["scarcegan.test.staging.FeaturesFlow"])
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    # The form in which an event has to tell parameters, too.
    assert json.loads(ended["input"]) == {"Parameters": '{"cutoff": "2026-01-01"}'}
    bucket = account.twin.outputs["BucketName"]
    listed = account.client("s3").list_objects_v2(Bucket=bucket, Prefix="snapshots/")["Contents"]
    assert "snapshots/players-2026-01-01/manifest.json" in [entry["Key"] for entry in listed]


def test_what_an_approval_tells_arrives_as_a_parameter(account, deployed, run):
    """The input is the approval consumer's; this registry has no version 77, and so the run ends at its start."""
    client, arn = account.client("stepfunctions"), deployed["scarcegan.test.staging.ScoreFlow"]
    client.start_execution(stateMachineArn=arn, name="approval", input=json.dumps({"Parameters": '{"version": 77}'}))
    assert json.loads(finished(account, arn)["cause"])["JobName"] == "SFN-ScoreFlow--start--"
    asked = "metaflow.Step('ScoreFlow/sfn-approval/_parameters').task['version'].data"
    assert run("-c", f"import metaflow; metaflow.namespace(None); print({asked})").strip() == "77"


def test_the_documented_deployer_creates_and_triggers(account, deployed, run):
    snippets = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "deploy.md").read_text(), re.DOTALL)
    [snippet] = [text for text in snippets if "import Deployer\n" in text]
    snippet = snippet.replace("flows/", f"{ROOT}/flows/").replace('"staging"', '"python"')
    assert re.search(r"scarcegan\.test\.python\.FeaturesFlow FeaturesFlow/sfn-", run("-c", snippet))
