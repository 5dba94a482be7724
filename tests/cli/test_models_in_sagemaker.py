"""The same commands on SageMaker's registry."""

import json

import pytest
from typer.testing import CliRunner

from scarcegan import settings
from scarcegan.backends import open_registry
from scarcegan.cli import app


@pytest.fixture
def models(aws_account, tmp_path, make_release):
    """Run `scarcegan models ... --registry sagemaker` on an account with two releases, the first one approved."""
    config = tmp_path / "team.toml"
    config.write_text('[registry]\nkind = "local"\narchives = "s3://models/risky"\nimage = "some/image"\n')
    chosen = settings.Registry(kind="sagemaker", archives="s3://models/risky", image="some/image")
    registry = open_registry(chosen)
    registry.register_release(make_release("11"))
    registry.approve(1, 2, 3, 4, who="rita", why="the first one")
    registry.register_release(make_release("12"))

    def run(*arguments):
        given = ["models", *arguments, "--config", str(config), "--registry", "sagemaker"]
        return CliRunner().invoke(app, given)

    return run


@pytest.fixture
def rows(models):
    def run(*arguments):
        result = models(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return run


def numbers(rows):
    return [row["version"] for row in rows]


def test_looking(models, rows):
    listed = rows("list")
    assert numbers(listed) == list(range(1, 9))
    assert models("list").stdout.count("champion") >= 4
    arn = listed[4]["arn"]
    assert arn.startswith("arn:aws:sagemaker:")
    shown = models("show", arn).stdout
    assert "release-12" in shown
    assert arn in shown
    assert [(row["version"], row["champion"]) for row in rows("compare")] == [(5, 1), (6, 2), (7, 3), (8, 4)]
    assert "RetrainFlow/12" in models("who-made", arn).stdout


def test_deciding(models, rows):
    assert rows("approve", "7", "8", "--reason", "finds more", "--who", "omar")[0]["is_champion"]
    assert numbers(rows("champion", "balanced")) == [8]
    assert rows("show", "8")[0]["events"][0]["who"] == "omar"
    assert rows("reject", "5", "--reason", "flags too many", "--who", "omar")[0]["status"] == "Rejected"
    assert numbers(rows("rollback", "--reason", "flags everybody", "--who", "omar")) == [1, 2, 3, 4]
    refused = models("rollback", "--reason", "no former", "--who", "omar")
    assert refused.exit_code == 1
    assert "--force" in refused.stderr
