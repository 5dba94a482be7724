import io
import json
import re
from functools import partial

import pytest
from rich.console import Console
from typer.testing import CliRunner

from scarcegan import settings, words
from scarcegan.backends import open_registry
from scarcegan.cli import app, tables
from scarcegan.registry.local import LocalRegistry
from scarcegan.registry.versions import compare

GROUP = "scarcegan-risky-players"


@pytest.fixture
def folder(tmp_path, make_release):
    """A registry with two releases; the first one is approved."""
    registry = LocalRegistry(tmp_path / "registry", GROUP)
    registry.register_release(make_release("11"))
    registry.approve(1, 2, 3, 4, who="rita", why="the first one")
    registry.register_release(make_release("12", description="[bold]as typed[/bold]"))
    return tmp_path / "registry"


@pytest.fixture
def models(folder):
    """Run `scarcegan models ...` on that registry."""

    def run(*arguments):
        return CliRunner().invoke(app, ["models", *arguments, "--registry-folder", str(folder)])

    return run


@pytest.fixture
def rows(models, objects):
    return partial(objects, models)


def test_list_shows_every_version_with_its_status(models):
    result = models("list")
    assert result.exit_code == 0
    assert result.stdout.index("Release release-11") < result.stdout.index("Release release-12")
    lines = [line for line in result.stdout.splitlines() if "0.25" in line]
    assert len(lines) == 8
    assert ["champion" in line for line in lines] == [True] * 4 + [False] * 4
    assert "not promised" not in result.stdout
    assert ["missed" in line for line in lines] == [False, True, False, False] * 2


def test_list_as_json_has_an_object_per_version_and_can_be_narrowed(rows):
    versions = rows("list")
    assert [version["version"] for version in versions] == list(range(1, 9))
    assert (versions[0]["status"], versions[0]["metrics"]) == ("Approved", {"recall": 0.5, "pr_auc": 0.136})
    assert [row["version"] for row in rows("list", "--definition", "balanced")] == [4, 8]
    assert [row["version"] for row in rows("list", "--release", "release-12")] == [5, 6, 7, 8]


def test_show_tells_numbers_origin_and_decisions(models):
    text = models("show", "1").stdout
    for expected in ("recall_first", "0.14", "RetrainFlow/11", "0a1b2c3", "rita", "the first one"):
        assert expected in text


def test_shares_and_moments_of_a_registry_are_written_as_everywhere(folder, models, make_release):
    metadata = {"families": "linear 0.5 boost 2 0.212 ScarceGAN 1", "prevalence": "0.014 estimated 0.004 to 0.028"}
    LocalRegistry(folder, GROUP).register_release(make_release("13", metadata=metadata))
    text = models("show", "9").stdout.replace(words.GAP, " ")
    assert "linear 50 % boost 2 21 % ScarceGAN 100 %" in text
    assert "1.4 % estimated 0.4 % to 2.8 %" in text
    assert re.search(r"created_at +\d{4}-\d\d-\d\d \d\d:\d\d *\n", text)
    assert "boost 2 21 %" in models("compare", "9").stdout.replace(words.GAP, " ")


@pytest.mark.parametrize("command", [("list",), ("show", "5"), ("approve", "5", "6", "--force", "--reason", "no leak")])
def test_warnings_about_the_data_are_said_wherever_somebody_looks_or_decides(models, rows, command):
    assert models(*command).stdout.count("(AUC 0.991): a likely leak") == (2 if command == ("list",) else 1)
    found = rows(*command)
    assert "a likely leak" in (found if command[0] == "show" else found[0])["warnings"][0]


@pytest.mark.parametrize("form", ["5", "v5"])
def test_a_version_is_named_by_its_number(rows, form):
    assert rows("show", form)["version"] == rows("compare", form)[0]["version"] == 5


def test_text_of_others_is_printed_as_typed(models):
    assert "[bold]as typed[/bold]" in models("show", "5").stdout


def test_compare_puts_the_last_release_beside_the_champions(models, rows):
    compared = rows("compare")
    assert [(row["version"], row["champion"]) for row in compared] == [(5, 1), (6, 2), (7, 3), (8, 4)]
    assert compared[0]["differences"] == pytest.approx({"recall": 0, "pr_auc": 0.001})
    text = models("compare").stdout
    assert "0.14 +0.001" in text
    assert "test players" in text
    assert "ScarceGAN" in text
    assert "4500" in text


def test_compare_takes_the_named_versions(rows):
    assert [row["version"] for row in rows("compare", "8", "1")] == [8, 1]


def test_approve_makes_champions_and_records_who(models, rows):
    result = models("approve", "7", "8", "--force", "--reason", "finds more", "--who", "omar")
    assert result.exit_code == 0
    assert sum("champion" in line for line in result.stdout.splitlines() if "0.25" in line) == 2
    assert rows("champion", "balanced")["version"] == 8
    event = rows("show", "8")["events"][0]
    assert (event["who"], event["why"], event["status"]) == ("omar", "finds more", "Approved")


def test_approve_records_the_user_when_nobody_is_named(rows, monkeypatch):
    monkeypatch.setenv("LOGNAME", "rita")
    assert rows("approve", "7", "--force", "--reason", "finds more")[0]["decided_by"] == "rita"


