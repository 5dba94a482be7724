"""Render every card on sample data and photograph it: `python tests/cards/screenshots.py [folder]`.

Writes <card>.html and pictures at 1400 and 800 pixels, light and dark; reports what the browser complained about.
The slow tests leave theirs in build/cards too.
"""

import sys
from pathlib import Path
from typing import Any

import card_browser
import card_samples as samples
import outcomes_samples

from cards.compare_card import compare_card
from cards.compliance_page import compliance_page
from cards.cost_card import cost_card
from cards.drift_card import drift_card
from cards.evaluate_card import evaluate_card
from cards.outcomes_card import outcomes_card
from cards.preprocess_card import preprocess_card
from cards.register_card import register_card
from cards.review_report import review_report
from cards.score_card import score_card
from cards.select_card import select_card
from cards.train_card import train_card

FOLDER = Path(__file__).parents[2] / "build" / "cards"
LOOKS = [(width, dark) for width in (1400, 800) for dark in (False, True)]


def sample_cards() -> dict[str, list[Any]]:
    """Build every card; train twice, in the middle of its run and before the first round."""
    return {
        "preprocess": preprocess_card(samples.data_report(), None),
        "preprocess_snapshot": preprocess_card(samples.data_report(), samples.snapshot()),
        "train": train_card(samples.progress(), fold=2),
        "train_start": train_card(samples.progress(rounds=0), fold=2),
        "select": select_card(samples.selected(), "review_budget", samples.training_cards()),
        "evaluate": evaluate_card(samples.evaluation(), samples.explanation()),
        "register": register_card(samples.release(), samples.evaluation()),
        "cost": cost_card(samples.cost()),
        "compare": compare_card(samples.comparison()),
        "score": score_card(samples.score_report(), samples.scored_drift(), samples.decision(), samples.first_rows()),
        "drift": drift_card(samples.drift(), samples.decision()),
        "outcomes": outcomes_card(outcomes_samples.outcomes()),
        "review": review_report(samples.dossier()),
        "compliance": compliance_page(samples.release_file()),
    }


def photograph(
    name: str, components: list[Any], width: int, dark: bool, folder: Path = FOLDER, *, unfolded: bool = False
) -> card_browser.Opened:
    """Write a card's page and open it, keeping a picture; perhaps with all folds open."""
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"{name}.html"
    page.write_text(card_browser.to_html(components, f"RetrainFlow/1/{name}/1", unfolded=unfolded))
    return card_browser.open_page(
        page, width, dark, folder / f"{name}_{width}{'_dark' * dark}{'_unfolded' * unfolded}.png"
    )


def main(folder: Path) -> None:
    for name, components in sample_cards().items():
        for width, dark in LOOKS:
            opened = photograph(name, components, width, dark, folder)
            told = f"{len(opened.chart_widths)} charts, console {opened.console or 'silent'}"
            sys.stdout.write(f"{name}, {width} pixels, {'dark' if dark else 'light'}: {told}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
