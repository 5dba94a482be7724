"""The evaluation card's part on reasons: what the model looks at, and why it flagged a few players."""

from collections.abc import Sequence
from typing import Any

from metaflow.cards import Markdown, VegaChart

from cards import theme
from cards.charts import Axis, Mark, ranked_bars
from scarcegan import words
from scarcegan.serving.reasons import ExplainedPlayer, Explanation, Importance

FEATURES_SHOWN = 15
RANKS = ("Strongest reason", "Second", "Third")
TRUTH = {True: "risky", False: "not risky", None: "not known"}


def explanation_part(explanation: Explanation) -> list[Any]:
    """Build the part on the importance of features and on single players."""
    others = explanation.players - explanation.flagged
    about = (
        f"`{explanation.definition}` on {words.plural(explanation.flagged, 'flagged player')} of "
        f"`{explanation.test_set}` (the highest scores first) and {words.plural(others, 'other')} drawn at random. "
        "Attributions are integrated gradients from the typical unlabelled player: what a feature adds to the risk "
        "score. They tell what the model looks at, not what makes players risky."
    )
    return [
        theme.heading("What does the model look at?", about),
        _importance_chart(explanation.importance),
        Markdown("### Why were these players flagged?"),
        *_examples(explanation.examples),
    ]


def _importance_chart(importance: Sequence[Importance]) -> VegaChart:
    total = sum(one.mean_attribution for one in importance) or 1.0
    shares = {words.feature_name(one.feature): one.mean_attribution / total for one in importance[:FEATURES_SHOWN]}
    marks = [Mark(name, share * total, label=words.percent(share)) for name, share in shares.items()]
    told = f"{len(marks)} of {len(importance)} features have {words.percent(sum(shares.values()))} of it."
    reading, axis = f"Labels: share of all attribution. These {told}", Axis("mean absolute attribution (risk score)")
    return ranked_bars("Which features move the risk score most?", reading, axis, marks)


def _examples(examples: Sequence[ExplainedPlayer]) -> list[Any]:
    if not examples:
        return [Markdown("Nobody is flagged on this test set.")]
    rows = [_example(chr(ord("A") + number), example) for number, example in enumerate(examples)]
    note = "Names are withheld and values rounded. In parentheses: what the feature adds to the risk score."
    return [theme.table(["Player", "Score", "Truth", *RANKS], rows), Markdown(note)]


def _example(name: str, example: ExplainedPlayer) -> list[str]:
    told = [reason.words for reason in example.reasons[: len(RANKS)]]
    gaps = [words.MISSING] * (len(RANKS) - len(told))
    return [name, words.score(example.score), TRUTH[example.risky], *told, *gaps]
