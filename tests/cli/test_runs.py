import os
import re
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import metaflow
import pytest
from history_samples import evaluation, steps_of
from typer.testing import CliRunner

from scarcegan import words
from scarcegan.cli import app
from scarcegan.evaluation import records
from scarcegan.evaluation.figures import Interval
from scarcegan.registry.local import LocalRegistry
from scarcegan.settings import Definition


@pytest.fixture
def runs(recorded):
    """Run `scarcegan runs ...` on the recorded runs."""
    return lambda *arguments: CliRunner().invoke(app, ["runs", *arguments], env={"COLUMNS": "80"})


@pytest.fixture
def rows(runs, objects):
    return partial(objects, runs)


def test_list_tells_state_metrics_and_what_tells_runs_apart(runs):
    text = runs("list").stdout
    for expected in ("failed in train", "unfinished in start", "train.members 16", "resumes first", "nightly"):
        assert expected in text


def test_list_shows_the_model_that_stands_out_whatever_its_name(recorder):
    own = (Definition(name="widest", maximise="f2"), Definition(name="few", maximise="recall", constraint="flagged"))
    steps = steps_of("own", definitions=[one.model_dump() for one in own])
    recorder.run("own", steps | {"evaluate": [{"evaluation": evaluation(definitions=own).to_plain()}]})
    listed = CliRunner().invoke(app, ["runs", "list"]).stdout
    assert "Model 'few' on its test players, at its threshold." in listed
    assert "40\N{NO-BREAK SPACE}%" in listed
    assert "Model 'widest' on" in CliRunner().invoke(app, ["runs", "list", "--definition", "widest"]).stdout


@pytest.mark.parametrize("command", [("list",), ("show", "other"), ("compare", "first", "other"), ("best",)])
def test_what_cannot_be_read_of_a_run_is_said_below_the_others(recorder, command):
    other = steps_of("other")
    other["evaluate"][0]["evaluation"]["models"] = {}
    del other["evaluate"][0]["evaluation"]["verdicts"]
    recorder.run("first", steps_of("first"))
    recorder.run("other", other)
    result = CliRunner().invoke(app, ["runs", *command])
    assert result.exit_code == 0, result.output
    assert "Not read of run other: evaluation: expected a record 'Evaluation'" in result.stdout


def test_list_as_json_has_one_object_per_run(rows):
    listed = rows("list")
    assert [row["run"] for row in listed] == ["fourth", "third", "second", "first"]
    assert (listed[1]["metrics"], listed[2]["metrics"]["balanced"]["recall"]) == ({}, 0.4)
    assert listed[0]["created"].startswith("20")


def test_list_can_be_narrowed(rows):
    assert [row["run"] for row in rows("list", "--namespace", "user:omar", "--status", "finished")] == ["second"]
    assert [row["run"] for row in rows("list", "--tag", "nightly", "--until", "2999-01-01")] == ["first"]


def test_a_list_without_runs_says_what_to_do(runs):
    assert "scarcegan run" in runs("list", "--tag", "nothing").stdout


def test_show_tells_facts_metrics_and_settings(runs, rows):
    text = runs("show", "second").stdout
    for expected in ("omar", "release-second", "00000000ffffffff", "review_budget", "train.members"):
        assert expected in text
    assert re.search(r"took +[\d hmins]+\n", text.replace(words.GAP, " "))
    facts = rows("show", "RetrainFlow/second")
    assert facts["settings"]["seed"] == 11
    assert facts["measured_on"] in text
    assert facts["measured_on"].endswith("known risky")


def test_show_and_compare_tell_which_families_share_the_risk(recorder, runs):
    mixed, steps = evaluation(), steps_of("mixed")
    shares = [records.FamilyShare(name, 0.5, Interval(0.4, 0.3, 0.5), None) for name in ("scarcegan", "linear")]
    models = {name: replace(model, families=shares) for name, model in mixed.models.items()}
    steps["evaluate"][0]["evaluation"] = replace(mixed, models=models).to_plain()
    recorder.run("mixed", steps)
    recorder.run("plain", steps_of("plain"))
    shown, compared = (
        " ".join(runs(*told).stdout.split()) for told in (("show", "mixed"), ("compare", "plain", "mixed"))
    )
    assert "balanced ScarceGAN 50 %, linear 50 %" in shown
    assert "ScarceGAN alone" in compared
    assert "ScarceGAN 50 %," in compared


