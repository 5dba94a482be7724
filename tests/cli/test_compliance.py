import json

import pytest
from history_samples import evaluation, report, settings
from typer.testing import CliRunner

from scarcegan.cli import app, compliance
from scarcegan.history.records import Package
from scarcegan.problems import Problem
from scarcegan.settings import load
from scarcegan.workflow.retraining.review import review_of


@pytest.fixture
def registry(release, review):
    """A registry with the releases of two runs; the second is better, has more members and other players."""
    release(review)
    changed = load(settings(seed=11, train={"members": 16}, monitoring={"pairs": 3}))
    return release(review_of(evaluation(0.2), report(2.0, "00000000ffffffff"), changed), "second")


@pytest.fixture
def command(tmp_path):
    folder = str(tmp_path / "registry")
    return lambda *arguments: CliRunner().invoke(app, ["compliance", *arguments, "--registry-folder", folder])


def test_one_page_is_written_for_a_release_and_no_artifact_of_its_run_is_read(
    planted, registry, command, trace, tmp_path
):
    page = tmp_path / "file.html"
    result = command("release-second", "--html", str(page), "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {
        "release": "release-second", "run": "second", "previous": "release-first", "file": str(page)
    }  # fmt: skip
    assert "<html" in page.read_text()
    assert not trace.exists(), "what training has planted has run"


def test_a_release_is_set_beside_the_one_before_it_with_its_decisions_and_settings(registry):
    registry.approve(3, who="rita", why="finds more")
    found = compliance.gather(registry, "release-second")
    assert (found.previous, found.changes.runs) == ("release-first", ["first", "second"])
    assert found.changes.settings["train.members"] == {"first": 8, "second": 16}
    recall = found.changes.figure("second", "review_budget", "recall")
    assert (recall.delta, recall.fold_std) == (pytest.approx(0.2), 0.06)
    assert {one.feature for one in found.changes.drift if one.psi > 1} == {"stake_0", "stake_1"}
    assert not found.changes.has_same_data("second")
    assert [event.who for events in found.dossier.decisions.values() for event in events] == ["rita"]
    assert found.dossier.release.lineage.cost == "It cost 1.25 USD"
    told = found.dossier.settings
    assert (told["monitoring.pairs"], told["outcomes.agreeing"]) == (3, 1)
    assert {"outcomes.folder", "scoring.folder"}.isdisjoint(told), "archives are served: they name no places"
    first = compliance.gather(registry, "release-first")
    assert (first.previous, first.changes, first.unread) == ("", None, "")


def test_the_release_before_is_the_last_that_was_approved(registry, release, review):
    registry.approve(1, who="rita", why="finds more")
    release(review, "third")
    assert compliance.gather(registry, "release-third").previous == "release-first"


def test_a_release_before_whose_archive_cannot_be_read_is_said_to_be_so(release, review):
    release(None, "old")
    found = compliance.gather(release(review, "last"), "release-last")
    assert (found.previous, found.changes) == ("release-old", None)
    assert "review.json" in found.unread


@pytest.mark.usefixtures("registry")
def test_an_unknown_release_is_refused_with_the_nearest(command, refused):
    refused(command("release-secnd"), "got 'release-secnd': did you mean 'release-second'?")


@pytest.mark.usefixtures("registry")
def test_a_folder_that_is_not_there_is_refused(command, refused):
    refused(command("release-second", "--html", "/nowhere/page.html"), "expected a folder /nowhere")


@pytest.mark.usefixtures("registry")
def test_a_page_is_written_to_s3_as_well(bucket, command):
    result = command("release-second", "--html", "s3://models/pages/page.html")
    assert result.exit_code == 0, result.output
    assert b"<html" in bucket.Object("pages/page.html").get()["Body"].read()


def test_the_bill_of_materials_comes_before_the_lock(tmp_path):
    (tmp_path / "requirements.lock").write_text("numpy==0.0.1 \\\n    --hash=sha256:00\nnobody[extra]==1.0\n")
    assert compliance.packages(tmp_path) == (
        "requirements.lock",
        [Package("numpy", "0.0.1", ""), Package("nobody", "1.0", "")],
    ), "the licence of another version is not told"
    (tmp_path / "build").mkdir()
    licences = [{"license": {"id": "MIT"}}, {"license": {"name": "x" * 500}}, {"expression": "Apache-2.0"}]
    components = [{"name": "one", "version": "1", "licenses": licences}, {"name": "two"}]
    (tmp_path / "build/sbom.json").write_text(json.dumps({"components": components}))
    found = ("build/sbom.json", [Package("one", "1", "MIT, Apache-2.0"), Package("two", "", "")])
    assert compliance.packages(tmp_path) == found


def test_without_either_the_installed_packages_are_told(tmp_path):
    listed_in, found = compliance.packages(tmp_path)
    assert listed_in == "what is installed here"
    assert next(one for one in found if one.name == "numpy").licence


@pytest.mark.parametrize("content", ["{", "[]", '{"components": [3]}'])
def test_a_broken_bill_of_materials_is_refused(tmp_path, content):
    (tmp_path / "build").mkdir()
    (tmp_path / "build/sbom.json").write_text(content)
    with pytest.raises(Problem, match=r"expected CycloneDX .* `make scan` writes it anew"):
        compliance.packages(tmp_path)
