"""What a reader sees before anything is unfolded, and that names of any length find room."""

from dataclasses import replace

import card_samples
import pytest

from cards import theme
from cards.charts import Cell, Line, banded_lines, heat_map
from cards.compare_card import compare_card
from cards.cost_card import cost_card
from cards.evaluate_card import evaluate_card
from cards.evaluation_parts import Axis
from cards.score_card import score_card
from scarcegan.evaluation.records import Comparison

RECALL = "How many risky players are found for the players flagged?"
NAMES = [f"{letter}{'_class_of_forty_letters' * 2}"[:40] for letter in "abcdefgh"]


def parts_of(components):
    """What a component holds: its own rendering, or the renderings of a folded part's."""
    return [part.render() for part in components]


@pytest.fixture
def next_step(evaluation, read):
    """The next step of the headline model, with other verdicts, bounds or promises."""

    def next_step(bound=None, promise=None, **verdicts):
        name = evaluation.headline
        model = evaluation.models[name]
        model = replace(model, bound=bound or model.bound, promise=promise or model.promise)
        verdict = replace(evaluation.verdicts[name], **verdicts)
        changed = replace(
            evaluation, models=evaluation.models | {name: model}, verdicts=evaluation.verdicts | {name: verdict}
        )
        text = read(evaluate_card(changed, card_samples.explanation()))
        return text.split("**Next:** ")[1].split('"')[0]

    return next_step


def test_an_evaluation_shows_its_verdict_the_next_step_and_one_chart_and_folds_the_rest(evaluation):
    _, _, figures, verdict, following, chart, *folded = parts_of(evaluate_card(evaluation, card_samples.explanation()))
    assert [box["title"] for (row,) in [figures["data"]] for box in row] == [
        "risky players found",
        f"Against {evaluation.verdicts['review_budget'].rival}",
        "Against version 9",
        "Its bound",
    ]
    assert verdict["source"].strip().startswith("### `review_budget` finds")
    assert following["source"].strip().startswith("**Next:**")
    assert chart["spec"]["title"]["text"] == RECALL
    summaries, sections = folded[::2], folded[1::2]
    assert all(part["source"].strip().startswith('<details class="fold"><summary>') for part in summaries)
    assert all(part["type"] == "section" for part in sections)
    assert RECALL not in str(sections)


def test_the_next_step_follows_from_what_speaks_against_an_approval(evaluation, next_step):
    model = evaluation.models["review_budget"]
    missed = {"test": replace(model.bound["test"], state="missed")}
    assert next_step(against_champion=Comparison("worse", -0.1, -0.2, -0.05), bound=missed).startswith("Keep version 9")
    assert "test players miss it" in next_step(bound=missed)
    assert next_step(against_rival=Comparison("too few risky", 0, -1, 1)).startswith("Label more risky players")
    worse = next_step(by_pr_auc=Comparison("worse", -0.1, -0.2, -0.05, "pr_auc"), pr_auc_rival="linear")
    assert worse.startswith("Find out why linear is better before you approve")
    assert "not promised, as labels are few" in next_step(promise=replace(model.promise, why_not="labels are few"))
    assert next_step().startswith("Look at the release")


def test_a_folded_part_keeps_its_width_and_its_title_is_text_not_markup():
    summary, section = parts_of(theme.Part("Test set `<b>`", "A note.", [theme.heading("Inside")]).folded())
    assert (
        summary["source"].strip()
        == '<details class="fold"><summary>Test set <code>&lt;b&gt;</code></summary></details>'
    )
    assert [part["source"].strip() for part in section["contents"]] == ["A note.", "## Inside"]
    assert "details.fold:not([open]) + section { height: 0;" in theme.STYLE


def test_scores_begin_with_a_verdict(score_report, decision, read):
    drift = card_samples.scored_drift()
    text = read(score_card(score_report, drift, decision, []))
    verdict = text.split("### ")[1].split('"')[0]
    assert verdict.startswith(
        "1,080 of 120,000 players are flagged (0.9 %, within the review budget of 1 %); retrain: "
    )
    raised = [name for name, state in decision.signals.items() if state.raised]
    assert verdict.endswith(decision.reasons[raised.index(decision.causes[0])])
    assert text.index("### 1,080") < text.index("To look at")
    over = read(score_card(replace(score_report, over_budget="too many"), drift, decision, []))
    assert "more than the review budget of 1 %" in over


