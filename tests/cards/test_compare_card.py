from dataclasses import replace

from cards.compare_card import compare_card


def test_the_best_run_of_each_definition_is_highlighted(compared, read):
    text = read(compare_card(compared))
    assert text.count("(best)") == 4
    assert "**60 % [50, 70]** (best)" in text
    assert "not evaluated" in text


def test_a_lead_is_weighed_against_the_spread_of_the_folds(compared, read):
    text = read(compare_card(compared))
    assert "- `review_budget`: **beyond the spread of the folds**. second is 20.0 points ahead of first" in text
    assert "folds spread by 8.5 points, and they were measured on other players" in text
    assert "- `precision_first`: **level**. first reaches as much as second, folds spread by" in text


def test_settings_that_differ_stand_in_a_table(compared, read):
    assert '["train.members", "8", "16", "8"]' in read(compare_card(compared))
    assert "all settings are the same" in read(compare_card(replace(compared, settings={})))


def test_it_is_told_what_each_runs_models_are_made_of(compared, read):
    made = {"first": {"balanced": "ScarceGAN alone"}, "second": {"balanced": "ScarceGAN 60 %, linear 40 %"}}
    text = read(compare_card(replace(compared, made_of=made)))
    assert '["balanced", "ScarceGAN alone", "ScarceGAN 60 %, linear 40 %", "not evaluated"]' in text
    assert "made of?" not in read(compare_card(replace(compared, made_of={})))


def test_charts_ask_and_show_only_runs_with_data(compared, charts):
    drawn = charts(compare_card(compared))
    assert list(drawn) == [
        "What changes, beyond what folds differ by?",
        "Which run finds more at the review budget while it learns?",
        "Which run ranks validation players better while it learns?",
        "Which features are distributed otherwise?",
    ]
    for spec in drawn.values():
        assert "third" not in str(spec["data"])


def test_the_model_that_stands_out_is_shown_first(compared, charts):
    spec = charts(compare_card(replace(compared, headline="balanced")))["What changes, beyond what folds differ by?"]
    assert spec["params"][0]["value"] == "balanced"


def test_a_run_has_the_same_colour_in_every_chart(compared, charts):
    specs = [str(spec) for spec in charts(compare_card(compared)).values() if "second" in str(spec)]
    assert len(specs) == 4
    assert all("'#e08a00'" in spec for spec in specs)


def test_runs_on_the_same_data_need_no_drift_chart(compared, read, charts):
    same = replace(compared, drift=[], data=dict.fromkeys(compared.runs, "9f2c41d07be3a865"))
    components = compare_card(same)
    assert "Which features are distributed otherwise?" not in charts(components)
    assert read(components).count("9f2c41d07be3a865, the same") == 2


def test_runs_that_have_only_begun_are_compared_by_their_settings(compared, read, charts):
    begun = replace(compared, metrics=[], curves=[], drift=[], best=[], headline=None)
    assert not charts(compare_card(begun))
    assert "train.members" in read(compare_card(begun))


def test_what_could_not_be_read_of_a_run_is_said(compared, read):
    card = compare_card(replace(compared, unread={"third": ["evaluation: of another shape"]}))
    assert "third: evaluation: of another shape" in read(card)
