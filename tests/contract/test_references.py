"""How a version of a registry is named."""

import pytest

from scarcegan.problems import RegistryProblem


@pytest.mark.parametrize("reference", ["2", "v2", " 2 "])
def test_a_number_names_a_version(registry, make_release, reference):
    registry.register_release(make_release())
    assert registry.number_of(reference) == 2


@pytest.mark.parametrize(
    "reference", ["best", "", "-2", "2.0", "v", "model-package/risky-players/2", "9" * 5000, "²", "٣", "1_0"]
)
def test_what_is_no_number_or_only_looks_like_one_is_refused(registry, make_release, reference):
    registry.register_release(make_release())
    with pytest.raises(RegistryProblem, match="as in 3 or v3"):
        registry.number_of(reference)


def test_an_arn_names_the_version_of_this_group_account_and_region_alone(open_sagemaker, make_release):
    registry = open_sagemaker()
    arn = registry.register_release(make_release())[1].arn
    assert registry.number_of(arn) == 2
    others = ["/other-team/", ":999999999999:", ":us-east-2:"]
    for own, other in zip(("/risky-players/", ":123456789012:", ":eu-west-1:"), others, strict=True):
        assert own in arn
        with pytest.raises(RegistryProblem, match="whole ARN"):
            registry.number_of(arn.replace(own, other))
