"""A card's components as one self-contained page, for what is looked at outside Metaflow."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from metaflow.plugins.cards.card_modules.basic import BlankCard

WEB_FONT = re.compile(r'@import\s*"https://fonts\.googleapis\.com[^"]*";')  # Metaflow's template asks for Roboto


def html_page(components: Sequence[Any], title: str) -> str:
    """Render components as `@card(type="blank")` does; without the web font, so that it needs no network."""
    card = BlankCard(options={"title": title})
    page: str = card.render(SimpleNamespace(pathspec=title), components=[item.render() for item in components])
    return WEB_FONT.sub("", page)


def write_page(page: str, file: Path) -> None:
    """Write a page whole or not at all.

    Raises:
        OSError: the folder is missing or may not be written to.
    """
    draft = file.with_name(f".{file.name}.draft")
    draft.write_text(page, encoding="utf-8")
    os.replace(draft, file)
