"""The commands choose SageMaker's registry; what a registry does is tested in `tests/contract`."""

import json

from typer.testing import CliRunner

from scarcegan import settings
from scarcegan.backends import open_registry
from scarcegan.cli import app


def test_models_are_named_by_arn_and_decided_upon(aws_account, tmp_path, make_release):
    config = tmp_path / "team.toml"
    config.write_text('[registry]\nkind = "local"\narchives = "s3://models/risky"\nimage = "some/image"\n')
    registry = open_registry(settings.Registry(kind="sagemaker", archives="s3://models/risky", image="some/image"))
    registry.register_release(make_release("11"))

    def models(*arguments):
        given = ["models", *arguments, "--config", str(config), "--registry", "sagemaker", "--json"]
        result = CliRunner().invoke(app, given)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    arn = models("list")[2]["arn"]
    assert arn.startswith("arn:aws:sagemaker:")
    assert models("approve", arn, "4", "--reason", "finds more", "--who", "omar")[0]["is_champion"]
    assert models("show", "3")[0]["events"][0]["who"] == "omar"
    assert models("who-made", arn)[0]["run"] == "RetrainFlow/11"
