"""`scarcegan report` reads what the registry holds the digest of, and nothing that training may write otherwise.

Metaflow's artifacts are pickles: to read one runs what it says, as whoever reads it.
"""

from dataclasses import replace

import pytest
from history_samples import evaluation, report
from typer.testing import CliRunner

from scarcegan import history
from scarcegan.cli import app
from scarcegan.cli.decisions import collect
from scarcegan.evaluation.figures import Interval
from scarcegan.history.client import find_run, state_of
from scarcegan.problems import RegistryProblem
from scarcegan.registry import rules
from scarcegan.serving.archive import write_archive
from scarcegan.workflow.retraining.review import FILE, read_review


@pytest.mark.reliability(
    case="Somebody plants code in the artifacts of a training",
    sees="report and compliance file as they were registered; the code does not run as the reviewer, nor as scoring",
    resume="not needed",
)
def test_code_planted_in_a_runs_artifacts_does_not_run_when_a_reviewer_types_report(
    planted, release, review, trace, tmp_path
):
    folder = release(review).folder
    page = tmp_path / "first.html"
    typed = ["report", "first", "--html", str(page), "--registry-folder", str(folder)]
    result = CliRunner().invoke(app, typed)
    assert result.exit_code == 0, result.output
    assert "<html" in page.read_text()
    assert not trace.exists()
    assert history.artifact("first", "evaluation") is None  # what `os.mkdir` returns
    assert trace.exists()  # it does run where an artifact is read


def test_nor_when_a_reviewer_decides_or_scoring_asks_what_became_of_a_retraining(planted, release, review, trace):
    folder = release(review).folder
    options = ["--reason", "finds more", "--who", "rita", "--registry-folder", str(folder), "--force"]
    result = CliRunner().invoke(app, ["models", "approve", "1", *options])
    assert result.exit_code == 0, result.output
    assert state_of(find_run("first")) == ("finished", "end")
    assert not trace.exists()


def test_the_report_tells_release_decisions_and_how_the_models_were_made(release, review):
    registry = release(review)
    registry.approve(2, who="rita", why="finds more")
    found = collect(registry, "RetrainFlow/first")
    assert (found.run, found.user, found.settings["seed"]) == ("first", "ada", 11)
    assert "data.path" not in found.settings  # the archive is served too: it names no places
    assert (found.release.release_id, found.release.lineage.commit) == ("release-first", "0a1b2c3")
    assert found.release.refused == ["recall_first", "precision_first"]
    assert [[event.who for event in events] for events in found.decisions.values()] == [[], ["rita"]]
    assert found.evaluation == evaluation()
    assert found.data_report == report()


def test_a_run_without_a_release_is_refused_and_those_with_one_are_named(release, review):
    with pytest.raises(RegistryProblem, match=r"in group 'scarcegan-risky-players' \(first\), got 'third'"):
        collect(release(review), "third")


def test_an_archive_that_was_changed_is_not_read(release, review):
    registry = release(review)
    place = rules.archive_path(registry.folder / "archives", registry.show(1).sha256)
    place.write_bytes(place.read_bytes() + b" ")
    with pytest.raises(RegistryProblem, match="it was changed"):
        collect(registry, "first")


def test_a_model_of_older_code_says_that_it_keeps_no_review(release):
    with pytest.raises(RegistryProblem, match=r"expected review\.json in the archive"):
        collect(release(None), "first")


def test_what_could_not_be_measured_comes_back_as_such(tmp_path, review):
    nan = float("nan")
    models = {
        name: replace(one, test={"test": replace(one.test["test"], pr_auc=Interval(nan, nan, nan, nan))})
        for name, one in review.evaluation.models.items()
    }
    spoilt = replace(review, evaluation=replace(review.evaluation, models=models))
    sha256 = write_archive({}, {}, tmp_path / "a.tar.gz", {FILE: spoilt.to_file()})
    again = read_review(tmp_path / "a.tar.gz", sha256)
    assert again.to_file() == spoilt.to_file()
    assert again.evaluation.models["balanced"].test["test"].pr_auc.value != 0
