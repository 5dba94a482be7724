from datetime import date
from importlib.metadata import EntryPoint

import pytest
from pydantic import ValidationError

from scarcegan.problems import SettingsProblem
from scarcegan.settings import SHAPING_SOURCES, Settings, estimators, load, parse, resolve
from scarcegan.settings.markers_section import MARKERS
from scarcegan.settings.operation_sections import DECISIONS, RETRAIN_AFTER
from scarcegan.settings.section import keys_of


def problem(tree):
    with pytest.raises(SettingsProblem) as refused:
        load(tree)
    return str(refused.value)


def leaves(tree, prefix=""):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key


def test_an_empty_configuration_is_the_default():
    assert load({}) == Settings()


def test_what_was_resolved_loads_to_the_same_settings():
    settings = load({"seed": 3, "model": {"trunk": [8, 4]}, "data": {"prevalence": 0.02}})
    assert load(settings.model_dump(mode="json")) == settings


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"trian": {}}, "unknown key 'trian': did you mean 'train'?"),
        ({"train": {"learning_rat": 0.1}}, "unknown key 'train.learning_rat': did you mean 'train.learning_rate'?"),
        ({"train": {"iteration": 5}}, "unknown key 'train.iteration': did you mean 'train.iterations'?"),
        ({"review_buget": 0.1}, "unknown key 'review_buget': did you mean 'review_budget'?"),
        (
            {"resources": {"train": {"gpus": 1}}},
            "unknown key 'resources.train.gpus': did you mean 'resources.train.gpu'?",
        ),
        ({"train": {"burn_in": 0.3}}, "unknown key 'train.burn_in': did you mean 'train.averaging'?"),
        ({"xyzzy": 1}, "unknown key 'xyzzy': see config/retrain.toml for the valid ones"),
    ],
)
def test_an_unknown_key_is_answered_with_the_nearest(tree, words):
    assert problem(tree) == words


@pytest.mark.parametrize(
    ("tree", "key", "expected", "got"),
    [
        ({"model": {"alpha": -0.7}}, "model.alpha", "greater than 0", "got -0.7"),
        ({"model": {"alpha": 1.1}}, "model.alpha", "less than or equal to 1", "got 1.1"),
        ({"model": {"dropout": 1.0}}, "model.dropout", "less than 1", "got 1.0"),
        ({"model": {"trunk": []}}, "model.trunk", "at least 1 item", "got []"),
        ({"model": {"trunk": [60, 0]}}, "model.trunk.1", "greater than or equal to 1", "got 0"),
        ({"model": {"variant": "ssgan"}}, "model.variant", "'without_leeway'", "got 'ssgan'"),
        ({"model": {"objective": "fixed"}}, "model.objective", "'corrected' or 'published'", "got 'fixed'"),
        ({"train": {"members": 0}}, "train.members", "greater than or equal to 1", "got 0"),
        ({"train": {"learning_rate": 0}}, "train.learning_rate", "greater than 0", "got 0"),
        ({"train": {"batch": 3}}, "train.batch", "greater than or equal to 4", "got 3"),
        ({"folds": {"k": 1}}, "folds.k", "greater than or equal to 2", "got 1"),
        ({"folds": {"k": "five"}}, "folds.k", "whole number", "got 'five'"),
        ({"review_budget": 0}, "review_budget", "greater than 0", "got 0"),
        ({"confidence": 0.4}, "confidence", "greater than or equal to 0.5", "got 0.4"),  # below, limits change places
        ({"data": {"test_share": 1}}, "data.test_share", "less than 1", "got 1"),
        ({"data": {"source": "s3"}}, "data.source", "'tables'", "got 's3'"),
        ({"seed": -1}, "seed", "greater than or equal to 0", "got -1"),
        ({"seed": 2**31}, "seed", "less than 2147483648", "got 2147483648"),
        (
            {"monitoring": {"retrain_after": {"scores": 2}}},
            "monitoring.retrain_after.scores",
            "'features', 'classifier', 'score', 'unknown_share' or 'recall'",
            "got 'scores'",
        ),
        ({"registry": {"group": "my group"}}, "registry.group", "letters and digits", "got 'my group'"),
    ],
)
def test_a_value_out_of_range_names_key_range_and_value(tree, key, expected, got):
    words = problem(tree)
    assert words.startswith(f"{key}: ")
    assert expected in words
    assert words.count(", got ") == 1
    assert got in words


