import json
import math

from cards.charts import DASHES, Axis, Cell, Line, Mark, Rule, banded_lines, heat_map, plain, points, ranked_bars

SHARE = Axis("share", share=True, low=0, high=1)


def spec_of(chart):
    return chart.render()["spec"]


def test_numbers_that_json_does_not_know_become_null_and_others_have_five_digits():
    spec = plain({"a": [math.nan, math.inf, 0.123456789], "b": (True, 3)})
    assert json.loads(json.dumps(spec, allow_nan=False)) == {"a": [None, None, 0.12346], "b": [True, 3]}


def test_a_chart_bears_its_question_and_fills_the_page():
    spec = spec_of(ranked_bars("Is it well?", "How to read.", SHARE, [Mark("a", 0.5)]))
    assert spec["title"] == {"text": "Is it well?", "subtitle": "How to read."}
    assert (spec["width"], spec["background"]) == ("container", "transparent")


def test_a_mark_without_a_value_is_left_out():
    for shape in (ranked_bars, points):
        rows = spec_of(shape("?", "", SHARE, [Mark("a", 0.5), Mark("b", None), Mark("c", math.nan)]))["data"]["values"]
        assert [row["name"] for row in rows] == ["a"]


def test_a_logarithmic_axis_leaves_out_what_is_not_positive():
    log = Axis(log=True)
    assert len(spec_of(points("?", "", log, [Mark("a", 0), Mark("b", 3)]))["data"]["values"]) == 1
    (row,) = spec_of(banded_lines("?", "", log, SHARE, [Line("a", [0, 1, 2], [0.1, 0.2, 0.3])]))["data"]["values"]
    assert (row["x"], row["y"], row["low"]) == ([1, 2], [0.2, 0.3], [])


def test_series_have_colours_of_their_own_or_the_one_they_ask_for():
    bars = [Mark(str(at), 0.5, series=str(at), color="#123456" if at == 2 else "") for at in range(8)]
    scale = spec_of(ranked_bars("?", "", SHARE, bars))["layer"][0]["encoding"]["color"]["scale"]
    colors = dict(zip(scale["domain"], scale["range"], strict=True))
    assert colors["2"] == "#123456"
    assert colors["0"] == colors["6"] != colors["1"]  # six colours, then again


def test_marks_of_one_name_lie_together():
    alone, together = (points("?", "", SHARE, [Mark("a", 0.1), Mark(name, 0.2, series="y")]) for name in "ba")
    assert "yOffset" not in str(spec_of(alone))
    assert "yOffset" in str(spec_of(together))


def test_a_legend_draws_lines_as_the_chart_does():
    lines = [Line("a", [0, 1], [0, 1]), Line("b", [0, 1], [1, 0], dash="dashed"), Line("c", [0], [0], dash="dotted")]
    encoding = spec_of(banded_lines("?", "", SHARE, SHARE, lines))["layer"][0]["encoding"]
    color, dash = encoding["color"], encoding["strokeDash"]
    assert (color["field"], color["legend"], color["legend"]["symbolType"]) == (dash["field"], dash["legend"], "stroke")
    assert dict(zip(dash["scale"]["domain"], dash["scale"]["range"], strict=True)) == {
        name: DASHES[look] for name, look in {"a": "solid", "b": "dashed", "c": "dotted"}.items()
    }


def test_an_axis_writes_nothing_as_nothing_and_small_numbers_alike():
    written = [axis.channel("x")["axis"]["labelExpr"] for axis in (Axis(), Axis(log=True))]
    assert written == [
        "datum.value ? datum.label : '0'",
        "datum.value < 0.001 ? format(datum.value, '~e') : datum.label",
    ]


def test_faint_lines_stand_back_until_they_are_picked():
    spec = spec_of(banded_lines("?", "", SHARE, SHARE, [Line("a", [0, 1], [0, 1]), Line("b", [0], [0], faint=True)]))
    (pick,) = spec["layer"][0]["params"]
    assert (pick["bind"], pick["value"]) == ("legend", [{"name": "a"}])


def test_choices_are_shown_one_at_a_time_the_first_one_first():
    names, rules = ("best", "other"), [Rule(0, "", "best")]
    lines = [Line("a", [0, 1], [0, 1], choice=name) for name in names]
    drawn = banded_lines("?", "", SHARE, SHARE, lines, rules)
    for chart in (drawn, points("?", "", SHARE, [Mark("a", 0.1, choice=name) for name in names], rules)):
        spec = spec_of(chart)
        (param,) = spec["params"]
        assert (param["value"], param["bind"]["options"]) == ("best", ["best", "other"])
        assert spec["transform"][0] == spec["layer"][-1]["transform"][0] == {"filter": "datum.choice == chosen"}


def test_small_charts_keep_their_own_size():
    lines = banded_lines("?", "", SHARE, SHARE, [Line("a", [0], [0], panel="one"), Line("a", [0], [0], panel="two")])
    cells = heat_map("?", "", "rows", "columns", [Cell("a", "b", 0.5, "1", "one")])
    for spec in map(spec_of, (lines, cells)):
        assert (spec["width"], spec["facet"]["field"]) == (None, "panel")
        assert "height" not in spec
