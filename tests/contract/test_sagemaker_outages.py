"""SageMaker's registry when it is busy, down or large: one listing, and an outage is told from a refusal."""

import json
from datetime import UTC, datetime

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from scarcegan.aws.bucket import Bucket
from scarcegan.aws.findings import patient_client
from scarcegan.aws.sagemaker import SageMakerRegistry
from scarcegan.preflight.checks import run_checks
from scarcegan.problems import Outage, RegistryProblem

ARN = "arn:aws:sagemaker:eu-west-1:123456789012:model-package/risky-players/"
MADE = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
BUSY = [(400, "ThrottlingException"), (429, "TooManyRequests"), (500, "InternalFailure"), (503, "ServiceUnavailable")]
REFUSED = [(400, "AccessDeniedException"), (400, "ValidationException"), (400, "ExpiredTokenException")]


@pytest.fixture
def facts(aws, open_sagemaker, make_release):
    """The metadata of a real package."""
    open_sagemaker().register_release(make_release(definitions=("balanced",)))
    [listed] = aws("sagemaker").list_model_packages(ModelPackageGroupName="risky-players")["ModelPackageSummaryList"]
    found = aws("sagemaker").describe_model_package(ModelPackageName=listed["ModelPackageArn"])
    return found["CustomerMetadataProperties"]


class Answers:
    """SageMaker's answers on the wire: so many packages, of which each request to some is answered by a fault first."""

    def __init__(self, packages, facts, fault=None, tries=0):
        self.packages, self.facts, self.fault, self.left = packages, facts, fault, tries
        self.asked = []

    def __call__(self, request, **_):
        operation = request.headers["X-Amz-Target"].decode().partition(".")[2]
        self.asked.append(operation)
        if self.left:
            self.left -= 1
            status, code = self.fault
            return self._answer(status, {"__type": code, "message": "not now"})
        return self._answer(200, getattr(self, operation)(json.loads(request.body)))

    def ListModelPackages(self, asked):  # noqa: N802 - SageMaker's name
        first, size = int(asked.get("NextToken", 1)), asked.get("MaxResults", 10)
        last = min(first + size, self.packages + 1)
        page = [{"ModelPackageArn": f"{ARN}{number}"} for number in range(first, last)]
        more = {"NextToken": str(last)} if last <= self.packages else {}
        return {"ModelPackageSummaryList": page} | more

    def DescribeModelPackage(self, asked):  # noqa: N802 - SageMaker's name
        number = int(asked["ModelPackageName"].rpartition("/")[2])
        return {
            "ModelPackageVersion": number,
            "ModelPackageArn": asked["ModelPackageName"],
            "ModelApprovalStatus": "PendingManualApproval",
            "CreationTime": MADE + number,
            "CustomerMetadataProperties": self.facts | {"token": f"{number:036}"},
        }

    @staticmethod
    def _answer(status, said):
        body = json.dumps(said).encode()
        headers = {"Content-Type": "application/x-amz-json-1.1", "Content-Length": str(len(body))}
        return Read("https://sagemaker", status, headers, body)


class Read(AWSResponse):
    """An answer that has been read."""

    @property
    def content(self):
        return self.raw


@pytest.fixture
def registry_of(aws_account, tmp_path, monkeypatch):
    """Open a registry on a client of ours, in its retry policy, whose requests are answered here."""
    clients = []
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setattr("botocore.retries.bucket.TokenBucket.acquire", lambda *_, **__: True)

    def open_it(answers):
        clients.append(patient_client("sagemaker"))
        clients[-1].meta.events.register("before-send.sagemaker", answers)
        return SageMakerRegistry(
            "risky-players", Bucket("s3://models/risky", tmp_path), clients[-1], image="some/image"
        )

    yield open_it
    for client in clients:
        client.close()


def test_a_thousand_packages_are_one_listing_and_one_question_each(registry_of, facts):
    answers = Answers(1_000, facts)
    versions = registry_of(answers).versions()
    assert [version.version for version in versions] == list(range(1, 1_001))
    assert answers.asked.count("ListModelPackages") == 10
    assert answers.asked.count("DescribeModelPackage") == 1_000
    assert len(answers.asked) == 1_010


@pytest.mark.parametrize(("status", "code"), BUSY)
def test_a_registry_that_is_busy_for_a_while_is_asked_again(registry_of, facts, status, code):
    answers = Answers(3, facts, (status, code), tries=4)
    assert len(registry_of(answers).versions()) == 3
    assert len(answers.asked) == 4 + 1 + 3


@pytest.mark.reliability(
    case="SageMaker is down or busy",
    sees="after ten tries, to try again later; every step is retried twice, then comes the command that resumes",
    resume="goes on where it was",
)
@pytest.mark.parametrize(("status", "code"), BUSY)
def test_a_registry_that_stays_down_is_an_outage(registry_of, facts, status, code):
    answers = Answers(3, facts, (status, code), tries=1_000)
    with pytest.raises(Outage, match=rf"expected AWS to list the models of group .*{code}.*; try again later"):
        registry_of(answers).versions()
    assert len(answers.asked) == 1 + 10


@pytest.mark.parametrize(("status", "code"), REFUSED)
def test_what_somebody_has_to_mend_is_refused_at_once(registry_of, facts, status, code):
    answers = Answers(3, facts, (status, code), tries=1_000)
    with pytest.raises(RegistryProblem, match=rf"{code}.*; check credentials, region and permissions"):
        registry_of(answers).versions()
    assert len(answers.asked) == 1


def test_a_registry_that_nobody_reaches_is_an_outage(registry_of, facts):
    def unreachable(request, **_):
        raise EndpointConnectionError(endpoint_url="https://sagemaker")

    with pytest.raises(Outage, match=r"Could not connect to the endpoint URL.*; try again later"):
        registry_of(unreachable).versions()


def test_a_registry_that_never_answers_is_an_outage_after_two_tries(registry_of, facts):
    asked = []

    def silent(request, **_):
        asked.append(request)
        raise ReadTimeoutError(endpoint_url="https://sagemaker")

    with pytest.raises(Outage, match=r"Read timeout on endpoint URL.*; try again later"):
        registry_of(silent).versions()
    assert len(asked) == 2


def test_inside_a_run_an_outage_is_left_to_metaflows_retry_and_at_launch_it_is_a_finding():
    def down():
        raise Outage("SageMaker is down")

    with pytest.raises(Outage, match="SageMaker is down"):
        run_checks([("registry", down)], in_run=True)
    [finding] = run_checks([("registry", down)])
    assert (finding.state, finding.found) == ("failed", "SageMaker is down")
