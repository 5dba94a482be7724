import os

# Before any library starts threads: on few cores the threads of one test wait for each other, spinning.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import hashlib
import json
import logging
import sys
import tomllib
import urllib.request
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scarcegan.evaluation.definitions import OperatingPoint
from scarcegan.evaluation.evaluate import Challenger, Champion, evaluate_models
from scarcegan.evaluation.records import Prevalence, Promise
from scarcegan.evaluation.scored import held_out
from scarcegan.records import Bound
from scarcegan.registry import AgainstChampion, ModelToRegister
from scarcegan.settings import load
from scarcegan.storage import s3

STACK = Path(__file__).parents[1] / "config" / "aws" / "stack.yaml"
DEFINITIONS = ("recall_first", "precision_first", "review_budget", "balanced")


def pytest_collection_finish():
    """Give TensorFlow one thread, where a collected test uses it: few cores, and one order of additions."""
    if "tensorflow" in sys.modules:
        from scarcegan.gan.devices import prepare_devices

        prepare_devices(1)


@pytest.fixture(scope="session", autouse=True)
def this_checkout():
    """What this repository's own runs have left is as it was: no test forgets its players or removes its files."""
    kept = {path: path.stat().st_mtime_ns for path in (STACK.parents[2] / ".scarcegan").rglob("*") if path.is_file()}
    yield
    lost = [str(path) for path, at in kept.items() if not path.is_file() or path.stat().st_mtime_ns != at]
    assert not lost, f"tests changed {lost[:3]}: give them a `project_apart`"


@pytest.fixture
def project_apart(tmp_path, monkeypatch):
    """Work in an empty project, outside this repository."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "retrain.toml").write_text("")
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def tiny():
    """A function: the tiny configuration as TOML, with other values in sections such as `resources.train`."""

    def configured(sections):
        tree = tomllib.loads(Path(__file__).with_name("tiny.toml").read_text())
        for name, values in sections.items():
            tree[name] = tree.get(name, {}) | values
        lines = (
            line
            for name, section in tree.items()
            for line in (f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in section.items()))
        )
        return "\n".join(lines)

    return configured


@pytest.fixture(scope="session")
def test_players():
    """Two test sets: `same` with truth for all its players, `own` with labels beside unlabelled players."""
    rng = np.random.default_rng(3)
    kind = rng.choice(4, size=900, p=[0.5, 0.3, 0.15, 0.05])
    labels = np.where(rng.random(900) < 0.4, kind, -1)
    apart = np.where(np.arange(500) < 30, 3, np.where(np.arange(500) < 80, 1, -1))
    return {
        "same": held_out(labels, (kind == 3).astype(np.int8), 3),
        "own": held_out(apart, np.full(500, -1), 3, prevalence=0.04),
    }


def class_probabilities(rows, separation, seed, columns=5):
    """What a model says of players that it tells apart by so much."""
    logits = np.random.default_rng(seed).normal(size=(len(rows.labels), columns))
    logits[:, 3] += separation * rows.is_risky
    odds = np.exp(logits + separation * (rows.labels[:, np.newaxis] == np.arange(columns)) * (np.arange(columns) != 3))
    return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="session")
def challenger(test_players):
    point = OperatingPoint(0.5, 0.05, 0.6, 0.5, 0.55)
    folds = [OperatingPoint(0.5, 0.05, recall, 0.5, 0.5) for recall in (0.4, 0.6)]
    told = {name: class_probabilities(rows, 3, seed=4) for name, rows in test_players.items()}
    return Challenger(told, point, Promise("recall", 0.5, 0.9), 16, folds)


@pytest.fixture(scope="session")
def evaluation(test_players, challenger):
    """An evaluation of four models; that of `precision_first` promises nothing, `balanced` has a champion and no bound.

    A rival guesses.
    """
    rng = np.random.default_rng(5)
    promises = {
        "precision_first": Promise("precision", 0.9, 0.9, "30 labelled risky players are too few for any threshold"),
        "balanced": None,
    }
    old = {name: class_probabilities(rows, 1, seed=6, columns=4) for name, rows in test_players.items()}
    return evaluate_models(
        test_players,
        {name: replace(challenger, promise=promises.get(name, challenger.promise)) for name in DEFINITIONS},
        {"extra_trees": {name: rng.random(len(rows.labels)) for name, rows in test_players.items()}},
        {"balanced": Champion(12, 0.4, old)},
        Prevalence(0.04, "estimated", 0.02, 0.07),
        load({"review_budget": 0.05, "evaluate": {"bootstrap": 40}}),
    )


@pytest.fixture(scope="session")
def aws_endpoint():
    """A stand-in for AWS on this machine, the same one for all tests."""
    # Imported late: most tests do without AWS.
    from moto.server import ThreadedMotoServer

    # It notes every request; that costs time and drowns what a failed test has to say.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def clients(aws_endpoint):
    import boto3

    session = boto3.Session("testing", "testing", region_name="eu-west-1")
    services = ("s3", "sagemaker", "sns", "sqs", "stepfunctions")
    made = {name: session.client(name, endpoint_url=aws_endpoint) for name in services}
    yield made
    for client in made.values():
        client.close()


@pytest.fixture
def aws(clients, aws_endpoint):
    """Clients of an empty account with the bucket `models`; `aws("s3")` returns one."""
    empty(aws_endpoint)
    region = {"LocationConstraint": "eu-west-1"}
    clients["s3"].create_bucket(Bucket="models", CreateBucketConfiguration=region)
    return clients.__getitem__


@pytest.fixture
def aws_account(aws, aws_endpoint, monkeypatch):
    """An empty account that everything which takes its credentials from the environment works on."""
    lead_to(aws_endpoint, monkeypatch)
    return aws


@pytest.fixture
def bucket(aws_account):
    """The bucket `models` of that account, empty; plain boto3 and the project reach it by the environment alone."""
    import boto3

    return boto3.resource("s3").Bucket("models")


@pytest.fixture(autouse=True)
def own_s3_client():
    """Let each test's storage make its client from the environment that the test sets."""
    s3.client.cache_clear()


