import comparison_samples
import pytest
from metaflow.cards import VegaChart

from cards.compare_card import compare_card

FIRST, SECOND, THIRD = comparison_samples.RUNS


@pytest.fixture
def compared():
    return comparison_samples.comparison()


def charts(components):
    return {
        part.render()["spec"]["title"]["text"]: part.render()["spec"]
        for part in components
        if isinstance(part, VegaChart)
    }


def test_the_best_run_of_each_definition_is_highlighted(compared, read):
    text = read(compare_card(compared))
    assert text.count("(best)") == 4
    assert "**47 % [42, 51]** (best)" in text
    assert "not evaluated" in text


def test_a_lead_is_weighed_against_the_spread_of_the_folds(compared, read):
    text = read(compare_card(compared))
    assert f"- `review_budget`: **beyond the folds' spread**. {SECOND} is 4.6 points ahead of {FIRST}" in text
    assert "folds spread by 3.0 points, and they were measured on other players" in text
    assert "- `precision_first`: **level**" in text


def test_settings_that_differ_stand_in_a_table(compared, read):
    text = read(compare_card(compared))
    assert '["simulated.drift", "0", "0.5", "0"]' in text
    assert "all settings are the same" in read(compare_card(compared | {"settings": []}))


def test_charts_ask_and_show_only_runs_with_data(compared):
    drawn = charts(compare_card(compared))
    assert list(drawn) == [
        "What changes, beyond what folds differ by?",
        "Which run finds more at the review budget while it learns?",
        "Which run ranks validation players better while it learns?",
        "Which features are distributed otherwise?",
    ]
    for spec in drawn.values():
        assert THIRD not in str(spec["data"])


def test_a_run_has_the_same_colour_in_every_chart(compared):
    scales = [spec for spec in map(str, charts(compare_card(compared)).values()) if SECOND in spec]
    assert len(scales) == 4
    assert all("'#e08a00'" in spec for spec in scales)


def test_runs_on_the_same_data_need_no_drift_chart(compared, read):
    same = compared | {"drift": [], "data": dict.fromkeys(compared["runs"], "9f2c41d07be3a865")}
    components = compare_card(same)
    assert "Which features are distributed otherwise?" not in charts(components)
    assert read(components).count("`, the same") == 2


def test_runs_that_have_only_begun_are_compared_by_their_settings(compared, read):
    begun = compared | {"metrics": [], "curves": [], "drift": [], "best": []}
    assert not charts(compare_card(begun))
    assert "simulated.drift" in read(compare_card(begun))
