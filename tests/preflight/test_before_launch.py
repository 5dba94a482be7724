"""The whole preflight, against the project's own stack in a stand-in for AWS."""

import json
import re
import time

import boto3
import pytest
from typer.testing import CliRunner

from scarcegan.cli import app
from scarcegan.preflight import before_launch, inside_features, inside_run, inside_scoring
from scarcegan.problems import PreflightProblem
from scarcegan.settings import load

IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/scarcegan:7"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@pytest.fixture(scope="module")
def account(stack):
    """The exported variables of a deployed stack, an image to run and a metadata service that nobody asked for."""
    return {name: value for name, value in stack.items() if name.startswith("METAFLOW_")} | {
        "METAFLOW_BATCH_CONTAINER_IMAGE": "our/image:7",
        "METAFLOW_HOME": "/nowhere",
    }


@pytest.fixture
def tree(stack):
    return {"registry": registry_of(stack)}


def registry_of(stack):
    return {"kind": "sagemaker", "archives": stack["registry.archives in the configuration."], "image": "serving"}


@pytest.fixture
def shared(stack):
    """The folders that all jobs of a scoring see."""
    bucket = f"s3://{stack['The bucket.']}"
    named = {"snapshots": "snapshots", "scoring": "scores", "outcomes": "outcomes"}
    return {section: {"folder": f"{bucket}/{folder}"} for section, folder in named.items()}


@pytest.fixture(scope="module")
def good(stack, account):
    """What a preflight of a good configuration finds, and the seconds it takes."""
    started = time.monotonic()
    found = findings({"registry": registry_of(stack)}, account)
    return found, time.monotonic() - started


def findings(tree, account):
    return {finding.what: finding for finding in before_launch(load(tree), account)}


def test_on_the_projects_own_stack_nothing_fails(good):
    found, seconds = good
    assert [finding for finding in found.values() if finding.state == "failed"] == []
    assert seconds < 10
    assert list(found) == [
        "credentials",
        "user",
        "bucket",
        "queue scarcegan-cpu for small",
        "queue scarcegan-cpu for preprocess",
        "queue scarcegan-gpu for train",
        "GPU quota",
        "image",
        "role",
        "registry",
        "metadata",
        "players",
    ]
    assert found["players"].found == "source 'simulated' comes with the project"


def test_it_leaves_nothing_in_the_bucket(good, stack):
    assert good[0]["bucket"].found.endswith("can be written")
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket=stack["The bucket."])


def test_every_failure_says_what_to_do(account):
    broken = {
        "METAFLOW_USER": "jane.doe",
        "METAFLOW_HOME": "/nowhere",
        "METAFLOW_DEFAULT_DATASTORE": "s3",
        "METAFLOW_DATASTORE_SYSROOT_S3": "s3://nobodys/metaflow",
        "METAFLOW_ECS_S3_ACCESS_IAM_ROLE": "arn:aws:iam::123456789012:role/nobodys",
        "METAFLOW_DEFAULT_METADATA": "service",
        "METAFLOW_SERVICE_URL": "http://127.0.0.1:9",
    }
    tree = {"resources": {"train": {"queue": "nobodys", "image": IMAGE}}, "data": {"source": "tables"}}
    found = findings(tree, broken)
    failed = {what for what, finding in found.items() if finding.state == "failed"}
    assert failed == set(found) - {"credentials"}
    assert "export METAFLOW_USER=jane-doe" in found["user"].found
    # What these two found says it already.
    assert {what for what in failed if not found[what].advice} == {"user", "players"}
    assert "name the folder of the tables" in found["players"].found
    assert "no such queue" in found["queue nobodys for train"].found
    assert "NoSuchBucket" in found["bucket"].found
    assert "registry.kind is 'local'" in found["registry"].found


def test_an_image_in_ecr_is_looked_up(tree, account):
    tree["resources"] = {name: {"image": IMAGE} for name in ("small", "preprocess", "train")}
    assert "does not exist" in findings(tree, account)["image"].found
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": {"digest": "sha256:0"}, "layers": []}
    boto3.client("ecr").put_image(repositoryName="scarcegan", imageManifest=json.dumps(manifest), imageTag="7")
    assert findings(tree, account)["image"].found == f"{IMAGE} is there"


def test_without_credentials_the_players_are_checked_all_the_same(tree, account, monkeypatch):
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    found = findings(tree, account)
    assert {what: finding.state for what, finding in found.items()} == {"credentials": "failed", "players": "ok"}
    assert "Unable to locate credentials" in found["credentials"].found


def test_metaflows_own_configuration_file_counts(tree, account, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(account))
    bare = {"METAFLOW_HOME": str(tmp_path)}
    assert findings(tree, bare)["bucket"].state == "ok"
    assert findings(tree, bare | {"METAFLOW_DATASTORE_SYSROOT_S3": "s3://nobodys/x"})["bucket"].state == "failed"


@pytest.fixture
def in_job(account):
    """What a job knows of its queue: Metaflow's variables stay with who launched."""
    return {"AWS_BATCH_JOB_ID": "1", "AWS_BATCH_JQ_NAME": account["METAFLOW_BATCH_JOB_QUEUE"]}


def test_a_job_stops_the_run_whose_next_steps_never_fit(tree, account, in_job):
    inside_run(load(tree), in_job)
    tree["resources"] = {"train": {"memory_mb": 4_000_000}}
    inside_run(load(tree), account)  # on a laptop no queue is asked
    with pytest.raises(PreflightProblem, match="queue scarcegan-gpu for train: no room for 4 vCPU, 4,000,000 MB"):
        inside_run(load(tree), in_job)