def test_all_problems_are_named_at_once():
    words = problem({"model": {"alpha": -1, "nois": 3}, "train": {"members": 0}, "sed": 1}).splitlines()
    assert sorted(line.split(":")[0] for line in words) == [
        "model.alpha",
        "train.members",
        "unknown key 'model.nois'",
        "unknown key 'sed'",
    ]


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        (
            {"train": {"iterations": 70, "round_iterations": 50}},
            r"train.iterations (70) is no multiple of train.round_iterations (50): change one",
        ),
        ({"populations": {"rare": "heavy"}}, "expected different population names"),
        ({"populations": {"negatives": ["unknown"]}}, "('unknown' and 'test' are taken)"),
        ({"populations": {"rare": "test"}}, "('unknown' and 'test' are taken)"),
        (
            {"definitions": [{"name": "one", "maximise": "f2"}] * 2},
            "expected different definition names, got ['one', 'one']",
        ),
        (
            {"definitions": [{"name": "one", "maximise": "recall", "constraint": "precision"}]},
            "'one' has no bound for precision",
        ),
        ({"definitions": [{"name": "one", "maximise": "f2", "bound": 0.5}]}, "'one' has a bound but no constraint"),
        ({"definitions": [{"name": "one", "maximise": "fewest_flagged"}]}, "'one' flags nobody at best"),
    ],
    ids=["rounds", "same name", "unknown", "test", "definitions", "no bound", "no constraint", "nobody"],
)
def test_settings_that_do_not_hang_together_are_refused(tree, words):
    assert words in problem(tree)


def test_text_that_is_no_toml_names_the_line():
    with pytest.raises(SettingsProblem, match=r"expected TOML in the configuration, got: .*line 2.*; mend that line"):
        parse("seed = 7\nreview_budget = = 0.01\n")


def test_parsing_checks_and_completes():
    tree = parse("[train]\nmembers = 3\n")
    assert tree["train"]["members"] == 3
    assert tree == Settings().model_dump(mode="json") | {"train": tree["train"]}
    with pytest.raises(SettingsProblem, match=r"train\.members"):
        parse("[train]\nmembers = 0\n")


def test_a_run_lays_its_choices_over_the_configuration():
    tree = {"seed": 3, "data": {"source": "tables", "path": "old"}}
    chosen = resolve(tree, seed=4, data={"path": "s3://bucket/new", "snapshot": None})
    assert (chosen.seed, chosen.data.source, chosen.data.path) == (4, "tables", "s3://bucket/new")
    assert resolve(tree) == load(tree)
    assert tree == {"seed": 3, "data": {"source": "tables", "path": "old"}}
    with pytest.raises(SettingsProblem, match="seed"):
        resolve(tree, seed=-1)


def test_every_key_is_documented_once():
    documented = [key.name for key in keys_of(Settings)]
    assert len(set(documented)) == len(documented)
    mappings = {"definitions", "estimators", *(f"monitoring.retrain_after.{name}" for name in RETRAIN_AFTER)}
    mappings |= {f"outcomes.decisions.{name}" for name in DECISIONS} | {f"markers.{name}" for name in MARKERS}
    assert set(leaves(Settings().model_dump(mode="json"))) <= set(documented) | mappings
    assert [key.name for key in keys_of(Settings) if not key.meaning] == []
    assert {"definitions.name", "definitions.bound"} <= set(documented)


@pytest.mark.parametrize("table", ["small", "preprocess", "train"])
def test_resources_given_in_part_keep_their_other_defaults(table):
    usual = getattr(Settings().resources, table)
    assert getattr(load({"resources": {table: {"cpu": usual.cpu}}}).resources, table) == usual


def test_settings_cannot_be_changed_in_passing():
    with pytest.raises(ValidationError, match="frozen"):
        Settings().seed = 8


