"""What the stack's roles may do, reasoned from their policies as IAM does: a denial outweighs what is allowed."""

import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import yaml

from scarcegan.aws.bucket import Bucket
from scarcegan.aws.sagemaker import SageMakerRegistry
from scarcegan.storage import s3

TEMPLATE = Path(__file__).parents[2] / "config" / "aws" / "stack.yaml"
STACK = {
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::AccountId": "123456789012",
    "ModelPackageGroup": "risky-players",
    "Project": "scarcegan",
    "Bucket": "models",
    "Bucket.Arn": "arn:aws:s3:::models",
    "InputBucket": "telemetry",
    "FeatureGroup": "players",
}
PACKAGE = "arn:aws:sagemaker:eu-west-1:123456789012:model-package/risky-players/7"
STATUS = "sagemaker:ModelApprovalStatus"
OBJECTS = "arn:aws:s3:::models"
# Two of S3's operations are allowed by the name of another one.
ACTIONS = {"HeadObject": "GetObject", "ListObjectsV2": "ListBucket"}


@pytest.fixture(scope="module")
def resources():
    return resolved(yaml.safe_load(TEMPLATE.read_text())["Resources"])


@pytest.fixture
def may(resources):
    """Tell whether a role, or who has a policy attached, may do something: may("TrainingRole", action, resource)."""

    def ask(who, action, resource, **context):
        effects = {one["Effect"] for one in statements(resources, who) if applies(one, action, resource, context)}
        return effects == {"Allow"}

    return ask


def resolved(node):
    """Replace CloudFormation's functions by the names above; what has none there is `the <name>`."""
    if isinstance(node, list):
        return [resolved(item) for item in node]
    if not isinstance(node, dict):
        return node
    match node:
        case {"Ref": name}:
            return STACK.get(name, f"the {name}")
        case {"Fn::GetAtt": [name, attribute]}:
            return STACK.get(f"{name}.{attribute}", f"the {name}")
        case {"Fn::If": [_, where_it_holds, _]}:
            return resolved(where_it_holds)
        case {"Fn::Sub": text}:
            return re.sub(r"\$\{([^}]+)}", lambda found: STACK[found[1]], text)
    return {key: resolved(value) for key, value in node.items()}


def statements(resources, who):
    """Collect what a role's own, managed and attached policies state, or what a policy does."""
    properties = resources[who]["Properties"]
    if "PolicyDocument" in properties:
        return properties["PolicyDocument"]["Statement"]
    managed = [name.removeprefix("the ") for name in properties.get("ManagedPolicyArns", [])]
    attached = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::IAM::Policy"]
    documents = [resources[name]["Properties"]["PolicyDocument"] for name in managed]
    documents += [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
    documents += [policy["PolicyDocument"] for policy in attached if f"the {who}" in policy["Roles"]]
    return [statement for document in documents for statement in document["Statement"]]


def listed(value):
    return value if isinstance(value, list) else [value]


def applies(statement, action, resource, context):
    named = any(fnmatchcase(action, pattern) for pattern in listed(statement["Action"]))
    meant = any(fnmatchcase(resource, pattern) for pattern in listed(statement["Resource"]))
    return named and meant and all(holds(*test, context) for test in statement.get("Condition", {}).items())


def holds(operator, values, context):
    # A key that the request lacks is not equal to anything.
    equal = all(context.get(key) in listed(wanted) for key, wanted in values.items())
    return {"StringEquals": equal, "StringNotEquals": not equal, "ArnEquals": equal}[operator]


def test_training_cannot_approve(may):
    for status in ("Approved", "Rejected", "PendingManualApproval"):
        assert not may("TrainingRole", "sagemaker:UpdateModelPackage", PACKAGE, **{STATUS: status})


def test_training_cannot_register_a_model_as_approved(may):
    def registers(**context):
        return may("TrainingRole", "sagemaker:CreateModelPackage", PACKAGE, **context)

    assert registers(**{STATUS: "PendingManualApproval"})
    assert not registers(**{STATUS: "Approved"})
    assert not registers()


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("sagemaker:DeleteModelPackage", PACKAGE),
        ("sagemaker:PutModelPackageGroupPolicy", PACKAGE),
        ("sagemaker:CreateModelPackage", PACKAGE.replace("risky-players", "others")),
        ("s3:PutObject", f"{OBJECTS}/registry/decisions/risky-players/7/now.json"),
        ("s3:PutObject", f"{OBJECTS}/metaflow/ScoreFlow/1/end/9/data"),
        ("s3:DeleteObject", f"{OBJECTS}/registry/archives/0/model.tar.gz"),
        ("s3:GetObject", "arn:aws:s3:::others/registry/archives/0/model.tar.gz"),
        ("s3:PutObject", "arn:aws:s3:::telemetry/2026-11-01/part-0.parquet"),
    ],
)
def test_training_cannot_unmake_nor_touch_what_is_not_its_own(may, action, resource):
    assert not may("TrainingRole", action, resource, **{STATUS: "PendingManualApproval"})


