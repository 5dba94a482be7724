"""A card's components as one self-contained page, for what is looked at outside Metaflow."""

import re
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from metaflow.plugins.cards.card_modules.basic import BlankCard, SectionComponent

WEB_FONT = re.compile(r'@import\s*"https://fonts\.googleapis\.com[^"]*";')  # Metaflow's template asks for Roboto


def html_page(components: Sequence[Any], title: str) -> str:
    """Render components as `@card(type="blank")` does; without the web font, so that it needs no network."""
    card = BlankCard(options={"title": title})
    section = SectionComponent(contents=[item.render() for item in components]).render()
    page: str = card.render(SimpleNamespace(pathspec=title), components=[section])
    return WEB_FONT.sub("", page)
