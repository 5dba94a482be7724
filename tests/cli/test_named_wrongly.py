"""A name that is not there is refused with those that are; nothing says that there is nothing."""

from datetime import UTC, datetime

from typer.testing import CliRunner

from scarcegan.cli import app
from scarcegan.registry import rules
from scarcegan.registry.local import LocalRegistry


def test_a_release_that_is_not_there_is_no_empty_registry(tmp_path, make_release, refused):
    LocalRegistry(tmp_path / "registry", "scarcegan-risky-players").register_release(make_release("11"))
    arguments = ["models", "list", "--registry-folder", str(tmp_path / "registry"), "--release"]
    refused(CliRunner().invoke(app, [*arguments, "release-1"]), "got 'release-1': did you mean 'release-11'?")
    assert "precision_first" in CliRunner().invoke(app, [*arguments, "release-11"]).stdout


def test_the_latest_release_is_the_one_registered_last_though_the_clock_was_set_back(
    tmp_path, make_release, monkeypatch
):
    first, second = (LocalRegistry(tmp_path / "registry", group) for group in ("one", "other"))
    first.register_release(make_release("11"))
    before = datetime(2020, 1, 1, tzinfo=UTC).isoformat(timespec="microseconds")
    monkeypatch.setattr(rules, "now", lambda: before)
    second.register_release(make_release("12"))
    assert first.newest_group() == second.newest_group() == "other"


def test_a_run_without_a_name_is_not_there(refused):
    refused(CliRunner().invoke(app, ["runs", "show", ""]), "got '', which is not there: see `scarcegan runs list`")
