"""The evaluation card's curves: recall and precision of models, champions and baselines, and the threshold explorer."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from metaflow.cards import VegaChart

from cards import theme
from scarcegan import words

DASHES = {"model": [1, 0], "champion": [8, 4], "baseline": [3, 3]}
FAINT, CLEAR = 0.3, 1.0
BAND = {"strokeDash": None, "opacity": {"value": 0.1}}
RIVAL_COLORS = (theme.RED, theme.SKY, "#8c6d31", "#7f7f7f")
SHARE_TICKS = [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]
SOMEBODY_FLAGGED = {"filter": "datum.flagged_share > 0"}  # a logarithmic axis has no place for zero
HEADLINE = "review_budget"
_CURVE = ("flagged_share", "recall", "recall_low", "recall_high", "precision")


def contestants(evaluation: Mapping[str, Any], test_set: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield (name, kind, metrics) of every model, champion and baseline measured on a test set."""
    for name, model in evaluation["models"].items():
        yield name, "model", model["test"][test_set]
    for name, champion in evaluation["champions"].items():
        if test_set in champion:
            yield f"champion {name} (version {champion['version']})", "champion", champion[test_set]
    for name, measured in evaluation["baselines"].items():
        if test_set in measured:
            yield f"baseline {name}", "baseline", measured[test_set]


def headline(evaluation: Mapping[str, Any]) -> str:
    """Name the model that stands out at first: the review budget's, or the first definition's."""
    names = list(evaluation["models"])
    return HEADLINE if HEADLINE in names else names[0]


def recall_curves(evaluation: Mapping[str, Any], test_set: str) -> VegaChart:
    """Draw recall against the flagged share; the verdict's model, its rival and the champion stand out."""
    budget = evaluation["review_budget"]
    share = _flagged_axis()
    recall = theme.axis("recall", "risky players found (recall)", share=True, scale={"domain": [0, 1]})
    band = {
        "transform": [{"filter": {"param": "picked"}}],
        "mark": {"type": "area"},
        "encoding": {"y": recall | {"field": "recall_low"}, "y2": {"field": "recall_high"}, **BAND},
    }
    line = {"mark": {"type": "line", "strokeWidth": 2.2}, "encoding": {"y": recall}}
    budget_line = {
        "data": {"values": [{"at": budget, "label": f"review budget {words.percent(budget)}"}]},
        "encoding": {"x": share | {"field": "at"}, "color": None, "strokeDash": None, "opacity": None},
        "layer": [
            {"mark": {"type": "rule", "strokeDash": [5, 4]}},
            {
                "mark": {"type": "text", "align": "right", "dx": -6, "baseline": "top"},
                "encoding": {"text": {"field": "label"}, "y": {"value": 2}},
            },
        ],
    }
    return _curves(
        "How many risky players are found for the players flagged?",
        evaluation,
        test_set,
        {"x": share},
        [band, line, _hover({"y": recall}), budget_line],
    )


def precision_curves(evaluation: Mapping[str, Any], test_set: str) -> VegaChart:
    """Draw precision against recall, with recall's interval as a band."""
    recall = theme.axis("recall", "risky players found (recall)", share=True, scale={"domain": [0, 1]})
    precision = theme.axis("precision", "flagged players truly risky (precision)", share=True, scale={"domain": [0, 1]})
    found = contestants(evaluation, test_set)
    outlines = [_outline(measured["curve"]) | {"name": name, "kind": kind} for name, kind, measured in found]
    band = {
        "data": {"values": outlines},
        "transform": [{"flatten": ["edge", "precision", "order"]}, {"filter": {"param": "picked"}}],
        "mark": {"type": "line", "filled": True, "strokeWidth": 0},
        "encoding": {"x": recall | {"field": "edge"}, "order": {"field": "order", "type": "quantitative"}, **BAND},
    }
    line = {
        "mark": {"type": "line", "strokeWidth": 2.2},
        "encoding": {"x": recall, "order": {"field": "flagged_share", "type": "quantitative"}},
    }
    return _curves(
        "How often is a flagged player truly risky, the more are found?",
        evaluation,
        test_set,
        {"y": precision},
        [band, line, _hover({"x": recall})],
    )


def threshold_explorer(evaluation: Mapping[str, Any], test_set: str) -> VegaChart:
    """Draw recall and precision of one model against the flagged share, in their bands, its threshold marked."""
    names = list(evaluation["models"])
    measures = ["flagged_share", *(f"{name}{end}" for name in ("recall", "precision") for end in ("", "_low", "_high"))]
    rows = [
        {"definition": name} | {key: model["test"][test_set]["curve"][key] for key in measures}
        for name, model in evaluation["models"].items()
    ]
    chosen: list[Any] = [{"filter": "datum.definition == definition"}, {"flatten": measures}, SOMEBODY_FLAGGED]
    measured = [_explored(measure, chosen) for measure in ("recall", "precision")]
    select = {"input": "select", "options": names, "name": "Model: "}
    params = [{"name": "definition", "value": headline(evaluation), "bind": select}]
    return theme.chart(
        "What would another threshold bring?",
        {"params": params, "layer": [*measured, _own_threshold(evaluation, test_set)]},
        reading=[
            "Choose a model below the chart; point at a curve to read it. To the left fewer players are flagged.",
            "Bands: 95 %.",
        ],
        rows=rows,
        height=260,
    )


