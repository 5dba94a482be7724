"""SageMaker's Model Registry: one model package group, one package per model."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from scarcegan import settings
from scarcegan.aws.bucket import Bucket
from scarcegan.aws.findings import expecting_aws, patient_client
from scarcegan.aws.metadata import from_metadata, has_facts
from scarcegan.aws.packages import package_request, quality_metrics, serving_image
from scarcegan.problems import Problem, RegistryProblem
from scarcegan.project import located
from scarcegan.registry import rules
from scarcegan.registry.contract import Choice, Registry
from scarcegan.registry.versions import PENDING, Decision, ModelToRegister, ModelVersion
from scarcegan.storage import require_writable

LISTED_AT_ONCE = 100  # the most that SageMaker takes; it gives ten to who does not say
_asking = partial(expecting_aws, kind=RegistryProblem)


def open_sagemaker(chosen: settings.Registry) -> "SageMakerRegistry":
    """Open the registry in the account and region of the environment's AWS credentials."""
    with _asking("open a session"):
        sagemaker = patient_client("sagemaker")
    bucket = Bucket(chosen.archives and located(chosen.archives), Path(located(".scarcegan/archives")))
    image = serving_image(chosen, sagemaker.meta.region_name)
    return SageMakerRegistry(chosen.group, bucket, sagemaker, image=image)


def caller() -> str:
    """Return the ARN of who asks AWS, as its Security Token Service tells it."""
    with _asking("tell whose credentials these are"):
        return str(patient_client("sts").get_caller_identity()["Arn"])


