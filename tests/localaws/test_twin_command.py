"""What a person reads where the twin was started."""

from types import SimpleNamespace

from localaws.__main__ import _tell

OUTPUTS = dict.fromkeys(("RegistryArchives", "SnapshotsFolder", "ScoresFolder", "BucketName"), "s3://bucket/prefix")


def test_the_twin_says_when_it_is_ready_and_what_to_type(capsys, tmp_path):
    env, config = tmp_path / "env", tmp_path / "twin.toml"
    _tell(SimpleNamespace(environment={"AWS_DEFAULT_REGION": "eu-west-1"}, outputs=OUTPUTS), env, config)
    told = capsys.readouterr().out
    exported, said = told.split("# Ctrl-C stops the twin.\n")
    assert exported == env.read_text() == "export AWS_DEFAULT_REGION=eu-west-1\n"
    assert said.splitlines() == [
        "# It is ready. In another terminal:",
        f"#   source {env}",
        f"#   python flows/retrain_flow.py --config config {config} run --with batch",
    ]


def test_without_files_the_variables_are_to_be_exported(capsys):
    _tell(SimpleNamespace(environment={}, outputs=OUTPUTS), None, None)
    said = capsys.readouterr().out
    assert "export the variables above" in said
    assert "python flows/retrain_flow.py run --with batch" in said
