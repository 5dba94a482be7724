import card_browser
import pytest
import screenshots
from metaflow.cards import VegaChart

from cards import theme

CHARTS = {"preprocess": 3, "preprocess_snapshot": 4, "train": 5, "train_start": 0}
CHARTS |= {
    "select": 1,
    "evaluate": 10,
    "register": 1,
    "cost": 1,
    "compare": 4,
    "score": 1,
    "drift": 2,
    "outcomes": 3,
    "review": 7,
    "compliance": 5,
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(card_browser.find_chromium() is None, reason="needs Chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def cards():
    return screenshots.sample_cards()


@pytest.mark.parametrize(("width", "dark"), [(1400, False), (800, True)], ids=["wide", "narrow and dark"])
@pytest.mark.parametrize("name", CHARTS)
def test_a_card_draws_its_charts_and_whole_tables_without_a_complaint(name, width, dark, cards):
    opened = screenshots.photograph(name, cards[name], width, dark)
    assert set(cards) == set(CHARTS)
    assert opened.console == []
    assert opened.tables_cut == 0
    assert len(opened.chart_widths) == CHARTS[name]
    assert all(0.43 * width < drawn <= 0.97 * width for drawn in opened.chart_widths)


def test_a_broken_chart_does_complain(tmp_path):
    chart = VegaChart({"mark": "no such mark", "data": {"values": []}})
    opened = screenshots.photograph("broken", theme.page("Broken", [chart]), 1400, False, tmp_path)
    assert opened.console
    assert opened.chart_widths == []


def test_the_evaluation_fits_a_screen_until_its_folds_are_opened(cards, tmp_path):
    folded, unfolded = (
        screenshots.photograph("evaluate", cards["evaluate"], 1400, False, tmp_path, unfolded=one)
        for one in (False, True)
    )
    # The first screen ends where the first fold begins; there are eight of them.
    assert folded.height < 1_500 < 5_000 < unfolded.height
    assert folded.chart_widths == unfolded.chart_widths