@pytest.mark.parametrize(
    "key",
    [
        "metaflow/RetrainFlow/17/train/3/0.data.json",
        "metaflow/RetrainFlow/checkpoints/17/fold_0.npz",
        "metaflow/RetrainFlow/data/ab/abcd",
        "metaflow/mf.cards/RetrainFlow/runs/17/steps/train/tasks/3/cards/blank-training.html",
        "snapshots/players-2026-11-01/part-0.parquet",
    ],
)
def test_training_writes_its_artifacts_checkpoints_cards_and_snapshots(may, key):
    assert may("TrainingRole", "s3:PutObject", f"{OBJECTS}/{key}")
    assert not may("ScoringRole", "s3:PutObject", f"{OBJECTS}/{key}")
    assert not may("ScoringRole", "s3:DeleteObject", f"{OBJECTS}/{key}")


def test_scoring_reads_models_and_snapshots_and_writes_scores(may):
    for key in ("registry/archives/0/model.tar.gz", "snapshots/players-2026-11-01/part-0.parquet"):
        assert may("ScoringRole", "s3:GetObject", f"{OBJECTS}/{key}")
        assert not may("ScoringRole", "s3:PutObject", f"{OBJECTS}/{key}")
    assert may("ScoringRole", "s3:PutObject", f"{OBJECTS}/scores/2026-11-01/part-0.parquet")
    assert may("ScoringRole", "s3:PutObject", f"{OBJECTS}/metaflow/ScoreFlow/1/score/4/0.data.json")
    assert may("ScoringRole", "sagemaker:DescribeModelPackage", PACKAGE)
    for action in ("CreateModelPackage", "UpdateModelPackage"):
        assert not may("ScoringRole", f"sagemaker:{action}", PACKAGE, **{STATUS: "PendingManualApproval"})


def test_scoring_keeps_records_of_drift_and_starts_a_retraining_and_nothing_else(may):
    machines = "arn:aws:states:eu-west-1:123456789012:stateMachine:scarcegan.prod"
    assert may("ScoringRole", "s3:PutObject", f"{OBJECTS}/snapshots/_drift/risky-players/started/players-1.json")
    assert may("ScoringRole", "states:StartExecution", f"{machines}.RetrainFlow")
    assert not may("ScoringRole", "states:StartExecution", f"{machines}.FeaturesFlow")
    assert not may("ScoringRole", "states:UpdateStateMachine", f"{machines}.RetrainFlow")


def test_jobs_tell_what_happened_and_only_jobs_do(may):
    assert may("TrainingRole", "sns:Publish", "the Alarms")
    assert may("ScoringRole", "sns:Publish", "the Alarms")
    assert not may("StepFunctionsRole", "sns:Publish", "the Alarms")


def test_jobs_read_the_input_bucket_and_count_foreachs(may):
    for role in ("TrainingRole", "ScoringRole"):
        assert may(role, "s3:GetObject", "arn:aws:s3:::telemetry/2026-11-01/part-0.parquet")
        assert may(role, "dynamodb:UpdateItem", "the ForeachTable")
        assert may(role, "kms:GenerateDataKey", "the KmsKeyArn")


@pytest.mark.parametrize(
    ("service", "roles"),
    [
        ("ecs-tasks", {"TrainingRole", "ScoringRole"}),
        ("states", {"StepFunctionsRole"}),
        ("events", {"EventsRole"}),
        ("ec2", set()),
        ("lambda", set()),
    ],
)
def test_who_starts_runs_hands_each_role_to_the_service_it_is_for(may, service, roles):
    every = ("TrainingRole", "ScoringRole", "StepFunctionsRole", "EventsRole", "InstanceRole", "BatchRole")
    told = {"iam:PassedToService": f"{service}.amazonaws.com"}
    assert {role for role in every if may("LaunchesRuns", "iam:PassRole", f"the {role}", **told)} == roles


@pytest.mark.parametrize("who", ["TrainingRole", "ScoringRole", "StepFunctionsRole", "LaunchesRuns", "ApprovesModels"])
def test_everybody_who_reads_the_bucket_uses_its_key(may, who):
    for action in ("kms:Decrypt", "kms:GenerateDataKey"):
        assert may(who, action, "the KmsKeyArn")


