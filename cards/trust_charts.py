"""The evaluation card's charts on trust: calibration, confused classes, spread over folds."""

from collections.abc import Mapping
from typing import Any

from metaflow.cards import VegaChart

from cards import theme
from scarcegan import words

BIN = ("predicted", "observed", "low", "high", "players")


def calibration(evaluation: Mapping[str, Any], test_set: str) -> VegaChart:
    """Draw the observed share of risky players against the predicted score, per bin of scores."""
    rows = [
        {"model": name, **dict(zip(BIN, values, strict=True))}
        for name, model in evaluation["models"].items()
        for values in zip(*(model["test"][test_set]["calibration"][key] for key in BIN), strict=True)
    ]
    predicted = theme.axis("predicted", "risk score", share=True, scale={"domain": [0, 1]})
    observed = theme.axis("observed", "truly risky", share=True, scale={"domain": [0, 1]})
    color = {"field": "model", "scale": theme.palette(list(evaluation["models"])), "legend": {"title": None}}
    size = {"field": "players", "type": "quantitative", "scale": {"type": "sqrt", "range": [20, 400]}, "legend": None}
    tooltip = [
        {"field": "model"},
        {"field": "predicted", "format": ".0%"},
        *({"field": key, "format": ".0%"} for key in ("observed", "low", "high")),
        {"field": "players", "format": ","},
    ]
    points = {"x": predicted, "y": observed, "color": color}
    ends = {"y": observed | {"field": "low"}, "y2": {"field": "high"}}
    diagonal = {
        "data": {"values": [{"predicted": 0, "observed": 0}, {"predicted": 1, "observed": 1}]},
        "mark": {"type": "line", "strokeDash": [5, 4], "color": theme.INK, "strokeWidth": 1},
        "encoding": {"x": predicted, "y": observed},
    }
    layers = [
        diagonal,
        {"mark": {"type": "rule", "opacity": 0.5}, "encoding": points | ends},
        {"mark": {"type": "line", "strokeWidth": 1.5}, "encoding": points},
        {"mark": {"type": "circle", "opacity": 0.8}, "encoding": points | {"size": size, "tooltip": tooltip}},
    ]
    return theme.chart(
        "Does a risk score of 30 % mean that 30 % are risky?",
        {"layer": layers},
        reading=[
            "On the dashed line: yes. Below it the scores are too high. Larger points stand for more players.",
            "Upright lines: 95 % intervals.",
        ],
        rows=rows,
    )


def confusion(matrices: Mapping[str, Mapping[str, Any]]) -> VegaChart:
    """Draw the models' confusion matrices: rows the true class, columns the class with the highest probability."""
    rows = [
        {"model": name, "truth": truth, "called": called, "players": players, "share": players / sum(line)}
        for name, confused in matrices.items()
        for truth, line in zip(confused["rows"], confused["matrix"], strict=True)
        if sum(line)
        for called, players in zip(confused["labels"], line, strict=True)
    ]
    first = next(iter(matrices.values()))
    x = {"field": "called", "type": "nominal", "sort": first["labels"], "title": "called", "axis": {"labelAngle": 0}}
    y = {"field": "truth", "type": "nominal", "sort": first["rows"], "title": "truly"}
    heat = {
        "field": "share",
        "type": "quantitative",
        "scale": {"domain": [0, 1], "range": [f"{theme.BLUE}00", f"{theme.BLUE}99"]},
        "legend": None,
    }
    number = {"text": {"field": "players", "type": "quantitative", "format": ","}}
    cell = {"mark": {"type": "rect", "stroke": theme.RULE, "strokeWidth": 0.5}, "encoding": {"color": heat}}
    spec = {
        "facet": {"field": "model", "title": None, "sort": list(matrices)},
        "columns": 2,
        "spacing": 30,
        "spec": {
            "width": 260,
            "height": 150,
            "encoding": {"x": x, "y": y},
            "layer": [cell, {"mark": "text", "encoding": number}],
        },
    }
    return theme.chart(
        "Which classes are mistaken for which?",
        spec,
        reading="Players per cell; stronger: a larger share of its row. 'unknown' is an answer, never a truth.",
        rows=rows,
    )


def fold_spread(evaluation: Mapping[str, Any]) -> VegaChart:
    """Draw each fold's validation metrics as points, their mean as a bar."""
    rows = [
        {"model": name, "metric": words.metric_name(metric), "fold": fold, "value": value, "mean": spread["mean"]}
        for name, model in evaluation["models"].items()
        for metric, spread in model["fold_spread"].items()
        for fold, value in enumerate(spread["folds"])
    ]
    names = list(evaluation["models"])
    metrics = list(dict.fromkeys(row["metric"] for row in rows))
    encoding = {
        "y": {"field": "metric", "type": "nominal", "sort": metrics, "title": None, "axis": {"grid": False}},
        "yOffset": {"field": "model", "sort": names},
        "color": {"field": "model", "scale": theme.palette(names), "legend": {"title": None}},
    }
    value = theme.axis("value", None, share=True, scale={"domain": [0, 1]})
    tooltip = [{"field": "model"}, {"field": "metric"}, {"field": "fold"}, {"field": "value", "format": ".3"}]
    layers = [
        {"mark": {"type": "point", "size": 40, "opacity": 0.75}, "encoding": {"x": value, "tooltip": tooltip}},
        {"mark": {"type": "tick", "thickness": 3, "size": 14}, "encoding": {"x": value | {"field": "mean"}}},
    ]
    return theme.chart(
        "How much do the models differ from fold to fold?",
        {"encoding": encoding, "layer": layers},
        reading="Circles: folds, on their validation players; bars: means. Far apart: trust small differences less.",
        rows=rows,
        height=18 * len(names) * max(len(metrics), 1),
    )
