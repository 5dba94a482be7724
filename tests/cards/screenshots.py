"""Render every card on sample data and photograph it: `python tests/cards/screenshots.py [folder]`.

Writes <card>.html, <card>_1400.png and <card>_800.png; reports what the browser complained about.
"""

import sys
from pathlib import Path
from typing import Any

import card_browser
import card_samples
import comparison_samples
import comparison_samples

from cards.compare_card import compare_card
from cards.compare_card import compare_card
from cards.cost_card import cost_card
from cards.evaluate_card import evaluate_card
from cards.preprocess_card import preprocess_card
from cards.register_card import register_card
from cards.train_card import train_card

WIDTHS = (1400, 800)


def sample_cards() -> dict[str, list[Any]]:
    """Build every card; train twice, in the middle of its run and before the first round."""
    return {
        "preprocess": preprocess_card(card_samples.data_report()),
        "preprocess_snapshot": preprocess_card(card_samples.data_report() | {"snapshot": card_samples.snapshot()}),
        "train": train_card(card_samples.history(rounds=13), fold=2, iterations_total=1_000),
        "train_start": train_card(card_samples.history(rounds=0), fold=2, iterations_total=1_000),
        "evaluate": evaluate_card(card_samples.evaluation()),
        "register": register_card(card_samples.release(), card_samples.evaluation()),
        "cost": cost_card(card_samples.cost()),
        "compare": compare_card(comparison_samples.comparison()),
        "compare": compare_card(comparison_samples.comparison()),
    }


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, components in sample_cards().items():
        page = folder / f"{name}.html"
        page.write_text(card_browser.to_html(components, f"RetrainFlow/1/{name}/1"))
        for width in WIDTHS:
            picture = folder / f"{name}_{width}.png"
            opened = card_browser.open_page(page, width=width, screenshot=picture)
            sys.stdout.write(f"{picture}: {len(opened.chart_widths)} charts, console {opened.console or 'silent'}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/cards"))
