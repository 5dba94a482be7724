import pytest
from typer.testing import CliRunner

from scarcegan.cli import app

OURS = """
[train]
families = ["linear", "ours", "theirs"]

[evaluate]
rivals = ["ours"]

[[estimators]]
name = "ours"
path = "sklearn.naive_bayes:GaussianNB"

[[estimators]]
name = "theirs"
path = "nowhere.to_be:Found"
"""


@pytest.fixture
def estimators(tmp_path):
    """Run `scarcegan estimators ...` with a configuration that names two of one's own."""
    (tmp_path / "ours.toml").write_text(OURS)

    def run(*arguments):
        return CliRunner().invoke(app, ["estimators", *arguments, "--config", str(tmp_path / "ours.toml")])

    return run


def test_estimators_are_listed_with_what_they_take_part_as_and_whether_they_are_installed(estimators, objects):
    listed = {one.pop("name"): one for one in objects(estimators, "list")}
    assert listed["ours"] == {
        "path": "sklearn.naive_bayes:GaussianNB",
        "takes_part_as": ["family", "rival"],
        "installed": True,
    }
    assert listed["theirs"] == {"path": "nowhere.to_be:Found", "takes_part_as": ["family"], "installed": False}
    assert listed["random_forest"]["takes_part_as"] == []
    rows = {line.split()[0]: line.split()[1:] for line in estimators("list").output.splitlines() if line.split()}
    assert rows["ours"] == ["sklearn.naive_bayes:GaussianNB", "family,", "rival", "yes"]
    assert rows["theirs"] == ["nowhere.to_be:Found", "family", "no"]
    assert rows["random_forest"] == ["sklearn.ensemble:RandomForestClassifier", "-", "yes"]


@pytest.mark.parametrize(
    ("which", "role"),
    [
        ("linear", "It can be a family, and a rival."),
        ("ours", "It can only be a rival: 'ours' cannot be stored"),
        ("sklearn.tree:DecisionTreeClassifier", "It can be a family, and a rival."),
    ],
)
def test_an_estimator_is_checked_by_its_name_or_its_path(estimators, objects, which, role):
    printed = estimators("check", which).output
    assert printed.count("ok: it ") == 5
    assert role in printed
    [told] = [objects(estimators, "check", which)]
    assert (len(told["kept"]), told["broken"]) == (5, [])


@pytest.mark.parametrize(
    ("which", "message"),
    [
        ("theirs", "expected 'nowhere.to_be:Found' of 'theirs' to be installed"),
        ("sklearn.dummy:DummyClassifier", "'dummyclassifier' breaks the contract: expected a ROC-AUC of 0.75 or more"),
        ("our", "no estimator is called 'our': did you mean 'ours'?"),
        ("no class:here", "estimators.0.path: expected text of the pattern"),
    ],
)
def test_what_breaks_the_contract_or_is_unknown_ends_with_what_to_do(estimators, refused, which, message):
    refused(estimators("check", which), message)


def test_what_an_estimator_prints_stays_out_of_the_answer(estimators, objects, tmp_path, monkeypatch):
    (tmp_path / "talking.py").write_text("from sklearn.naive_bayes import GaussianNB as Outer\nprint('hello')\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert objects(estimators, "check", "talking:Outer")["broken"] == []


def test_a_class_within_a_class_and_a_path_without_colon(estimators, refused):
    refused(estimators("check", "builtins:str.join"), "expected a class builtins:str.join that takes these parameters")
    refused(estimators("check", "sklearn.tree.Tree"), "of your own is a table [[estimators]], or package.module:Class")