SOURCES = {"simulated", "kdd99", "lootbox", "tables", "snapshot"}
# A change of each section or key at the top, and the sources for which it makes other models.
SHAPING = [
    ("seed", 8, SOURCES),
    ("review_budget", 0.02, SOURCES),
    ("confidence", 0.8, SOURCES),
    ("markers", {"spend": ["stakes_*"]}, set()),
    ("populations", {"unlabeled": "rest"}, SOURCES),
    ("data", {"prevalence": 0.02}, SOURCES),
    ("data", {"test_share": 0.3}, SOURCES),
    ("data", {"ignore_columns": ["bets"]}, SOURCES),
    ("data", {"labels_known_by": "2026-01-01"}, SOURCES),
    ("data", {"path": "s3://bucket/elsewhere", "id_column": "account"}, set()),
    ("simulated", {"players": 500}, {"simulated"}),
    ("kdd99", {"task": "u2r"}, {"kdd99"}),
    ("lootbox", {"cutoff": "2023-02-12"}, {"lootbox"}),
    ("features", {"window_days": 90}, {"simulated", "lootbox"}),
    ("telemetry", {"cutoffs": ["2026-02-01"], "roles": {"activity": "opens"}}, set()),
    ("snapshots", {"folder": "elsewhere"}, set()),
    ("scoring", {"folder": "elsewhere"}, set()),
    ("folds", {"k": 4}, SOURCES),
    ("scaling", {"kind": "log_minmax"}, SOURCES),
    ("model", {"alpha": 0.6}, SOURCES),
    ("train", {"members": 3}, SOURCES),
    ("definitions", [{"name": "balanced", "maximise": "f2"}], SOURCES),
    ("evaluate", {"bootstrap": 50, "rivals": []}, set()),
    ("estimators", [{"name": "a_rival", "path": "package.module:Class"}], set()),
    ("registry", {"group": "other", "worse_challenger": "refuse"}, set()),
    ("monitoring", {"cool_down": 3}, set()),
    ("outcomes", {"agreeing": 2}, set()),
    ("retention", {"runs": 400}, set()),
    ("resources", {"train": {"gpu": 0}}, set()),
    ("prices", {"gpu_hour": 9.0}, set()),
    ("deployment", {"project": "other"}, set()),
    ("notify", {"command": "mail team"}, set()),
    ("words", {"row": "card", "rare": "fraud"}, set()),
]


@pytest.mark.parametrize(("section", "change", "sources"), SHAPING, ids=[f"{one[0]} {one[1]}" for one in SHAPING])
def test_the_fingerprint_changes_with_what_shapes_the_models_of_a_source_and_nothing_else(section, change, sources):
    found = set()
    for source in SOURCES:
        tree = {"data": {"source": source}}
        before = load(tree).fingerprint()
        changed = tree["data"] | change if section == "data" else change
        if load(tree | {section: changed}).fingerprint() != before:
            found.add(source)
    assert found == sources


def test_every_section_counts_for_the_fingerprint_or_does_not():
    assert set(SHAPING_SOURCES) == set(Settings.model_fields) == {section for section, _, _ in SHAPING}


def test_a_snapshot_of_the_same_players_under_another_name_has_the_same_fingerprint():
    first, second = (load({"data": {"source": "snapshot", "snapshot": name}}) for name in ("june", "july"))
    assert first.fingerprint() == second.fingerprint()


def test_a_snapshot_is_refused_where_the_source_is_another():
    with pytest.raises(SettingsProblem, match=r"data.snapshot names 'players-1', but data.source is 'simulated'"):
        load({"data": {"snapshot": "players-1"}})


