"""SageMaker alone: what the stand-in for AWS gets wrong, and what only SageMaker has."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from botocore.exceptions import ClientError

from scarcegan import settings
from scarcegan.aws.model_quality import model_quality_json
from scarcegan.backends import open_registry
from scarcegan.problems import Outage, RegistryProblem

GROUP = "risky-players"
IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/tensorflow-inference:2.20-cpu"
REVIEW = {"who": "rita", "why": "finds more"}


class Meddling:
    """A SageMaker client that notes every call, and answers some of them itself."""

    def __init__(self, client, **answers):
        self._client, self._answers, self.calls = client, answers, []

    def __getattr__(self, name):
        def call(**arguments):
            self.calls.append((name, arguments))
            return self._answers.get(name, getattr(self._client, name))(**arguments)

        return getattr(self._client, name) if name == "get_paginator" else call

    def count(self, name):
        return sum(called == name for called, _ in self.calls)


def refusal(code, message="no"):
    status = {"HTTPStatusCode": 400}
    return ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": status}, "Operation")


def failing_after(calls, client, failure):
    """A `create_model_package` that works so many times and then fails."""
    left = iter(range(calls))

    def create(**arguments):
        if next(left, None) is None:
            raise failure
        return client.create_model_package(**arguments)

    return create


@pytest.mark.parametrize(
    ("failure", "seen", "words"),
    [
        (refusal("ThrottlingException"), Outage, r"'review_budget' \(landed so far: recall_first, precision_"),
        (SystemExit("the process is lost"), SystemExit, "lost"),
    ],
)
def test_a_release_cut_short_is_incomplete_and_a_rerun_completes_it(
    aws, open_sagemaker, make_release, failure, seen, words
):
    client = aws("sagemaker")
    cut = Meddling(client, create_model_package=failing_after(2, client, failure))
    with pytest.raises(seen, match=words):
        open_sagemaker(cut).register_release(make_release())
    counted = Meddling(client)
    registry = open_sagemaker(counted)
    with pytest.raises(RegistryProblem, match="incomplete: 2 of 4"):
        registry.approve(1, **REVIEW)
    assert [version.version for version in registry.register_release(make_release())] == [1, 2, 3, 4]
    assert counted.count("create_model_package") == 2
    registry.approve(1, **REVIEW)


def test_eight_at_once_register_one_release_once(aws, open_sagemaker, make_release):
    """The stand-in does not know client tokens: the packages made in between are seen as the same versions."""
    models = make_release(definitions=("balanced", "recall_first"))
    together = Barrier(8)

    def register(_):
        registry = open_sagemaker()
        together.wait()
        return registry.register_release(models)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(register, range(8)))
    assert answers == [answers[0]] * 8
    assert [version.definition for version in open_sagemaker().versions()] == ["balanced", "recall_first"]


def test_a_conflict_with_another_process_is_no_failure(aws, open_sagemaker, make_release):
    """The other one holds the client token, and its package is there by the time this one looks."""
    client = aws("sagemaker")

    def conflicts(**arguments):
        client.create_model_package(**arguments)
        raise refusal("ConflictException", "a request with this token is in progress")

    registry = open_sagemaker(Meddling(client, create_model_package=conflicts))
    assert [version.version for version in registry.register_release(make_release())] == [1, 2, 3, 4]


def test_every_package_carries_its_own_token_and_registering_again_creates_nothing(aws, open_sagemaker, make_release):
    client = Meddling(aws("sagemaker"))
    models = make_release()
    open_sagemaker(client).register_release(models)
    tokens = [sent["ClientToken"] for name, sent in client.calls if name == "create_model_package"]
    assert tokens == [model.token for model in models]
    assert all(len(token) <= 36 for token in tokens)
    open_sagemaker(client).register_release(models)
    assert (client.count("create_model_package"), client.count("create_model_package_group")) == (4, 1)


def test_of_two_packages_with_one_token_the_first_counts(aws, open_sagemaker, make_release):
    """Two processes at once, with a token that SageMaker no longer knows."""
    client = Meddling(aws("sagemaker"))
    registry = open_sagemaker(client)
    registry.register_release(make_release(definitions=("balanced",)))
    package = next(sent for name, sent in client.calls if name == "create_model_package")
    aws("sagemaker").create_model_package(**package)
    assert [version.version for version in registry.versions()] == [1]


def test_another_process_that_makes_the_group_first_is_no_failure(aws, open_sagemaker, make_release):
    client = aws("sagemaker")

    def made_by_another(**arguments):
        client.create_model_package_group(**arguments)
        raise refusal("ValidationException", "Model Package Group already exists")

    registry = open_sagemaker(Meddling(client, create_model_package_group=made_by_another))
    assert len(registry.register_release(make_release())) == 4


def test_a_group_that_does_not_exist_yet_is_empty(aws, open_sagemaker):
    class Pages:
        def paginate(self, **_):
            raise refusal("ValidationException", "Model Package Group does not exist")

    class Client:
        def get_paginator(self, _):
            return Pages()

    assert open_sagemaker(Client()).versions() == []


def test_the_package_carries_archive_image_quality_card_and_origin(aws, open_sagemaker, make_release, evaluation):
    client = Meddling(aws("sagemaker"))
    models = make_release(definitions=("balanced",), evaluation=evaluation)
    [version] = open_sagemaker(client).register_release(models)
    sent = next(sent for name, sent in client.calls if name == "create_model_package")
    [container] = sent["InferenceSpecification"]["Containers"]
    assert container.pop("ModelDataETag")
    assert container == {"Image": IMAGE, "ModelDataUrl": version.location}
    assert sent["MetadataProperties"] == {"GeneratedBy": "RetrainFlow/11", "CommitId": "0a1b2c3"}
    card = json.loads(sent["ModelCard"]["ModelCardContent"])
    assert card["additional_information"]["custom_details"]["release"] == "release-11"
    statistics = sent["ModelMetrics"]["ModelQuality"]["Statistics"]
    bucket, key = statistics["S3Uri"].removeprefix("s3://").split("/", 1)
    kept = aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    assert kept.decode() == model_quality_json(evaluation.on_first_test_set("balanced"))
    assert statistics["ContentDigest"] == f"sha256:{hashlib.sha256(kept).hexdigest()}"
    assert statistics["ContentType"] == "application/json"


def test_limits_are_checked_before_anything_is_sent(aws, open_sagemaker, make_release):
    client = Meddling(aws("sagemaker"))
    models = make_release()
    models.append(replace(models.pop(), metadata={"(config)": "own.toml"}))
    with pytest.raises(RegistryProblem, match=r"metadata key .* of .balanced. of 1 to 128 letters"):
        open_sagemaker(client).register_release(models)
    assert client.calls == []
    assert aws("s3").list_objects_v2(Bucket="models")["KeyCount"] == 0


def test_an_approval_in_the_console_counts_and_stays_on_record(aws, open_sagemaker, make_release):
    registry = open_sagemaker()
    version = registry.register_release(make_release())[3]
    decide_in_the_console(aws, version, "looked at it in Studio")
    assert registry.champion("balanced").reason == "looked at it in Studio"
    registry.reject(4, **REVIEW)
    assert [event.why for event in registry.events(4)] == ["looked at it in Studio", "finds more"]


@pytest.mark.parametrize(
    "words",
    [
        "looked at it in Studio",
        '{"who": "omar", "why": "fine", "at": "2026-01-05T10:00:00.000000+00:00", "identity": "arn:omar"}',
    ],
)
def test_four_eyes_refuse_to_score_with_what_only_the_console_has_approved(aws, open_sagemaker, make_release, words):
    registry = open_sagemaker()
    version = registry.register_release(make_release(metadata={"launched_by": "arn:aws:iam::1:user/rita"}))[3]
    decide_in_the_console(aws, version, words)
    assert registry.require_champion("balanced").version == 4
    registry.four_eyes = True
    with pytest.raises(RegistryProblem, match="approved by nobody that is on record"):
        registry.require_champion("balanced")
    registry.approve(4, **REVIEW)
    assert registry.require_champion("balanced").version == 4
    assert [event.identity for event in registry.events(4)] == ["", registry.identity()]


def test_an_approval_in_the_console_without_a_word_is_not_that_of_who_has_decided_before(
    aws, open_sagemaker, make_release
):
    registry = open_sagemaker()
    version = registry.register_release(make_release(metadata={"launched_by": "omar"}))[3]
    registry.reject(4, **REVIEW)
    package = aws("sagemaker").describe_model_package(ModelPackageName=version.arn)
    decide_in_the_console(aws, version, package["ApprovalDescription"])
    found = registry.champion("balanced")
    assert found.decided_by != "rita"
    assert (found.decided_as, found.reason) == ("", "")
    assert [(event.status, event.why) for event in registry.events(4)] == [("Rejected", "finds more"), ("Approved", "")]
    registry.four_eyes = True
    with pytest.raises(RegistryProblem, match="approved by nobody that is on record"):
        registry.require_champion("balanced")


def test_an_approval_in_the_console_names_whom_aws_saw_last(aws, open_sagemaker, make_release):
    version = open_sagemaker().register_release(make_release())[3]
    decide_in_the_console(aws, version, "seen")
    client, arn = aws("sagemaker"), "arn:aws:sts::1:assumed-role/analysts/omar"

    def described(**asked):
        return client.describe_model_package(**asked) | {"LastModifiedBy": {"IamIdentity": {"Arn": arn}}}

    found = open_sagemaker(Meddling(client, describe_model_package=described)).champion("balanced")
    assert (found.decided_by, found.decided_as) == (arn, "")


def decide_in_the_console(aws, version, words, status="Approved"):
    package = aws("sagemaker").describe_model_package(ModelPackageName=version.arn)
    aws("sagemaker").update_model_package(
        ModelPackageArn=version.arn,
        ModelApprovalStatus=status,
        ApprovalDescription=words,
        CustomerMetadataProperties=package["CustomerMetadataProperties"],
    )


def test_an_update_always_carries_status_and_all_metadata(aws, open_sagemaker, make_release):
    """What is left out may be wiped: then the approved version is gone from the list of approved ones."""
    client = Meddling(aws("sagemaker"))
    registry = open_sagemaker(client)
    before = registry.register_release(make_release())[0]
    registry.approve(1, **REVIEW)
    sent = next(sent for name, sent in client.calls if name == "update_model_package")
    assert sent["ModelApprovalStatus"] == "Approved"
    assert registry.show(1).metadata == before.metadata
    assert registry.show(1).token == before.token


def test_packages_of_others_are_left_alone(aws, open_sagemaker, make_release):
    registry = open_sagemaker()
    registry.register_release(make_release(definitions=("balanced",)))
    aws("sagemaker").create_model_package(
        ModelPackageGroupName=GROUP, ModelApprovalStatus="Approved", ModelPackageDescription="by hand"
    )
    assert [version.version for version in registry.versions()] == [1]


def test_a_changed_archive_in_the_bucket_is_not_handed_out_nor_approved(aws, open_sagemaker, make_release):
    registry = open_sagemaker()
    version = registry.register_release(make_release())[0]
    bucket, key = version.location.removeprefix("s3://").split("/", 1)
    aws("s3").put_object(Bucket=bucket, Key=key, Body=b"other weights")
    for attempt in (lambda: registry.fetch(registry.show(1).sha256), lambda: registry.approve(1, **REVIEW)):
        with pytest.raises(RegistryProblem, match=version.sha256):
            attempt()
    assert registry.show(1).status == "PendingManualApproval"


def test_a_refusal_of_aws_says_what_was_tried(aws, open_sagemaker, make_release):
    def denied(**_):
        raise refusal("AccessDeniedException", "not authorized to perform: sagemaker:UpdateModelPackage")

    registry = open_sagemaker(Meddling(aws("sagemaker"), update_model_package=denied))
    registry.register_release(make_release())
    with pytest.raises(RegistryProblem, match=r"set version 1 to Approved.*UpdateModelPackage"):
        registry.approve(1, **REVIEW)
    assert registry.events(1) == []


@pytest.mark.parametrize(
    ("archives", "image", "message"),
    [
        ("", "some/image", r"registry\.archives"),
        ("models/risky", "some/image", r"registry\.archives"),
        ("s3://models", "", r"registry\.image"),
    ],
)
def test_settings_without_bucket_or_image_are_refused(monkeypatch, archives, image, message):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with pytest.raises(RegistryProblem, match=message):
        open_registry(settings.Registry(kind="sagemaker", archives=archives, image=image))


def test_the_settings_open_a_patient_client(aws_account, make_release):
    chosen = settings.Registry(kind="sagemaker", archives="s3://models", image="some/image", group=GROUP)
    registry = open_registry(chosen)
    assert len(registry.register_release(make_release())) == 4
    assert registry._client.meta.config.retries["mode"] == "adaptive"