# Which actions know no resource, by AWS's service authorization reference.
KNOW_NO_RESOURCE = {
    "batch:DescribeComputeEnvironments",
    "batch:DescribeJobDefinitions",
    "batch:DescribeJobQueues",
    "batch:DescribeJobs",
    "batch:ListJobs",
    "ec2:DescribeInstanceTypes",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "sagemaker:ListModelPackageGroups",
    "servicequotas:GetServiceQuota",
    "states:ListStateMachines",
}


def test_only_actions_that_know_no_resource_are_allowed_on_all(resources):
    policies = [one["Properties"] for one in resources.values() if one["Type"].startswith("AWS::IAM::")]
    documents = [one["PolicyDocument"] for one in policies if "PolicyDocument" in one]
    documents += [inline["PolicyDocument"] for one in policies for inline in one.get("Policies", [])]
    allowed = [
        action
        for document in documents
        for statement in document["Statement"]
        if statement["Effect"] == "Allow" and "*" in listed(statement["Resource"])
        for action in listed(statement["Action"])
    ]
    assert set(allowed) <= KNOW_NO_RESOURCE


def test_no_policy_allows_actions_by_pattern(resources):
    text = yaml.safe_dump({name: one for name, one in resources.items() if one["Type"].startswith("AWS::IAM::")})
    assert re.findall(r"- \w+:\w*\*", text) == []


def test_who_starts_runs_neither_approves_nor_decides(may):
    assert not may("LaunchesRuns", "sagemaker:UpdateModelPackage", PACKAGE)
    assert not may("LaunchesRuns", "s3:PutObject", f"{OBJECTS}/registry/decisions/risky-players/7/now.json")


def test_reviewers_approve_and_train_nothing(may):
    assert may("ApprovesModels", "sagemaker:UpdateModelPackage", PACKAGE)
    assert may("ApprovesModels", "s3:PutObject", f"{OBJECTS}/registry/decisions/risky-players/7/now.json")
    assert not may("ApprovesModels", "sagemaker:CreateModelPackage", PACKAGE)
    assert not may("ApprovesModels", "batch:SubmitJob", "any")


def test_who_starts_runs_publishes_snapshots_and_reviewers_keep_outcomes(may):
    snapshot, outcome = f"{OBJECTS}/snapshots/players-2026-11-01/part-0.parquet", f"{OBJECTS}/outcomes/4711.json"
    for action in ("s3:PutObject", "s3:DeleteObject"):
        assert may("LaunchesRuns", action, snapshot)
        assert not may("ApprovesModels", action, snapshot)
    assert may("ApprovesModels", "s3:PutObject", outcome)
    assert not may("ApprovesModels", "s3:DeleteObject", outcome)
    for role in ("LaunchesRuns", "TrainingRole", "ScoringRole"):
        assert not may(role, "s3:PutObject", outcome)


def test_eventbridge_starts_the_projects_state_machines_alone(may):
    machine = "arn:aws:states:eu-west-1:123456789012:stateMachine:"
    assert may("EventsRole", "states:StartExecution", f"{machine}scarcegan_RetrainFlow")
    assert not may("EventsRole", "states:StartExecution", f"{machine}payroll")


def test_training_may_do_all_that_a_registration_asks_for(may, aws_account, tmp_path, make_release, evaluation):
    asked = set()

    def note(model, params, **_):
        path = params["url_path"].removeprefix("/models").strip("/")
        asked.add((model.service_model.service_id.lower(), model.name, path))

    asking = (s3.client(), aws_account("sagemaker"))
    for client in asking:
        client.meta.events.register("before-call", note, unique_id="training-role")
    bucket = Bucket("s3://models/registry", tmp_path / "cache")
    registry = SageMakerRegistry("risky-players", bucket, asking[1], image="some/image")
    registry.register_release(make_release(evaluation=evaluation))
    registry.fetch(registry.show(1).sha256)
    asking[1].meta.events.unregister("before-call", unique_id="training-role")
    assert {"CreateModelPackage", "PutObject", "GetObject"} <= {operation for _, operation, _ in asked}
    for service, operation, path in sorted(asked):
        resource = "/".join(filter(None, [OBJECTS, path])) if service == "s3" else PACKAGE
        action = f"{service}:{ACTIONS.get(operation, operation)}"
        assert may("TrainingRole", action, resource, **{STATUS: "PendingManualApproval"}), (action, resource)
