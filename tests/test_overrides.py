"""Settings that one run lays over the configuration: `--set`, and `--data` for where its tables lie."""

from pathlib import Path

import pytest

from scarcegan.problems import SettingsProblem
from scarcegan.project import typed_data
from scarcegan.settings import load, parse, parse_overrides, resolve


def test_overrides_are_settings_as_in_the_file():
    text = 'train.iterations=2000, model.alpha=0.6, evaluate.rivals=["linear", "extra_trees"], data.path="a,b=c"'
    chosen = resolve(parse("seed = 3\n[train]\nmembers = 4\n"), text)
    assert (chosen.seed, chosen.train.members, chosen.train.iterations) == (3, 4, 2000)
    assert (chosen.model.alpha, chosen.evaluate.rivals, chosen.data.path) == (0.6, ("linear", "extra_trees"), "a,b=c")
    assert resolve({}, "") == resolve({}, None) == load({})


def test_a_runs_own_options_go_before_its_overrides():
    assert resolve({}, "seed=4,review_budget=0.02", seed=5).seed == 5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("train.iteratons=2000", r"unknown key 'train\.iteratons': did you mean 'train\.iterations'\?"),
        ('train.iterations="2000 of them"', r"train\.iterations: expected a whole number, got '2000 of them'"),
        ("train.iterations=70,train.round_iterations=50", r"train\.iterations \(70\) is no multiple"),
        ("data.source=tables", r"text in quotes\), got 'data\.source=tables': Invalid value; mend it"),
        ("seed", r"expected settings such as --set 'train\.iterations=2000,.*, got 'seed'"),
    ],
)
def test_an_override_is_refused_as_in_the_file(text, words):
    with pytest.raises(SettingsProblem, match=words):
        resolve({}, text)


@pytest.mark.parametrize("text", ["resources.train.gpu=0", 'deployment.score_cron=""'])
def test_what_decorates_the_steps_cannot_be_set_for_one_run(text):
    section = text.partition(".")[0]
    with pytest.raises(
        SettingsProblem, match=rf"--set cannot change \[{section}\]: Metaflow reads it before .*--config"
    ):
        parse_overrides(text)


HERE = Path("/work")


def test_data_typed_at_a_prompt_names_a_folder_or_single_tables():
    def tables(**places):
        return {name: {"path": place} for name, place in places.items()}

    assert typed_data("in", HERE) == {"path": "/work/in", "tables": None}
    assert typed_data("s3://bucket/date=2026-01-01/", HERE)["path"] == "s3://bucket/date=2026-01-01/"
    named = typed_data("risky=s3://team/a,b.parquet,test=truth.csv", HERE)
    assert named == {"path": None, "tables": tables(risky="s3://team/a,b.parquet", test="/work/truth.csv")}
    both = typed_data("in,risky=new.csv", HERE)
    assert both == {"path": "/work/in", "tables": tables(risky="/work/new.csv")}
    with pytest.raises(SettingsProblem, match=r"expected --data LOCATION or .*, got 'risky='"):
        typed_data("risky=", HERE)
    with pytest.raises(SettingsProblem, match="got 'risky' twice in --data"):
        typed_data("risky=/old,risky=/new", HERE)


def test_a_table_named_at_a_prompt_keeps_its_columns():
    tree = parse('[data]\nsource = "tables"\ntables.risky = { path = "old", id_column = "account" }\n')
    chosen = resolve(tree, data=typed_data("risky=/new,heavy=/heavy", HERE)).data.tables
    assert (chosen["risky"].path, chosen["risky"].id_column, chosen["heavy"].path) == ("/new", "account", "/heavy")


def test_a_place_without_a_population_is_refused_with_the_nearest():
    with pytest.raises(SettingsProblem, match=r"names 'rsky', which is no population: did you mean 'risky'\?"):
        resolve({"data": {"source": "tables"}}, data=typed_data("rsky=/new", HERE))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"tables": {"risky": "x"}}, r"data\.tables is for data\.source 'tables', got 'simulated'"),
        ({"label_column": "kind"}, r"data\.label_column is for data\.source 'tables'"),
        ({"source": "tables", "label_column": "kind", "tables": {"risky": "x"}}, "one table, at data.path, has all"),
        (
            {"source": "tables", "tables": {"risky": {"pth": "x"}}},
            r"'data\.tables\.risky\.pth': did you mean '.*\.path'",
        ),
        ({"source": "tables", "tables": {"risky": ""}}, r"data\.tables\.risky\.path: .* at least 1 character"),
        (
            {"source": "tables", "tables": {"risky": {"path": "x", "columns": {"a": "c", "b": "c"}}}},
            "each of the table's columns under one name",
        ),
    ],
)
def test_places_that_cannot_be_meant_are_refused(data, words):
    with pytest.raises(SettingsProblem, match=words):
        load({"data": data})


def test_where_the_players_lie_makes_no_other_model():
    one = {"source": "tables", "tables": {"risky": {"path": "x", "id_column": "a"}}}
    places = [{"source": "tables"}, one, {"source": "tables", "label_column": "kind", "path": "y"}]
    assert len({load({"data": data}).fingerprint() for data in places}) == 1
