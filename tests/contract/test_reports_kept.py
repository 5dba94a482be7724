"""Reports are kept beside the archives, by their content."""

import pytest

from scarcegan.problems import RegistryProblem


def test_a_report_is_read_back_by_its_digest_and_the_same_one_is_kept_once(registry):
    kept = registry.keep_report('{"groups": "älter"}')
    assert registry.keep_report('{"groups": "älter"}') == kept
    assert registry.read_report(kept) == '{"groups": "älter"}'
    assert registry.versions() == []


def test_a_report_that_is_not_there_is_refused(registry):
    with pytest.raises(RegistryProblem, match=f"expected the report with sha256 {'0' * 64}, got none at "):
        registry.read_report("0" * 64)