@pytest.fixture(scope="module")
def stack(aws_endpoint):
    """The project's own stack in an account that is otherwise empty: its outputs by their descriptions."""
    empty(aws_endpoint)
    with pytest.MonkeyPatch.context() as patch:
        lead_to(aws_endpoint, patch)
        yield deploy_stack()


@pytest.fixture(scope="session")
def deploy():
    """Deploy the project's own stack to the account that the environment leads to."""
    return deploy_stack


def deploy_stack(name="scarcegan", **parameters):
    import boto3

    cloudformation, subnets = boto3.client("cloudformation"), boto3.client("ec2").describe_subnets()["Subnets"]
    given = {"Vpc": subnets[0]["VpcId"], "Subnets": ",".join(one["SubnetId"] for one in subnets)} | parameters
    with warnings.catch_warnings():
        # moto leaves out the bucket's policy and the model package group, and says so.
        warnings.filterwarnings("ignore", "Tried to parse")
        cloudformation.create_stack(
            StackName=name,
            TemplateBody=STACK.read_text(),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
    [made] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    assert made["StackStatus"] == "CREATE_COMPLETE"
    return {output["Description"]: output["OutputValue"] for output in made["Outputs"]}


def empty(aws_endpoint):
    reset = urllib.request.Request(f"{aws_endpoint}/moto-api/reset", method="POST")  # noqa: S310
    urllib.request.urlopen(reset).close()  # noqa: S310


def lead_to(aws_endpoint, patch):
    import boto3

    patch.setattr(boto3, "DEFAULT_SESSION", None)
    account = {"AWS_ENDPOINT_URL": aws_endpoint, "AWS_DEFAULT_REGION": "eu-west-1"}
    for name, value in (account | {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}).items():
        patch.setenv(name, value)


@pytest.fixture
def make_release(tmp_path):
    """A release of four models whose archives are small files; `run` makes them differ from another run's."""

    def make(run="11", definitions=DEFINITIONS, **changes):
        models = []
        for definition in definitions:
            archive = tmp_path / f"{run}-{definition}.tar.gz"
            archive.write_bytes(f"weights of {definition} in run {run}".encode())
            model = ModelToRegister(
                definition=definition,
                archive=archive,
                sha256=hashlib.sha256(archive.read_bytes()).hexdigest(),
                threshold=0.25,
                bound=Bound(
                    "missed" if definition == "precision_first" else "kept",
                    *("recall", 0.85, 0.9, 0.91, 0.8625, 0.95),
                    is_promised=True,
                ),
                release_id=f"release-{run}",
                origin_run_id=run,
                run_pathspec=f"RetrainFlow/{run}",
                metrics={"recall": 0.5, "pr_auc": 0.125 + int(run) / 1000},
                metadata={
                    "git_commit": "0a1b2c3",
                    "card": "evaluate/7",
                    "test_players": "4500",
                    "families": "linear 0.5 ScarceGAN 0.5",
                },
                against_champion=AgainstChampion("worse", -0.0312, -0.051, -0.0104, version=1)
                if int(run) > 11
                else None,
                description=f"Finds risky players, {definition}.",
                warnings=("feature 'nights' alone tells 'risky' from others (AUC 0.991): a likely leak; 5 % ~ 1",),
            )
            models.append(replace(model, **changes))
        return models

    return make


@pytest.fixture(scope="session")
def publish_snapshot():
    """Publish features, float32 [n, F], as a snapshot; ids count from 1. Returns its manifest."""
    import numpy as np

    from scarcegan.snapshots.manifest import Frame, describe_snapshot

    def publish(store, name, cutoff, features, columns, *, ids=None, shards=1, **frame):
        ids, columns = np.arange(1, len(features) + 1) if ids is None else ids, tuple(columns)
        parts = [
            store.write_part(name, shard, ids[shard::shards], features[shard::shards], columns)
            for shard in range(shards)
        ]
        return store.publish(describe_snapshot(name, Frame(cutoff, 60, columns, **frame), parts))

    return publish
