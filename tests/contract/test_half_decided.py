"""A decision that is taken in part, or whole and not told: which versions it stands for is said."""

import pytest
from botocore.exceptions import ClientError

from scarcegan.problems import DataProblem, RegistryProblem

REVIEW = {"who": "rita", "why": "finds more"}


class RefusesLater:
    """A SageMaker client that takes so many decisions and no more."""

    def __init__(self, client, decisions):
        self._client, self._left = client, decisions

    def __getattr__(self, name):
        return getattr(self._client, name)

    def update_model_package(self, **arguments):
        self._left -= 1
        if self._left < 0:
            said = {"Error": {"Code": "AccessDeniedException", "Message": "no"}}
            raise ClientError(said | {"ResponseMetadata": {"HTTPStatusCode": 400}}, "UpdateModelPackage")
        return self._client.update_model_package(**arguments)


@pytest.mark.parametrize(("taken", "told"), [(0, "none"), (2, "1, 2")])
def test_a_decision_that_breaks_off_names_the_versions_that_it_has_set(aws, open_sagemaker, make_release, taken, told):
    registry = open_sagemaker(RefusesLater(aws("sagemaker"), taken))
    registry.register_release(make_release())
    with pytest.raises(RegistryProblem, match=rf"set version {taken + 1} to Approved \(set so far: {told}; see"):
        registry.approve(1, 2, 3, **REVIEW)
    assert [version.version for version in registry.versions() if version.status == "Approved"] == [1, 2][:taken]
    assert [version.version for version in open_sagemaker().approve(1, 2, 3, **REVIEW)] == [1, 2, 3]


@pytest.mark.reliability(
    case="A decision stands in SageMaker and cannot be put on record in the bucket",
    sees="for which versions it stands, and what S3 says",
    resume="not needed; decided once more it is on record",
)
def test_a_decision_that_cannot_be_put_on_record_names_the_versions_for_which_it_stands(
    open_sagemaker, make_release, monkeypatch
):
    registry = open_sagemaker()
    registry.register_release(make_release())

    def refuse(*_):
        raise DataProblem("cannot write s3://models/risky/decisions: AccessDenied")

    with monkeypatch.context() as denied:
        denied.setattr(registry._bucket, "record", refuse)
        with pytest.raises(DataProblem, match=r"set so far: 1; .*, got: cannot write s3:"):
            registry.approve(1, 2, **REVIEW)
    assert [version.version for version in registry.versions() if version.status == "Approved"] == [1]
    registry.approve(1, 2, **REVIEW)
    assert registry.events(1)[-1].identity


@pytest.mark.reliability(
    case="A decision is taken, and then the registry cannot be read: a full disk, an outage",
    sees="that it stands and is not to be taken again",
    resume="not needed",
)
def test_a_decision_that_cannot_be_read_back_is_said_to_stand(registry, make_release, monkeypatch):
    registry.register_release(make_release())
    decide = registry._decide

    def unreadable():
        raise RegistryProblem("disk I/O error; try again")

    for take in (
        lambda: registry.approve(1, **REVIEW),
        lambda: registry.rollback(force=True, **REVIEW),
        lambda: registry.reject(2, **REVIEW),
    ):
        with monkeypatch.context() as full:
            full.setattr(
                registry,
                "_decide",
                lambda *asked, full=full: decide(*asked) or full.setattr(registry, "_versions", unreadable),
            )
            with pytest.raises(RegistryProblem, match=r"decided and kept on record, do not decide again.*disk I/O"):
                take()
    assert [version.status for version in registry.versions()][:2] == ["Rejected", "Rejected"]
