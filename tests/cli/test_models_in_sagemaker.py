"""The commands choose SageMaker's registry; what a registry does is tested in `tests/contract`."""

from typer.testing import CliRunner

from scarcegan import settings
from scarcegan.backends import open_registry
from scarcegan.cli import app


def test_models_are_named_by_arn_and_decided_upon(aws_account, tmp_path, make_release, objects):
    config = tmp_path / "team.toml"
    config.write_text('[registry]\nkind = "local"\narchives = "s3://models/risky"\nimage = "some/image"\n')
    registry = open_registry(settings.Registry(kind="sagemaker", archives="s3://models/risky", image="some/image"))
    registry.register_release(make_release("11"))

    chosen = ["--config", str(config), "--registry", "sagemaker"]
    models = objects(lambda *arguments: CliRunner().invoke(app, ["models", *arguments, *chosen]))
    arn = models("list")[2]["arn"]
    assert arn.startswith("arn:aws:sagemaker:")
    assert models("approve", arn, "4", "--reason", "finds more", "--who", "omar")[0]["is_champion"]
    assert models("show", "3")[0]["events"][0]["who"] == "omar"
    assert models("who-made", arn)[0]["run"] == "RetrainFlow/11"