def test_a_run_without_gpus_shows_nothing_about_them(bill, read):
    unwatched = [replace(step, gpu_used_share=None, suggestion="") for step in bill.steps]
    none_asked = [replace(step, gpu=0) for step in unwatched]
    assert "GPU" in read(cost_card(replace(bill, steps=unwatched)))
    assert "GPU" not in read(cost_card(replace(bill, gpu_hours=0.0, steps=none_asked)))
    # A laptop has none, though the configuration asks for one on AWS.
    assert "GPU" not in read(cost_card(replace(bill, rented=False, steps=unwatched)))


def test_runs_are_named_by_their_tags_and_by_what_differs(compared, read, charts):
    text = read(compare_card(compared))
    for name in ('["first (nightly)", ', '["second (seed 11, members 16)", ', '["third", '):
        assert name in text
    many = {f"train.key_{number}": {"first": 1, "second": 2, "third": 1} for number in range(5)}
    assert "second (key 0 2, key 1 2, ...)" in read(compare_card(replace(compared, settings=many)))
    assert all("second (seed 11" in str(spec) for spec in charts(compare_card(compared)).values())


def test_names_of_forty_letters_do_not_lie_over_one_another():
    cells = [
        Cell(row, column, 0.5, "12,345", panel) for panel in "ab" for row in NAMES for column in [*NAMES, "unknown"]
    ]
    spec = heat_map("Which?", "", "known", "called", cells).render()["spec"]
    axes = spec["spec"]["layer"][0]["encoding"]
    assert (axes["x"]["axis"]["labelAngle"], spec["columns"]) == (-40, 1)
    # As wide as five figures, and with room for whole names beside the axis' title.
    assert spec["spec"]["width"] == 48 * 9
    assert all(axes[side]["axis"]["maxExtent"] > axes[side]["axis"]["labelLimit"] > 40 * 6.2 for side in "xy")


def test_short_names_stand_level_and_small_charts_side_by_side():
    cells = [Cell(row, column, 0.5, "12", panel) for panel in "ab" for row in "xyz" for column in "xyz"]
    spec = heat_map("Which?", "", "known", "called", cells).render()["spec"]
    assert (spec["spec"]["layer"][0]["encoding"]["x"]["axis"]["labelAngle"], spec["columns"]) == (0, 2)


@pytest.mark.parametrize(("names", "columns"), [(NAMES, 2), (["a", "b", "c"], 4), ([f"n{at}" for at in range(9)], 3)])
def test_a_legend_has_as_many_columns_as_a_narrow_page_has_room_for(names, columns):
    lines = [Line(name, [1, 2], [0.1, 0.2]) for name in names]
    spec = banded_lines("Which?", "", Axis("x"), Axis("y"), lines).render()["spec"]
    assert spec["layer"][0]["encoding"]["color"]["legend"]["columns"] == columns


def test_no_line_breaks_inside_a_figure():
    table = theme.table(["Recall at 1 % flagged", NAMES[0]], [["a", "41 % [35, 48], 1 and 2"]]).render()
    assert table["columns"][0] == "Recall at 1\N{NO-BREAK SPACE}% flagged"
    assert table["columns"][1].replace("\N{ZERO WIDTH SPACE}", "") == NAMES[0]
    assert table["data"] == [["a", "41\N{NO-BREAK SPACE}% [35,\N{NO-BREAK SPACE}48], 1 and 2"]]


def test_long_words_of_a_team_break_into_lines_instead_of_leaving_the_page():
    question = "How many probably fraudulent corporate accounts are found for the corporate accounts flagged?"
    axis = Axis("flagged corporate accounts that are probably fraudulent (precision)")
    chart = banded_lines(question, "How to read it. " * 9, axis, axis, [Line("model", (0.1, 0.2), (0.2, 0.3))])
    spec = chart.render()["spec"]
    for text, most in ((spec["title"]["text"], 74), (spec["title"]["subtitle"], 112)):
        assert len(text) > 1
        assert max(map(len, text)) <= most
    assert "'title': ['flagged corporate accounts that are probably', 'fraudulent (precision)']" in str(spec)


def test_dates_bands_and_pairs_of_numbers_stay_on_one_line():
    assert theme.unbroken("2026-01-01 to 2026-02-01") == "2026-01-01 to 2026-02-01".replace(
        "-", "\N{NON-BREAKING HYPHEN}"
    )
    assert theme.unbroken("north · 25-39") == "north · 25\N{NON-BREAKING HYPHEN}39"
    assert theme.unbroken("2,369 / 594") == "2,369\N{NO-BREAK SPACE}/\N{NO-BREAK SPACE}594"
    assert theme.unbroken("720 of 720") == "720\N{NO-BREAK SPACE}of\N{NO-BREAK SPACE}720"
    for name in ("players-2026-01-01", "r-20240701-9f2c", "v3-ScoreFlow-21", "/data/2026-01-01"):
        assert theme.unbroken(name) == name
