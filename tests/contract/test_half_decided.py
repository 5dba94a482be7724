"""A decision about several packages that SageMaker takes for some of them alone."""

import pytest
from botocore.exceptions import ClientError

from scarcegan.problems import RegistryProblem

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
