import json
import math

import numpy as np

from cards import theme


def test_numbers_that_json_does_not_know_become_null():
    spec = theme.plain({"a": [math.nan, math.inf, np.float32(0.5)], "b": np.array([1.0, np.nan]), "c": (True, 3)})
    assert json.loads(json.dumps(spec, allow_nan=False)) == {"a": [None, None, 0.5], "b": [1, None], "c": [True, 3]}


def test_floats_are_inlined_with_five_digits():
    assert theme.plain(0.123456789) == 0.12346


def test_a_chart_bears_its_question_and_fills_the_page():
    rendered = theme.chart("Is it well?", {"mark": "bar", "encoding": {}}, reading="How to read.", rows=[]).render()
    assert rendered["spec"]["title"] == {"text": "Is it well?", "subtitle": "How to read."}
    assert rendered["spec"]["width"] == "container"
    assert rendered["spec"]["background"] == "transparent"


def test_facets_keep_their_own_size():
    spec = theme.chart("Which?", {"facet": {}, "spec": {}}, rows=[]).render()["spec"]
    assert spec["width"] is None
    assert "height" not in spec


def test_a_seventh_series_takes_the_first_colour_again():
    colors = theme.palette(list("abcdefg"))["range"]
    assert len(set(colors[:6])) == 6
    assert colors[6] == colors[0]