def test_an_estimator_that_is_not_installed_is_a_warning_before_anything_is_trained(tree, account):
    theirs = {"name": "theirs", "path": "nowhere.to_be:Found"}
    known = tree | {"estimators": [theirs, {"name": "ours", "path": "sklearn.naive_bayes:GaussianNB"}]}
    assert inside_run(load(known | {"train": {"families": ["linear", "ours"]}}), account) == []
    for taken in ({"train": {"families": ["theirs", "linear"]}}, {"evaluate": {"rivals": ["theirs", "ours"]}}):
        [warning] = inside_run(load(known | taken), account)
        assert warning.startswith("estimators: expected 'nowhere.to_be:Found' of 'theirs' to be installed")
        assert warning.endswith("the run goes on without them")


def test_an_estimator_that_its_parameters_do_not_make_is_a_warning_before_anything_is_trained(tree, account):
    theirs = {"name": "theirs", "path": "sklearn.naive_bayes:GaussianNB", "parameters": {"smoothing": 1}}
    [warning] = inside_run(load(tree | {"estimators": [theirs], "evaluate": {"rivals": ["theirs"]}}), account)
    assert "a class sklearn.naive_bayes:GaussianNB that takes these parameters, got TypeError" in warning


def test_a_job_refuses_to_register_on_its_own_disk(tree, account, in_job):
    del tree["registry"]
    inside_run(load(tree), account)  # a laptop keeps its disk
    with pytest.raises(PreflightProblem, match="a job's disk is gone with the job"):
        inside_run(load(tree), in_job)


def test_the_jobs_of_a_scoring_must_share_snapshots_scores_and_outcomes(tree, account, in_job, shared):
    inside_scoring(load(tree), account)  # on a laptop they share its disk
    with pytest.raises(PreflightProblem) as refused:
        inside_scoring(load(tree), in_job)
    assert (
        "snapshots.folder is '' and scoring.folder is '' and outcomes.folder is '': no job sees another job's disk"
    ) in str(refused.value)
    assert (
        "put them on S3 and set snapshots.folder = 's3://...', scoring.folder = 's3://...', outcomes.folder = 's3://"
    ) in str(refused.value)
    tree |= shared
    inside_scoring(load(tree), in_job)
    labels = {"data": {"source": "snapshot", "snapshot": "s", "path": "labels.csv"}}
    with pytest.raises(PreflightProblem, match=r"data\.path is '/.*/labels\.csv': no job sees"):
        inside_scoring(load(tree | labels), in_job)


@pytest.mark.parametrize(
    ("named", "setting"),
    [
        ({"data": {"source": "tables", "path": "tables"}}, r"data\.path is '/.*/tables'"),
        ({"data": {"source": "tables", "tables": {"risky": "risky.csv"}}}, r"data\.tables\.risky is '/.*/risky\.csv'"),
        ({"data": {"source": "snapshot", "snapshot": "s", "path": "s3://ours/labels.csv"}}, r"snapshots\.folder is ''"),
        ({"evaluate": {"attributes": "a.csv", "attribute_columns": ["age"]}}, r"evaluate\.attributes is '/.*/a\.csv'"),
    ],
)
def test_what_jobs_read_must_not_lie_on_the_launching_machine(tree, account, in_job, named, setting):
    told = f"{setting}: no job sees another job's disk, nor that of the machine that launches it"
    with pytest.raises(PreflightProblem, match=told):
        inside_run(load(tree | named), in_job)
    assert re.match(told, findings(tree | named, account)["places"].found)


def test_an_endpoint_that_cannot_be_reached_is_no_reason_to_sign_in(tree, account, monkeypatch):
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    found = findings(tree, account)["credentials"]
    assert found.state == "failed"
    assert found.advice.startswith("try again later; if it stays so, check the network")


def test_a_small_job_does_not_retrain_in_itself(tree, account, in_job, shared):
    tree |= shared
    tree |= {"monitoring": {"start_retraining": True}}
    inside_scoring(load(tree), account)
    inside_scoring(load(tree), in_job | {"SFN_STATE_MACHINE": "scarcegan.prod.ScoreFlow"})
    with pytest.raises(PreflightProblem, match=r"start_retraining is set: expected a flow deployed to Step Functions"):
        inside_scoring(load(tree), in_job)


def test_the_jobs_of_a_features_run_must_share_the_snapshots(tree, account, in_job, shared):
    inside_features(load(tree), account)  # on a laptop they share its disk
    with pytest.raises(PreflightProblem, match=r"snapshots\.folder is '': no job sees another job's disk"):
        inside_features(load(tree), in_job)
    inside_features(load(tree | shared), in_job)


def test_the_command_prints_all_of_it_and_fails_if_something_would(tree, account, tmp_path, monkeypatch):
    for name, value in account.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "own.toml").write_text(
        f'[registry]\nkind = "sagemaker"\narchives = "{tree["registry"]["archives"]}"\nimage = "i"'
    )
    good = CliRunner().invoke(app, ["preflight", "--config", str(tmp_path / "own.toml")], env={"COLUMNS": "300"})
    assert good.exit_code == 0, good.output
    assert "Expected on AWS Batch: 0.34 GPU hours" in good.output
    (tmp_path / "own.toml").write_text("")
    bad = CliRunner().invoke(app, ["preflight", "--config", str(tmp_path / "own.toml")], env={"COLUMNS": "300"})
    assert bad.exit_code == 1
    assert "set registry.kind = 'sagemaker'" in bad.output
