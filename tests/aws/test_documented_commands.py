"""What the docs tell people to type is allowed for the role they have: all calls of it, judged by the stack's policies.

The commands run on the local twin, which enforces no policy; each process notes its calls (tests/flows/faults).
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
import yaml

pytestmark = [pytest.mark.aws, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
FAULTS = ROOT / "tests" / "flows" / "faults"
GROUP = "players-of-lena"
PLACE = "eu-west-1:123456789012"
# Who types the commands, with which of the stack's policies.
PEOPLE = {"lena": "LaunchesRuns", "rita": "ApprovesModels"}
SAME_RIGHT = {
    "HeadObject": "GetObject",
    "HeadBucket": "ListBucket",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "DeleteObjects": "DeleteObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
}
# The parameters that name what a call is about, by what stands before their values in an ARN.
NAMED = {
    "s3": {"Bucket": "arn:aws:s3:::"},
    "sagemaker": {
        "ModelPackageName": "",
        "ModelPackageArn": "",
        "ModelPackageGroupName": f"arn:aws:sagemaker:{PLACE}:model-package-group/",
        "FeatureGroupName": f"arn:aws:sagemaker:{PLACE}:feature-group/",
    },
    "batch": {
        "jobDefinitionName": f"arn:aws:batch:{PLACE}:job-definition/",
        "jobDefinition": f"arn:aws:batch:{PLACE}:job-definition/",
        "jobQueue": f"arn:aws:batch:{PLACE}:job-queue/",
        "jobId": f"arn:aws:batch:{PLACE}:job/",
    },
    "states": {
        "stateMachineArn": "",
        "executionArn": "",
        "name": f"arn:aws:states:{PLACE}:stateMachine:",
    },
    "events": {"Name": f"arn:aws:events:{PLACE}:rule/", "Rule": f"arn:aws:events:{PLACE}:rule/"},
    "iam": {"RoleName": f"arn:aws:iam::{PLACE.partition(':')[2]}:role/"},
    "ecr": {"repositoryName": f"arn:aws:ecr:{PLACE}:repository/"},
    "dynamodb": {"TableName": f"arn:aws:dynamodb:{PLACE}:table/"},
    "logs": {"logGroupName": f"arn:aws:logs:{PLACE}:log-group:"},
}
FEATURES = "players"  # the feature group that test_roles.py gives the template, and the role that the stack would make
FEATURES_ROLE = f"arn:aws:iam::{PLACE.partition(':')[2]}:role/feature-store"
# The roles that a call hands over, and to which service.
HANDED = {
    "RegisterJobDefinition": ("ecs-tasks", lambda told: [told["containerProperties"]["jobRoleArn"]]),
    "CreateStateMachine": ("states", lambda told: [told["roleArn"]]),
    "UpdateStateMachine": ("states", lambda told: [told["roleArn"]]),
    "CreateFeatureGroup": ("sagemaker", lambda told: [told["RoleArn"]]),
    "PutTargets": ("events", lambda told: [one["RoleArn"] for one in told["Targets"]]),
}


def rights(service, operation, parameters, no_resource):
    """Yield action, resource and context of each right that a call takes, by the service authorization reference."""
    action = f"{service}:{SAME_RIGHT.get(operation, operation)}"
    if action == "sts:GetCallerIdentity":  # anybody may
        return
    known = NAMED.get(service, {})
    places = [parameters, *parameters.get("Entries", [])]  # BatchWriteRecord names it in each
    told = [(before, str(one[name])) for one in places for name, before in known.items() if one.get(name)]
    named = [text if text.startswith("arn:") else before + text for before, text in told]
    if service == "s3" and action != "s3:ListBucket" and action != "s3:GetBucketLocation":
        keys = [one["Key"] for one in parameters.get("Delete", {}).get("Objects", [])] or [parameters["Key"]]
        # A try to write stays where it may not be removed; see scarcegan.storage.require_writable.
        keys = [key for key in keys if action != "s3:DeleteObject" or not key.endswith("/.writable")]
        named = [f"{named[0]}/{key}" for key in keys]
    if operation == "CreateModelPackage":
        named = [one.replace("model-package-group", "model-package") + "/1" for one in named]
    if action in no_resource:
        named = ["*"]
    if operation == "StartExecution":
        named = named[:1]  # its name is that of the execution
    assert named or action == "s3:DeleteObject", f"what is {action} about, with {parameters}?"
    status = parameters.get("ModelApprovalStatus")
    yield from ((action, one, {"sagemaker:ModelApprovalStatus": status} if status else {}) for one in named)
    if operation in HANDED:
        service, roles = HANDED[operation]
        for role in roles(parameters):
            yield "iam:PassRole", role, {"iam:PassedToService": f"{service}.amazonaws.com"}


@pytest.fixture(scope="module")
def judge(account):
    """The module of the other tests of policies, with the twin's own names for what the template makes."""
    spec = importlib.util.spec_from_file_location("roles", Path(__file__).with_name("test_roles.py"))
    roles = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(roles)
    found = account.client("cloudformation").list_stack_resources(StackName="scarcegan")["StackResourceSummaries"]
    names = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found}
    arns = {f"{role['RoleName']}.Arn": role["Arn"] for role in account.client("iam").list_roles()["Roles"]}
    made = {f"{name}.Arn": arns[f"{role}.Arn"] for name, role in names.items() if f"{role}.Arn" in arns}
    bucket = account.twin.outputs["BucketName"]
    made |= {"Bucket": bucket, "Bucket.Arn": f"arn:aws:s3:::{bucket}", "ModelPackageGroup": GROUP}
    made |= {"ForeachTable.Arn": f"{NAMED['dynamodb']['TableName']}{names['ForeachTable']}"}
    made |= {"FeatureGroup": FEATURES, "FeatureStoreRole.Arn": FEATURES_ROLE}
    made |= {"Images.Arn": f"{NAMED['ecr']['repositoryName']}scarcegan"}
    with patch.dict(roles.STACK, made):
        resources = roles.resolved(yaml.safe_load(roles.TEMPLATE.read_text())["Resources"])
    return roles, resources


