import card_browser
import pytest
import screenshots

CHARTS = {"preprocess": 3, "preprocess_snapshot": 4, "train": 5, "train_start": 0}
CHARTS |= {"evaluate": 8, "register": 1, "cost": 1, "compare": 4, "score": 1, "drift": 2, "review": 5}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(card_browser.find_chromium() is None, reason="needs Chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def cards():
    return screenshots.sample_cards()


@pytest.mark.parametrize(("width", "dark"), [(1400, False), (800, True)], ids=["wide", "narrow and dark"])
@pytest.mark.parametrize("name", CHARTS)
def test_a_card_draws_its_charts_without_a_complaint(name, width, dark, cards):
    opened = screenshots.photograph(name, cards[name], width, dark)
    assert opened.console == []
    assert len(opened.chart_widths) == CHARTS[name]
    assert all(0.43 * width < drawn <= 0.97 * width for drawn in opened.chart_widths)


def test_every_card_is_looked_at(cards):
    assert set(cards) == set(CHARTS)


def test_a_broken_chart_does_complain(tmp_path):
    page = tmp_path / "broken.html"
    components = screenshots.sample_cards()["register"]
    chart = next(part for part in components if type(part).__name__ == "VegaChart")
    chart.update({"mark": "no such mark", "data": {"values": []}})
    page.write_text(card_browser.to_html(components, "broken"))
    opened = card_browser.open_page(page, width=1400)
    assert opened.console
    assert opened.chart_widths == []
