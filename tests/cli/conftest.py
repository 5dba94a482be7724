import json

import pytest
from history_samples import recorded, recorder  # noqa: F401
from registered import planted, release, review, trace  # noqa: F401


@pytest.fixture
def refused():
    """Check that a command ended with a short message on stderr, and nothing else."""

    def check(result, message):
        assert (result.exit_code, result.stdout) == (1, "")
        assert message in result.stderr
        assert len(result.stderr.strip().splitlines()) <= 3

    return check


@pytest.fixture
def objects():
    """Run a command with `--json` and return its objects."""

    def run(command, *arguments):
        result = command(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return run
