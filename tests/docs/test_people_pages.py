"""The loop with people is told on one page for who leads the moderators, and on one for engineers."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "people.md"
WORDS_OF_A_PAGE = 600


@pytest.mark.parametrize("reader", ["manager", "engineer"])
def test_what_a_reader_needs_fits_a_page(reader):
    [part] = re.findall(rf"^## For the {reader}$(.*?)^## ", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert len(part.split()) <= WORDS_OF_A_PAGE
