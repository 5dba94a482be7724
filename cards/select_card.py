"""The card of `select`: which fold is best by its validation players, and what was chosen for each model."""

from collections.abc import Mapping, Sequence
from typing import Any

from metaflow.cards import Markdown

from cards import theme
from cards.charts import Axis, Mark, points
from scarcegan import words
from scarcegan.workflow.retraining.records import Selected

READING = (
    "Points: models, each fold's part at a threshold of its own, on the {rows} with which that fold validates. Some",
    "models flag more {rows} than others; compare folds, and mind that each has other {rows}, few of them {rare}.",
)
CHOSEN = (
    "A model joins what all folds offer: ScarceGAN's members and the other families' shares are chosen by validation "
    "{rows}. Its threshold is set on {rows} of no fold. None of this has seen test "
    "{rows}: what the models are worth is on the card of `evaluate`."
)


def select_card(selected: Mapping[str, Selected], headline: str, training_cards: Sequence[str]) -> list[Any]:
    """Build the card of the selection, by definition; the best fold is that of the headline model.

    The training cards are the commands that open the folds', in their order.
    """
    found = selected[headline]
    f2, their = [point.f2 for point in found.folds], found.words
    best, mean = f2.index(max(f2)), sum(f2) / len(f2)
    recall = found.folds[best].recall
    counted = f"{round(recall * found.risky[best])} of {found.risky[best]}"
    flagged = f"{counted}, where {words.percent(found.folds[best].flagged_share)} are flagged"
    parts = [
        theme.figures(
            ("Best fold", str(best), f"of {len(f2)}, from 0 on"),
            (f"{their.rare_rows} found", words.percent(recall), flagged),
            ("Its F2", words.score(max(f2)), f"the folds' mean is {words.score(mean)}"),
        ),
        Markdown(f"### Fold {best} does best, by F2 of `{headline}` on the {their.rows} with which it validates"),
        Markdown(f"How it was trained: `{training_cards[best]}`"),
        _by_fold(selected, found),
        theme.heading("What was chosen for each model?", their.fill(CHOSEN)),
        _chosen(selected, found),
    ]
    return theme.page("What came out of the folds?", parts)


def _by_fold(selected: Mapping[str, Selected], headline: Selected) -> Any:
    marks = [
        Mark(f"fold {fold}", known.folds[fold].recall, series=name)
        for fold in range(len(headline.folds))
        for name, known in selected.items()
    ]
    their = headline.words
    axis = Axis(f"{their.rare_rows} found (recall)", share=True, low=0, high=1)
    question = f"How many {their.rare_rows} does each fold find?"
    return points(question, [their.fill(line) for line in READING], axis, marks)


def _chosen(selected: Mapping[str, Selected], headline: Selected) -> Any:
    columns = {
        "Model": lambda row: row[0],
        "Made of": lambda row: words.families(row[1].shares),
        "Members of ScarceGAN": lambda row: words.count(row[1].members),
        "Threshold": lambda row: words.number(row[1].point.threshold),
        f"{headline.words.rows} flagged".capitalize(): lambda row: words.percent(row[1].point.flagged_share),
        "Its bound": lambda row: row[1].bound_in_words(),
    }
    return theme.listing(selected.items(), columns)