def test_compare_tells_differences_with_their_spread(runs, rows):
    text = runs("compare", "first", "second", "third").stdout.replace("\N{NO-BREAK SPACE}", " ")
    for expected in ("train.members", "+20.0 ± 8.5 points", "(PSI ", "third: the same data", "Best run"):
        assert expected in text
    assert rows("compare", "first", "second")["runs"] == ["first", "second"]


def test_compare_puts_the_interval_below_each_figure(runs, rows):
    figure = rows("compare", "first", "second")["metrics"][0]
    interval = words.interval(figure["metric"], Interval(figure["value"], figure["low"], figure["high"]))
    text = runs("compare", "first", "second").stdout
    assert all(part in text for part in interval.split(" [", 1))


def test_compare_writes_one_self_contained_page(runs, tmp_path):
    page = tmp_path / "compared.html"
    assert "Wrote" in runs("compare", "first", "second", "--html", str(page)).stdout
    assert "<html" in page.read_text()
    assert "https://fonts" not in page.read_text()
    assert list(tmp_path.iterdir()) == [page]


def test_best_names_a_run_for_each_definition(runs, rows):
    assert {row["definition"]: row["run"] for row in rows("best")}["review_budget"] == "second"
    assert [row["run"] for row in rows("best", "first")] == ["first"] * 4
    assert "no other" in runs("best", "first").stdout
    assert "where each stopped" in runs("best", "third").stdout


@pytest.mark.parametrize(("arguments", "message"), [
    (("show", "fifth"), "scarcegan runs list"),
    (("compare", "first"), "scarcegan runs list"),
    (("compare", "first", "fifth"), "scarcegan runs list"),
    (("compare", "first", "second", "--html", "/nowhere/page.html"), "--html"),
    (("list", "--since", "yesterday"), "2026-11-22"),
])  # fmt: skip
def test_a_refusal_is_a_short_message_on_stderr(runs, refused, arguments, message):
    refused(runs(*arguments), message)


def test_a_pipe_gets_neither_colours_nor_a_spinner(recorded):
    command = [Path(sys.executable).with_name("scarcegan"), "runs", "list"]
    environment = {key: value for key, value in os.environ.items() if key not in ("FORCE_COLOR", "COLUMNS")}
    result = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=recorded)
    assert "\x1b" not in result.stdout
    assert result.stderr == ""
    assert "unfinished in start" in result.stdout


@pytest.fixture
def registry(recorded, tmp_path, make_release):
    """A registry with a release of `first` and one of `second`."""
    found = LocalRegistry(tmp_path / "registry", "scarcegan-risky-players")
    for number, run in (("11", "first"), ("12", "second")):
        found.register_release(make_release(number, run_pathspec=f"RetrainFlow/{run}", release_id=f"release-{run}"))
    return tmp_path / "registry"


def decide(registry, *arguments):
    options = ["--reason", "finds more", "--who", "rita", "--registry-folder", str(registry)]
    return CliRunner().invoke(app, ["models", *arguments, *options])


def tags(run):
    metaflow.namespace(None)
    return metaflow.Run(f"RetrainFlow/{run}").user_tags & {"candidate", "champion"}


def test_the_tag_champion_moves_with_the_registry(registry):
    assert decide(registry, "approve", "--force", "1", "2", "3", "4").exit_code == 0
    assert (tags("first"), tags("second")) == ({"champion"}, set())
    decide(registry, "approve", "--force", "7")
    assert (tags("first"), tags("second")) == ({"champion"}, {"champion", "candidate"})
    decide(registry, "approve", "--force", "5", "6", "8")
    assert (tags("first"), tags("second")) == (set(), {"champion"})
    decide(registry, "rollback")
    assert (tags("first"), tags("second")) == ({"champion"}, set())


def test_a_decision_holds_where_the_run_cannot_be_reached(recorded, tmp_path, make_release):
    found = LocalRegistry(tmp_path / "registry", "scarcegan-risky-players")
    found.register_release(make_release("99"))
    result = decide(tmp_path / "registry", "approve", "--force", "1")
    assert result.exit_code == 0
    assert found.champion("recall_first").version == 1
    assert "Decided and kept on record." in result.stderr
    assert "RetrainFlow/99" in result.stderr
