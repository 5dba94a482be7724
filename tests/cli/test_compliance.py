import json

import pytest
from typer.testing import CliRunner

from scarcegan import history
from scarcegan.cli import app, compliance
from scarcegan.history.records import Package
from scarcegan.problems import Problem
from scarcegan.registry.local import LocalRegistry


@pytest.fixture
def registry(recorded, tmp_path, make_release, monkeypatch):
    """A registry with a release of `first` and one of `second`, which both runs name as theirs."""
    found = LocalRegistry(tmp_path / "registry", "scarcegan-risky-players")
    for number, run in (("11", "first"), ("12", "second")):
        found.register_release(make_release(number, run_pathspec=f"RetrainFlow/{run}", release_id=f"release-{run}"))
    real = history.artifact

    def artifact(run, name):
        own = {"registry": {"path": str(tmp_path / "registry")}}
        return real(run, name) | own if name == "settings" else real(run, name)

    monkeypatch.setattr(history, "artifact", artifact)
    return found


@pytest.fixture
def command(tmp_path):
    folder = str(tmp_path / "registry")
    return lambda *arguments: CliRunner().invoke(app, ["compliance", *arguments, "--registry-folder", folder])


@pytest.mark.usefixtures("registry")
def test_one_page_is_written_for_a_release(command, tmp_path):
    page = tmp_path / "file.html"
    result = command("release-second", "--html", str(page), "--json")
    told = {"release": "release-second", "run": "second", "previous": "release-first", "file": str(page)}
    assert (result.exit_code, json.loads(result.stdout)) == (0, told)
    assert "<html" in page.read_text()


def test_a_release_is_set_beside_the_one_before_it_with_its_cost_and_decisions(registry):
    registry.approve(6, who="rita", why="finds more", force=True)
    found = compliance.gather(registry, "release-second")
    assert (found.previous, found.changes.runs) == ("release-first", ["first", "second"])
    assert found.changes.settings["train.members"] == {"first": 8, "second": 16}
    assert found.cost.money == 1.25
    assert [event.who for events in found.dossier.decisions.values() for event in events] == ["rita"]
    first = compliance.gather(registry, "release-first")
    assert (first.previous, first.changes, first.unread) == ("", None, "")


def test_the_release_before_is_the_last_that_was_approved(registry, make_release):
    registry.approve(1, who="rita", why="finds more", force=True)
    registry.register_release(make_release("13", run_pathspec="RetrainFlow/second", release_id="release-third"))
    assert compliance.gather(registry, "release-third").previous == "release-first"


def test_a_release_before_whose_run_is_gone_is_said_to_be_so(registry, make_release):
    registry.register_release(make_release("14", run_pathspec="RetrainFlow/gone", release_id="release-gone"))
    registry.register_release(make_release("15", run_pathspec="RetrainFlow/second", release_id="release-last"))
    found = compliance.gather(registry, "release-last")
    assert (found.previous, found.changes) == ("release-gone", None)
    assert "RetrainFlow/gone" in found.unread


@pytest.mark.usefixtures("registry")
def test_an_unknown_release_is_refused_with_the_nearest(command, refused):
    refused(command("release-secnd"), "got 'release-secnd': did you mean 'release-second'?")


@pytest.mark.usefixtures("registry")
def test_a_folder_that_is_not_there_is_refused(command, refused):
    refused(command("release-second", "--html", "/nowhere/page.html"), "expected a folder /nowhere")


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