def test_a_system_without_user_names_asks_for_one(models, refused, monkeypatch):
    def nobody():
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr("getpass.getuser", nobody)
    refused(models("approve", "7", "--reason", "finds more"), "--who")


def test_approve_asks_for_a_reason(models, rows):
    assert models("approve", "7").exit_code == 2
    assert models("approve", "7", "--force", "--reason", " ").exit_code == 1
    assert rows("show", "7")["status"] == "PendingManualApproval"


def test_rejected_models_and_the_champions_after_a_rollback_are_listed(rows):
    assert rows("reject", "7", "--reason", "flags too many")[0]["status"] == "Rejected"
    rows("approve", "5", "6", "7", "8", "--force", "--reason", "finds more")
    assert [row["version"] for row in rows("rollback", "--reason", "flags everybody")] == [1, 2, 3, 4]


def test_a_forced_rollback_says_that_no_champion_is_left(models):
    result = models("rollback", "--reason", "start anew", "--force")
    assert result.exit_code == 0
    assert "no definition has a champion now" in result.stdout


def test_who_made_names_run_commit_and_card(models, rows):
    text = models("who-made", "6").stdout
    for expected in ("RetrainFlow/12", "0a1b2c3", "evaluate/7"):
        assert expected in text
    assert rows("who-made", "6")["commit"] == "0a1b2c3"


@pytest.mark.parametrize(("arguments", "message"), [
    (("show", "99"), "1 to 8"),
    (("show", "best"), "got 'best'"),
    (("champion", "unheard"), "review_budget"),
    (("rollback", "--reason", "no former"), "--force"),
])  # fmt: skip
def test_a_refusal_is_a_short_message_on_stderr(models, refused, arguments, message):
    refused(models(*arguments), message)


def test_a_folder_without_registry_is_refused(tmp_path, refused):
    answer = CliRunner().invoke(app, ["models", "list", "--registry-folder", str(tmp_path / "typo")])
    refused(answer, "--registry-folder")
    assert not (tmp_path / "typo").exists()


def test_sagemaker_is_chosen_on_the_command_line_and_asks_for_its_settings(folder, refused, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    chosen = ["models", "list", "--registry", "sagemaker"]
    refused(CliRunner().invoke(app, chosen), "registry.archives")
    refused(CliRunner().invoke(app, [*chosen, "--registry-folder", str(folder)]), "leave one of both out")


def test_the_settings_file_says_where_the_registry_is(folder, tmp_path):
    config = tmp_path / "own.toml"
    for group, models in ((GROUP, 8), ("another-group", 0)):
        config.write_text(f'[registry]\npath = "{folder}"\ngroup = "{group}"\n')
        listed = CliRunner().invoke(app, ["models", "list", "--json", "--config", str(config)])
        assert len(json.loads(listed.stdout)) == models


@pytest.mark.parametrize(
    ("content", "message"), [("[registry]\nfolder = 'x'", "registry.folder"), ("[registry", "TOML"), (None, "own.toml")]
)
def test_a_wrong_settings_file_is_explained(tmp_path, refused, content, message):
    config = tmp_path / "own.toml"
    if content:
        config.write_text(content)
    refused(CliRunner().invoke(app, ["models", "list", "--config", str(config)]), message)


def test_an_empty_registry_says_what_to_do(tmp_path):
    config = tmp_path / "own.toml"
    config.write_text(f'[registry]\npath = "{tmp_path / "empty"}"\n')
    for command in ("list", "compare"):
        result = CliRunner().invoke(app, ["models", command, "--config", str(config)])
        assert result.exit_code == 0
        assert "scarcegan run" in result.stdout


def test_tables_fit_a_terminal_of_80_columns(folder):
    """Nothing is cut with an ellipsis, no number is broken."""
    versions = LocalRegistry(folder, GROUP).versions()
    terminal = Console(width=80, file=io.StringIO())
    terminal.print(tables.overview(versions), tables.side_by_side(compare(versions[4:], versions)))
    text = terminal.file.getvalue()
    assert "…" not in text
    assert text.count("0.14") == 12
    assert text.count("0.14 +0.001") == 4


def test_a_worse_challenger_shows_in_list_and_compare(models):
    assert models("list", "--release", "release-12").stdout.count("worse") == 4
    compared = models("compare").stdout
    assert compared.count("worse") == 4
    assert compared.count("[−5.1,\N{NO-BREAK SPACE}−1.0]") == 4


def test_models_are_named_by_arn_and_decided_upon(aws_account, tmp_path, make_release, objects):
    config = tmp_path / "team.toml"
    config.write_text('[registry]\nkind = "local"\narchives = "s3://models/risky"\nimage = "some/image"\n')
    registry = open_registry(settings.Registry(kind="sagemaker", archives="s3://models/risky", image="some/image"))
    registry.register_release(make_release("11"))

    chosen = ["--config", str(config), "--registry", "sagemaker"]
    models = partial(objects, lambda *arguments: CliRunner().invoke(app, ["models", *arguments, *chosen]))
    arn = models("list")[2]["arn"]
    assert arn.startswith("arn:aws:sagemaker:")
    assert models("approve", arn, "4", "--force", "--reason", "finds more", "--who", "omar")[0]["is_champion"]
    assert models("show", "3")["events"][0]["who"] == "omar"
    assert models("who-made", arn)["run"] == "RetrainFlow/11"