def test_a_batch_has_room_for_every_class():
    negatives = ["dormant", "idle", "normal", "heavy"]
    with pytest.raises(SettingsProblem, match=r"train.batch \(4\) has no room for each of the 5 classes"):
        load({"populations": {"negatives": negatives}, "train": {"batch": 4}})


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"folds": {"k": 1.5}}, "folds.k: expected a whole number, got 1.5"),
        ({"train": {"iterations": "x"}}, "train.iterations: expected a whole number, got 'x'"),
        ({"train": {"members": 0}}, "train.members: expected a number greater than or equal to 1, got 0"),
        ({"model": {"trunk": []}}, "model.trunk: expected a list with at least 1 item, got []"),
        ({"data": {"labels": 3}}, "data.labels: expected a table, got 3"),
        ({"review_budget": {}}, "review_budget: expected a number, got a table"),
        ({"words": {"row": 5}}, "words.row: expected text, got 5"),
        ({"train": 3}, "train: expected a table, got 3"),
        ({"registry": {"four_eyes": "maybe"}}, "registry.four_eyes: expected true or false, got 'maybe'"),
        ({"simulated": {"players": 1e30}}, "simulated.players: expected a whole number, got 1e+30"),
    ],
)
def test_what_a_value_should_be_is_told_in_the_words_of_toml(tree, words):
    assert problem(tree).splitlines()[-1] == words


def test_infinite_numbers_are_refused():
    with pytest.raises(SettingsProblem, match=r"model\.prior_weight: expected a finite number"):
        load({"model": {"prior_weight": float("inf")}})


def test_how_a_family_is_made_counts_for_the_fingerprint():
    def prints(parameters):
        mine = {"name": "mine", "path": "package.module:Class", "parameters": parameters}
        return load({"estimators": [mine], "train": {"families": ["mine"]}}).fingerprint()

    assert prints({"trees": 5}) == prints({"trees": 5}) != prints({"trees": 6})


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        (
            {"train": {"families": ["small_extra_tree"]}},
            "is called 'small_extra_tree': did you mean 'small_",
        ),
        ({"evaluate": {"rivals": ["xyzzy"]}}, "no estimator is called 'xyzzy': known are 'extra_trees', "),
        (
            {"estimators": [{"name": "linear", "path": "a.b:C"}, {"name": "scarcegan", "path": "a.b:C"}]},
            "expected estimators with names of their own, got linear, scarcegan twice: rename yours",
        ),
        (
            {"estimators": [{"name": "mine", "path": "a.b:C", "unlabeled": "negatives", "target": "classes"}]},
            'takes unlabelled players as negatives, of which class nobody knows: set target = "rare"',
        ),
        ({"estimators": [{"name": "mine", "path": "no class"}]}, "estimators.0.path: expected text of the pattern"),
    ],
)
def test_estimators_that_cannot_be_meant_are_refused(tree, words):
    assert words in problem(tree)


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), date(2026, 1, 1), [1, {"b": float("inf")}]])
def test_parameters_that_a_run_could_not_keep_are_refused_and_not_changed(value):
    mine = {"name": "mine", "path": "package:Class", "parameters": {"missing": value, "depth": 3}}
    told = problem({"estimators": [mine]})
    assert "estimator 'mine': expected 'missing' as text, finite number, true or false" in told


def test_all_that_does_not_hang_together_is_told_at_once():
    mine = {"name": "linear", "path": "package:Class", "unlabeled": "negatives", "target": "classes"}
    told = problem(
        {
            "estimators": [mine],
            "train": {"families": ["small_boostin"], "iterations": 41},
            "evaluate": {"rivals": ["random_forrest"]},
            "data": {"snapshot": "players-2026-01-01", "outcomes": "normal"},
        }
    ).splitlines()
    assert len(told) == 7
    assert sum("did you mean" in line for line in told) == 2


def test_a_name_that_an_installed_package_takes_as_well_says_what_to_uninstall(monkeypatch):
    found = [EntryPoint("linear", "package.module:Class [gpu]", "scarcegan.estimators")]
    monkeypatch.setattr(estimators, "entry_points", lambda group: found)
    assert "got linear twice: rename yours, or uninstall what brings package.module:Class" in problem({})


def test_an_installed_package_may_bring_estimators(monkeypatch):
    entries = {"theirs": "package.module:Class", "A Name That None Can Take": "no class"}
    found = [EntryPoint(name, value, "scarcegan.estimators") for name, value in entries.items()]
    monkeypatch.setattr(estimators, "entry_points", lambda group: [one for one in found if one.group == group])
    assert load({"train": {"families": ["theirs"]}}).families["theirs"].path == "package.module:Class"