@pytest.fixture(scope="module")
def note(account):
    return account.folder / "calls.jsonl"


@pytest.fixture(scope="module")
def types(account, note):
    """Let somebody type a command, whose jobs run with a role; in the end all of them must have gone well."""
    failed = []

    def type_it(user, *command, jobs="TrainingRole", **environment):
        image = account.image(jobs, f"calls:{jobs}:{note}")
        told = account.environment(user) | {
            "SCARCEGAN_FAULT": f"calls:{PEOPLE[user]}:{note}",
            "PYTHONPATH": os.pathsep.join([str(FAULTS), str(ROOT)]),
            "METAFLOW_BATCH_CONTAINER_IMAGE": image,
        }
        line = [sys.executable, "-c", "from scarcegan.cli import app; app()", *command]
        if command[0].endswith(".py"):
            line = [sys.executable, str(ROOT / "flows" / command[0]), *command[1:]]
        done = subprocess.run(
            line, env=told | environment, cwd=account.folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            failed.append(f"{' '.join(command)}: {done.stdout}{done.stderr}")

    yield type_it
    assert failed == []


@pytest.fixture(scope="module")
def players(account):
    """Tables of players on S3, and everybody on this disk."""
    rng = np.random.default_rng(5)
    counts = {"dormant": 40, "normal": 40, "heavy": 40, "risky": 30, "unlabeled": 400}
    place = account.folder / "tables"
    place.mkdir()
    for number, (name, rows) in enumerate(counts.items()):
        features = rng.normal(3 if name == "risky" else 0, 1, (rows, 3)).round(4)
        table = pd.DataFrame(features, columns=["stakes", "nights", "chases"])
        table.assign(player_id=range(1000 * number, 1000 * number + rows)).to_csv(place / f"{name}.csv", index=False)
        account.client("s3").upload_file(
            str(place / f"{name}.csv"), account.twin.outputs["BucketName"], f"data/november/{name}.csv"
        )
    return place / "unlabeled.csv"


@pytest.fixture(scope="module")
def calls(account, tiny, types, players, note):
    """Type what the docs tell launchers and reviewers to type, and return the calls that it made."""
    outputs = account.twin.outputs
    bucket = f"s3://{outputs['BucketName']}"
    sections = {
        "registry": {"kind": "sagemaker", "group": GROUP, "image": "serving", "archives": outputs["RegistryArchives"]},
        "data": {"source": "tables", "path": f"{bucket}/data/november", "prevalence": 0.05},
        "telemetry": {"path": f"{bucket}/data/telemetry"},  # nothing is there: the triggered flow ends at its start
        "snapshots": {"folder": outputs["SnapshotsFolder"]},
        "scoring": {"folder": outputs["ScoresFolder"]},
        "outcomes": {"folder": f"{bucket}/outcomes"},
        "train": {"families": [], "iterations": 10},
        "evaluate": {"rivals": ["logistic_regression"]},
        "deployment": {"scoring_role": outputs["ScoringRoleArn"]},
    }
    (account.folder / "documented.toml").write_text(tiny(sections))
    own = ["--config", "documented.toml"]
    flow = ["--config", "config", "documented.toml"]
    scoring = {"jobs": "ScoringRole", "METAFLOW_ECS_S3_ACCESS_IAM_ROLE": outputs["ScoringRoleArn"]}
    types("lena", "preflight", *own)
    types("lena", "retrain_flow.py", *flow, "run", "--with", "batch", "--run-id-file", "documented-run")
    run_id = (account.folder / "documented-run").read_text()
    for command in (["models", "list", *own], ["runs", "list"], ["runs", "show", run_id], ["prune", *own]):
        types("lena", *command)
    types("lena", "retrain_flow.py", *flow, "card", "get", f"{run_id}/end", "card.html", "--id", "cost")
    types("rita", "report", run_id, *own)
    for command in (
        ["models", "list"],
        ["models", "show", "1"],
        ["models", "compare", "1", "2"],
        ["models", "approve", "1", "3", "--reason", "good", "--force"],
        ["models", "reject", "2", "--reason", "flags too many"],
    ):
        types("rita", *command, *own)
    types("lena", "snapshots", "publish", str(players), "--name", "players-2026-11-01", *own)
    types("lena", "snapshots", "list", *own)
    scored = ["run", "--with", "batch", "--version", "1", "--snapshot", "players-2026-11-01"]
    types("lena", "score_flow.py", *flow, *scored, **scoring)
    told = ["--player", "4001", "--snapshot", "players-2026-11-01", "--decision", "harmless", "--reason", "fine"]
    for command in (
        ["outcomes", "add", *told],
        ["outcomes", "list"],
        ["outcomes", "report"],
        ["models", "rollback", "--reason", "complaints", "--force"],
    ):
        types("rita", *command, *own)
    _publish_features(account, types, bucket, sections, tiny)
    types("lena", "deploy.py", *own)
    types("lena", "features_flow.py", *flow, "step-functions", "trigger")
    for command in ("list-runs", "delete"):
        types("lena", "features_flow.py", *flow, "step-functions", command)
    types("lena", "retrain_flow.py", "resume", "end", "--with", "batch", "--origin-run-id", run_id)
    lines = {line for line in note.read_text().splitlines() if line}
    return [json.loads(line) for line in sorted(lines)]


def _publish_features(account, types, bucket, sections, tiny):
    """Publish the features of telemetry, and a table of the same features, both into a feature group as well."""
    rows = [(player, f"2025-12-{day:02d}", 1.0 + (player + day) % 7) for player in range(20) for day in range(1, 32)]
    table = pd.DataFrame(rows, columns=["player_id", "date", "sessions"])
    table.to_parquet(account.folder / "daily.parquet", index=False)
    account.client("s3").upload_file(
        str(account.folder / "daily.parquet"), account.twin.outputs["BucketName"], "data/daily.parquet"
    )
    roles = {"activity": "sessions", "intensity": "sessions", "night": "", "loss": "", "deposit": ""}
    group = {"feature_group": FEATURES, "feature_group_role": FEATURES_ROLE, "prefix": "features-"}
    chosen = sections | {
        "snapshots": sections["snapshots"] | group,
        "telemetry": {"path": f"{bucket}/data/daily.parquet", "shards": 1, "cutoffs": ["2026-01-01"]},
        "telemetry.roles": roles,
        "features": {"window_days": 28},
    }
    (account.folder / "features.toml").write_text(tiny(chosen))
    flow = ["--config", "config", "features.toml"]
    types("lena", "features_flow.py", *flow, "run", "--with", "batch")
    name, place = account.twin.outputs["BucketName"], f"{sections['snapshots']['folder']}/features-2026-01-01/part-"
    listed = account.client("s3").list_objects_v2(Bucket=name, Prefix=place.removeprefix(f"{bucket}/"))
    part = f"{bucket}/{listed['Contents'][0]['Key']}"
    types("lena", "snapshots", "publish", part, "--name", "features-2026-02-01", "--config", "features.toml")


@pytest.mark.parametrize("who", ["LaunchesRuns", "TrainingRole", "ScoringRole", "ApprovesModels"])
def test_all_that_is_documented_is_allowed(calls, judge, who):
    roles, resources = judge
    stated, refused = roles.statements(resources, who), set()
    own = [call[1:] for call in calls if call[0] == who]
    assert len(own) > 10
    assert ("BatchWriteRecord" in {call[1] for call in own}) == (who in ("LaunchesRuns", "TrainingRole"))
    for service, operation, parameters in own:
        for action, resource, context in rights(service, operation, parameters, roles.KNOW_NO_RESOURCE):
            effects = {one["Effect"] for one in stated if roles.applies(one, action, resource, context)}
            if effects != {"Allow"}:
                refused.add((action, resource))
    assert sorted(refused) == []
