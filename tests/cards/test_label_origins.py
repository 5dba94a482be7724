from dataclasses import replace

from cards.preprocess_card import preprocess_card
from scarcegan.data.records import OriginCount


def test_the_data_card_says_where_labels_come_from_if_outcomes_are_among_them(data_report, read):
    assert "Where labels come from" not in read(preprocess_card(data_report, None))
    counts = [OriginCount("input", 120, 1200, 1050, 270), OriginCount("audit", 2, 18, 15, 5)]
    text = read(preprocess_card(replace(data_report, label_origins=counts), None))
    assert "Where labels come from" in text
    assert '["the input", "120", "1,200", "1,050", "270"]' in text
    assert '["the audit sample", "2", "18", "15", "5"]' in text
