"""The evaluation card's part on reasons: what the model looks at, and why it flagged five players."""

from collections.abc import Mapping, Sequence
from typing import Any

from metaflow.cards import Markdown, VegaChart

from cards import theme
from scarcegan import words

FEATURES_SHOWN = 15
RANKS = ("Strongest reason", "Second", "Third")
TRUTH = {True: "risky", False: "not risky", None: "not known"}


def explanation_part(explanation: Mapping[str, Any]) -> list[Any]:
    """Build the part on global importance and on single players.

    Args:
        explanation: the evaluation's `explanation`.
    """
    others = explanation["players"] - explanation["flagged"]
    about = (
        f"`{explanation['definition']}` on {words.plural(explanation['flagged'], 'flagged player')} of "
        f"`{explanation['test_set']}` (the highest scores first) and {words.plural(others, 'other')} drawn at random. "
        "Attributions are integrated gradients from the typical unlabelled player: what a feature adds to the risk "
        "score. They tell what the model looks at, not what makes players risky."
    )
    return [
        theme.heading("What does the model look at?", about),
        _importance_chart(explanation["importance"]),
        Markdown("### Why were these players flagged?"),
        *_examples(explanation["examples"]),
    ]


def _importance_chart(importance: Sequence[Mapping[str, Any]]) -> VegaChart:
    total = sum(row["mean_attribution"] for row in importance) or 1.0
    rows = [
        {
            "feature": words.feature_name(row["feature"]),
            "attribution": row["mean_attribution"],
            "none": 0,
            "label": words.percent(row["mean_attribution"] / total),
        }
        for row in importance[:FEATURES_SHOWN]
    ]
    encoding = {
        "y": {"field": "feature", "type": "nominal", "sort": None, "title": None},
        "x": theme.axis("attribution", "mean absolute attribution (risk score)"),
    }
    bar = {
        "mark": {"type": "bar", "height": {"band": 0.62}, "color": theme.BLUE},
        "encoding": {"x2": {"field": "none"}},
    }
    text = {"mark": {"type": "text", "align": "left", "dx": 5}, "encoding": {"text": {"field": "label"}}}
    shown = sum(row["attribution"] for row in rows) / total
    return theme.chart(
        "Which features move the risk score most?",
        {"encoding": encoding, "layer": [bar, text]},
        reading=f"Labels: share of all attribution; these {len(rows)} of {len(importance)}: {words.percent(shown)}.",
        rows=rows,
        height=22 * len(rows),
    )


def _examples(examples: Sequence[Mapping[str, Any]]) -> list[Any]:
    if not examples:
        return [Markdown("Nobody is flagged on this test set.")]
    rows = [_example(chr(ord("A") + number), example) for number, example in enumerate(examples)]
    note = "Names are withheld and values rounded. In parentheses: what the feature adds to the risk score."
    return [theme.table(["Player", "Score", "Truth", *RANKS], rows), Markdown(note)]


def _example(name: str, example: Mapping[str, Any]) -> list[str]:
    told = [reason["words"] for reason in example["reasons"][: len(RANKS)]]
    gaps = [words.MISSING] * (len(RANKS) - len(told))
    return [name, words.score(example["score"]), TRUTH[example["risky"]], *told, *gaps]
