"""What the role of a training job may do, reasoned from its policy as IAM does: a denial outweighs what is allowed."""

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import yaml

from scarcegan.registry.bucket import Bucket
from scarcegan.registry.sagemaker import SageMakerRegistry

TEMPLATE = Path(__file__).parents[2] / "config" / "aws" / "stack.yaml"
STACK = {
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::AccountId": "123456789012",
    "ModelPackageGroup": "risky-players",
    "Bucket": "models",
}
PACKAGE = "arn:aws:sagemaker:eu-west-1:123456789012:model-package/risky-players/7"
STATUS = "sagemaker:ModelApprovalStatus"
# Two of S3's operations are allowed by the name of another one.
ACTIONS = {"HeadObject": "GetObject", "ListObjectsV2": "ListBucket"}


@pytest.fixture(scope="module")
def statements():
    document = yaml.safe_load(TEMPLATE.read_text())["Resources"]["TrainingRegistersModels"]["Properties"][
        "PolicyDocument"
    ]
    text = re.sub(r"\$\{([^}]+)}", lambda found: STACK[found[1]], json.dumps(document))
    return json.loads(text, object_hook=lambda found: found.get("Fn::Sub", found))["Statement"]


@pytest.fixture
def may(statements):
    def ask(action, resource, **context):
        effects = {one["Effect"] for one in statements if applies(one, action, resource, context)}
        return effects == {"Allow"}

    return ask


def listed(value):
    return value if isinstance(value, list) else [value]


def applies(statement, action, resource, context):
    named = any(fnmatchcase(action, pattern) for pattern in listed(statement["Action"]))
    meant = any(fnmatchcase(resource, pattern) for pattern in listed(statement["Resource"]))
    return named and meant and all(holds(*test, context) for test in statement.get("Condition", {}).items())


def holds(operator, values, context):
    # A key that the request lacks is not equal to anything.
    equal = all(context.get(key) in listed(wanted) for key, wanted in values.items())
    return {"StringEquals": equal, "StringNotEquals": not equal}[operator]


def test_training_cannot_approve(may):
    for status in ("Approved", "Rejected", "PendingManualApproval"):
        assert not may("sagemaker:UpdateModelPackage", PACKAGE, **{STATUS: status})


def test_training_cannot_register_a_model_as_approved(may):
    assert may("sagemaker:CreateModelPackage", PACKAGE, **{STATUS: "PendingManualApproval"})
    assert not may("sagemaker:CreateModelPackage", PACKAGE, **{STATUS: "Approved"})
    assert not may("sagemaker:CreateModelPackage", PACKAGE)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("sagemaker:DeleteModelPackage", PACKAGE),
        ("sagemaker:PutModelPackageGroupPolicy", PACKAGE),
        ("sagemaker:CreateModelPackage", PACKAGE.replace("risky-players", "others")),
        ("s3:PutObject", "arn:aws:s3:::models/registry/decisions/risky-players/7/now.json"),
        ("s3:DeleteObject", "arn:aws:s3:::models/registry/archives/0/model.tar.gz"),
        ("s3:GetObject", "arn:aws:s3:::others/registry/archives/0/model.tar.gz"),
    ],
)
def test_training_cannot_unmake_nor_touch_what_is_not_its_own(may, action, resource):
    assert not may(action, resource, **{STATUS: "PendingManualApproval"})


def test_training_may_do_all_that_a_registration_asks_for(may, aws, tmp_path, make_release):
    asked = set()

    def note(model, params, **_):
        path = params["url_path"].removeprefix("/models").strip("/")
        asked.add((model.service_model.service_id.lower(), model.name, path))

    for name in ("s3", "sagemaker"):
        aws(name).meta.events.register("before-call", note, unique_id="training-role")
    bucket = Bucket("s3://models/registry", aws("s3"), tmp_path / "cache")
    registry = SageMakerRegistry("risky-players", bucket, aws("sagemaker"), image="some/image")
    registry.register_release(make_release(model_quality="{}", model_card="{}"))
    registry.fetch_archive(1)
    for name in ("s3", "sagemaker"):
        aws(name).meta.events.unregister("before-call", unique_id="training-role")
    assert {"CreateModelPackage", "PutObject", "GetObject"} <= {operation for _, operation, _ in asked}
    for service, operation, path in sorted(asked):
        resource = "/".join(filter(None, ["arn:aws:s3:::models", path])) if service == "s3" else PACKAGE
        action = f"{service}:{ACTIONS.get(operation, operation)}"
        assert may(action, resource, **{STATUS: "PendingManualApproval"}), (action, resource)