def _explored(measure: str, transform: Sequence[Any]) -> dict[str, Any]:
    """Draw one measure of the chosen model as a line in its band."""
    value = theme.axis(measure, "share", share=True, scale={"domain": [0, 1]})
    scale = theme.palette(["recall", "precision"])
    color = {"datum": measure, "type": "nominal", "scale": scale, "legend": {"title": None}}
    ends = {"y": value | {"field": f"{measure}_low"}, "y2": {"field": f"{measure}_high"}}
    tooltip = [
        {"field": "per_10000", "title": "flagged of 10,000", "format": ",.0f"},
        *({"field": f"{measure}{end}", "format": ".1%"} for end in ("", "_low", "_high")),
    ]
    per_10000 = {"calculate": "10000 * datum.flagged_share", "as": "per_10000"}
    return {
        "transform": [*transform, per_10000],
        "encoding": {"x": _flagged_axis(), "color": color},
        "layer": [
            {"mark": {"type": "area", "opacity": 0.2}, "encoding": ends},
            {"mark": {"type": "line", "strokeWidth": 2.5}, "encoding": {"y": value}},
            {"mark": {"type": "point", "size": 80, "opacity": 0}, "encoding": {"y": value, "tooltip": tooltip}},
        ],
    }


def _own_threshold(evaluation: Mapping[str, Any], test_set: str) -> dict[str, Any]:
    """Mark where the chosen model's own threshold stands."""
    chosen = [
        {"definition": name, "flagged_share": model["test"][test_set]["flagged_share"]["value"]}
        for name, model in evaluation["models"].items()
    ]
    text = {"type": "text", "align": "left", "dx": 6, "baseline": "top"}
    return {
        "data": {"values": chosen},
        "transform": [{"filter": "datum.definition == definition"}, SOMEBODY_FLAGGED],
        "encoding": {"x": _flagged_axis()},
        "layer": [
            {"mark": {"type": "rule", "strokeDash": [5, 4]}},
            {"mark": text, "encoding": {"text": {"value": "its threshold"}, "y": {"value": 2}}},
        ],
    }


def _curves(
    question: str, evaluation: Mapping[str, Any], test_set: str, encoding: dict[str, Any], layers: list[Any]
) -> VegaChart:
    found = list(contestants(evaluation, test_set))
    rows = [
        {"name": name, "kind": kind, **{key: measured["curve"][key] for key in _CURVE}}
        for name, kind, measured in found
    ]
    layers[1]["params"] = [_picked(evaluation, [name for name, _, _ in found])]
    shared = encoding | {
        "color": {"field": "name", "scale": _colors(found), "legend": {"title": None, "columns": 3}},
        "strokeDash": {
            "field": "kind",
            "scale": {"domain": list(DASHES), "range": list(DASHES.values())},
            "legend": None,
        },
        "opacity": {"condition": {"param": "picked", "value": CLEAR}, "value": FAINT},
    }
    return theme.chart(
        question,
        {"transform": [{"flatten": list(_CURVE)}, SOMEBODY_FLAGGED], "encoding": shared, "layer": layers},
        reading="Solid: models; dashes: champion; dots: baselines; bands: 95 %. Click the legend (shift: several).",
        rows=rows,
        height=340,
    )


def _flagged_axis() -> dict[str, Any]:
    return theme.axis(
        "flagged_share",
        "players flagged (logarithmic)",
        share=True,
        scale={"type": "log", "nice": False, "domainMax": 1},
        axis={"values": SHARE_TICKS, "labelOverlap": "greedy"},
    )


def _picked(evaluation: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Let the legend pick curves; at first the headline model, its rival and its champion."""
    model = headline(evaluation)
    rival = f"baseline {evaluation['verdicts'][model]['rival']}" if model in evaluation["verdicts"] else ""
    shown = [name for name in names if name in (model, rival) or name.startswith(f"champion {model} ")]
    picked = {"type": "point", "fields": ["name"]}
    return {"name": "picked", "select": picked, "bind": "legend", "value": [{"name": name} for name in shown]}


def _colors(found: Sequence[tuple[str, str, Any]]) -> dict[str, list[str]]:
    """Colour models by position; a champion wears its model's colour; baselines have their own."""
    models = [name for name, kind, _ in found if kind == "model"]
    of_model = dict(zip(models, itertools.cycle(theme.SERIES[:4]), strict=False))
    rivals = itertools.cycle(RIVAL_COLORS)
    colors = [
        next(rivals) if kind == "baseline" else of_model.get(name.removeprefix("champion ").split(" ")[0], theme.INK)
        for name, kind, _ in found
    ]
    return {"domain": [name for name, _, _ in found], "range": colors}


def _hover(encoding: dict[str, Any]) -> dict[str, Any]:
    """Invisible points that carry the tooltip of a curve."""
    tooltip = [{"field": "name"}, *({"field": key, "title": words.metric_name(key), "format": ".2%"} for key in _CURVE)]
    invisible = {"opacity": {"value": 0}, "tooltip": tooltip}
    return {"mark": {"type": "point", "size": 60}, "encoding": encoding | invisible}


def _outline(curve: Mapping[str, Any]) -> dict[str, list[float]]:
    """Walk round recall's interval, down the low ends and back along the high ones.

    An area mark would do for one recall per precision only; precision goes up and down.
    """
    edge = [*curve["recall_low"], *reversed(curve["recall_high"])]
    return {
        "edge": edge,
        "precision": [*curve["precision"], *reversed(curve["precision"])],
        "order": list(range(len(edge))),
    }