class SageMakerRegistry(Registry):
    """A model package group; packages that were not made by this class are left alone.

    The last decision about a package stands in its approval status and description, where the console and
    EventBridge see it; all decisions are objects in S3. An approval given in the console counts as well.

    The first registration makes the group; `client` is boto3's, `image` the URI of the image that serves the archive.
    """

    def __init__(self, group: str, bucket: Bucket, client: Any, *, image: str) -> None:
        self.group = group
        self._bucket, self._client, self._image = bucket, client, image
        self._reports = bucket.reports

    def register_release(self, models: Sequence[ModelToRegister]) -> list[ModelVersion]:
        """Register the models of one release; after a failure, which names those that landed, a rerun does the rest."""
        rules.check_release(models)
        # All of them are made before anything is sent: one that is beyond SageMaker's limits stops the release.
        requests = [
            package_request(model, len(models), self.group, self._image, self._bucket.uri(model.sha256))
            for model in models
        ]
        with _asking(f"prepare group '{self.group}'"):
            self._ensure_group()
            for model, request in zip(models, requests, strict=True):
                # Whoever deploys the package gets these very bytes, or a refusal of SageMaker's.
                container = request["InferenceSpecification"]["Containers"][0]
                container["ModelDataETag"] = self._bucket.keep(model.archive, model.sha256)
        # SageMaker takes one model at a time: after a failure in between, a rerun must not repeat those that landed.
        landed = {version.token for version in self.versions()}
        for model, request in zip(models, requests, strict=True):
            if model.token in landed:
                continue
            there = [other.definition for other in models if other.token in landed]
            with _asking(
                f"register '{model.definition}' (landed so far: {', '.join(there) or 'none'}; a rerun completes)"
            ):
                self._create(model, request)
            landed.add(model.token)
        return self._registered(models)

    def require_writable(self) -> None:
        """Raise a Problem unless archives could be kept now; whether packages may be made only SageMaker knows."""
        require_writable(self._bucket.archives)

    def _versions(self) -> list[ModelVersion]:
        with _asking(f"list the models of group '{self.group}'"):
            packages = self._packages()
        firsts: dict[str, ModelVersion] = {}
        # SageMaker forgets a client token some day: of two packages with one token the older one counts.
        read = self._read_each(packages, self._version, _named)
        for version in sorted(read, key=lambda version: version.version):
            firsts.setdefault(version.token, version)
        # Those of one decision have one time, and one place in the order.
        moments = sorted({version.decided_at for version in firsts.values()} | {""})
        return rules.with_champions(
            replace(version, decision_order=moments.index(version.decided_at)) for version in firsts.values()
        )

    def _all_events(self, versions: Sequence[ModelVersion]) -> list[tuple[int, Decision]]:
        with ThreadPoolExecutor(4) as pool:
            found = list(zip(versions, pool.map(self._events_of, versions), strict=True))
        for place, error in (one for _, (_, unread) in found for one in unread.items()):
            self._leave_out(f"the decision {place}", error)
        told = [(version.version, event) for version, (events, _) in found for event in events]
        return sorted(told, key=lambda one: one[1].at)

    def _events_of(self, version: ModelVersion) -> tuple[list[Decision], dict[str, Exception]]:
        """Return the decisions on record, and after them one that is not, as of the console: nobody vouches for who.

        Beside them those that cannot be read, by their places.
        """
        with _asking(f"read the decisions about version {version.version}"):
            recorded, unread = self._bucket.recorded(self.group, version.version)
            if version.decided_at in ("", *(event.at for event in recorded)):
                return recorded, unread
            last = _decision_of(self._client.describe_model_package(ModelPackageName=version.arn))
        return [*recorded, replace(last, identity="")] if last else recorded, unread

    def identity(self) -> str:
        """Return the ARN that AWS's credentials stand for."""
        return caller()

    def fetch(self, sha256: str) -> Path:
        """Return a local path of the archive with that digest, checked."""
        return self._bucket.fetch(sha256)

    def _verify(self, sha256: str) -> None:
        self._bucket.verify(sha256)

    def _put_back(self, archive: Path, sha256: str) -> None:
        self._bucket.put_back(archive, sha256)

    def _ensure_group(self) -> None:
        describe = self._client.describe_model_package_group
        try:
            describe(ModelPackageGroupName=self.group)
        except ClientError:
            try:
                self._client.create_model_package_group(ModelPackageGroupName=self.group)
            except ClientError:
                # Another process may have been faster; any other refusal shows here again.
                describe(ModelPackageGroupName=self.group)

    def _create(self, model: ModelToRegister, request: dict[str, Any]) -> None:
        package = request | quality_metrics(model, self)
        try:
            self._client.create_model_package(**package)
        except ClientError as error:
            # Another process may hold the token: then its package is ours.
            is_conflict = error.response["Error"]["Code"] == "ConflictException"
            if not is_conflict or model.token not in {version.token for version in self.versions()}:
                raise

    def _packages(self) -> list[dict[str, Any]]:
        pages = self._client.get_paginator("list_model_packages")
        try:
            listed = list(pages.paginate(ModelPackageGroupName=self.group, MaxResults=LISTED_AT_ONCE))
        except ClientError as error:
            if "does not exist" in str(error):
                return []
            raise
        arns = [item["ModelPackageArn"] for page in listed for item in page["ModelPackageSummaryList"]]
        # The list has no metadata: each package is asked for, a few at a time.
        with ThreadPoolExecutor(4) as pool:
            packages = pool.map(self._described, arns)
            return [item for item in packages if self._is_ours(item)]

    def _described(self, arn: str) -> dict[str, Any]:
        try:
            return dict(self._client.describe_model_package(ModelPackageName=arn))
        except ClientError as error:
            if "does not exist" in str(error):  # removed since it was listed
                return {}
            raise

    def _is_ours(self, package: dict[str, Any]) -> bool:
        """Tell our packages from others: by their metadata or, where somebody has taken them away, by the archive."""
        containers = package.get("InferenceSpecification", {}).get("Containers", ())
        archives = self._bucket.archives + "/"
        return has_facts(package.get("CustomerMetadataProperties", {})) or any(
            container.get("ModelDataUrl", "").startswith(archives) for container in containers
        )

    def _version(self, package: dict[str, Any]) -> ModelVersion:
        facts = from_metadata(package.get("CustomerMetadataProperties", {}))
        version = ModelVersion(
            version=package["ModelPackageVersion"],
            group=self.group,
            status=PENDING,
            is_champion=False,
            description=package.get("ModelPackageDescription", ""),
            arn=package["ModelPackageArn"],
            location=self._bucket.uri(facts["sha256"]),
            created_at=_iso(package["CreationTime"]),
            **facts,
        )
        decision = _decision_of(package)
        return rules.with_decision(version, decision, order=0) if decision else version

    def _decide(self, choose: Choice, decision: Decision) -> None:
        known = self.versions()
        decision = rules.after(decision, known)
        # SageMaker takes one decision at a time: after a failure in between somebody has to know which ones stand.
        done = list[str]()
        for version in choose(known):
            with _deciding(f"set version {version.version} to {decision.status}", done):
                self._set_status(version, decision)
            done.append(str(version.version))
            with _deciding(f"put that version {version.version} is {decision.status} on record", done):
                self._bucket.record(self.group, version.version, decision)

    def _set_status(self, version: ModelVersion, decision: Decision) -> None:
        package = self._client.describe_model_package(ModelPackageName=version.arn)
        if former := _decision_of(package):
            known = [event.at for event in self._bucket.recorded(self.group, version.version)[0]]
            if former.at not in known:
                # A decision taken in the console is on record before another one replaces it.
                self._bucket.record(self.group, version.version, replace(former, identity=""))
        # What is not known is left out: SageMaker takes 1,024 characters.
        said = {key: value for key, value in decision.to_plain().items() if value != ""}
        self._client.update_model_package(
            ModelPackageArn=version.arn,
            ModelApprovalStatus=decision.status,
            ApprovalDescription=json.dumps(said, ensure_ascii=False),
            # All of them: whether an update merges or replaces them is not documented.
            CustomerMetadataProperties=package["CustomerMetadataProperties"],
        )


@contextmanager
def _deciding(to: str, done: Sequence[str]) -> Iterator[None]:
    """Turn what fails in the middle of a decision into a problem that names the versions for which it stands."""
    to = f"{to} (set so far: {', '.join(done) or 'none'}; see `scarcegan models list`)"
    with _asking(to):
        try:
            yield
        except Problem as problem:  # the storage's, of the record
            raise type(problem)(f"expected AWS to {to}, got: {problem}") from problem


def _decision_of(package: dict[str, Any]) -> Decision | None:
    """Return the last decision about a package; one taken in the console says who and when in its own way.

    There it is who has touched the package last, and when: SageMaker keeps no other trace of a decision.
    """
    status = package["ModelApprovalStatus"]
    if status == PENDING:
        return None
    text = package.get("ApprovalDescription", "")
    try:
        said = Decision.from_plain({"status": status} | json.loads(text))
        if said.status == status:
            return said
        text = ""  # it tells of the decision before: somebody has decided in the console, without a word
    except (ValueError, TypeError, RecursionError, Problem):  # no JSON of ours: somebody has decided in the console
        pass
    by = package.get("LastModifiedBy", {})
    who = by.get("UserProfileName") or by.get("IamIdentity", {}).get("Arn", "")
    return Decision(status, who, text, _iso(package.get("LastModifiedTime", package["CreationTime"])))


def _named(package: dict[str, Any]) -> str:
    return f"package {package['ModelPackageVersion']}, {package['ModelApprovalStatus']},"


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
