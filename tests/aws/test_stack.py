"""The stack template, as CloudFormation's own linter sees it."""

import subprocess
import sys
from pathlib import Path

TEMPLATE = Path(__file__).parents[2] / "config" / "aws" / "stack.yaml"


def test_the_linter_of_cloudformation_finds_nothing():
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--regions", "eu-west-1", "--", str(TEMPLATE)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.stdout + found.stderr == ""
    assert found.returncode == 0
