"""A Model Quality report as a flat table, for those who read figures in a spreadsheet, and back."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

COLUMNS = ("block", "metric", "row", "column", "value", "standard_deviation")


def report_to_csv(report: dict[str, Any]) -> str:
    """Return a Model Quality report as CSV: block, metric, row, column, value, standard_deviation.

    A figure has neither row nor column. A count of the confusion matrix has the truth as row and the prediction as
    column. A point of a curve has the axis as row and its number as column. Nothing is rounded.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for path, value, deviation in _figures(report):
        table.writerow([*path, *[""] * (4 - len(path)), json.dumps(value), deviation])
    return text.getvalue()


def csv_to_report(text: str) -> dict[str, Any]:
    """Return the Model Quality report that `report_to_csv` wrote: the same figures, as SageMaker wants them."""
    report: dict[str, Any] = {}
    for line in csv.DictReader(io.StringIO(text)):
        *parents, last = (line[name] for name in COLUMNS[:4] if line[name])
        deviation = line["standard_deviation"]
        value = json.loads(line["value"])
        if deviation:
            value = {"value": value, "standard_deviation": deviation if deviation == "NaN" else float(deviation)}
        if line["metric"].endswith("_curve"):
            *parents, last = parents
            value = [*_within(report, parents).get(last, []), value]
        _within(report, parents)[last] = value
    return report


def _figures(tree: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Yield path, value and standard deviation of every figure."""
    if isinstance(tree, dict) and "standard_deviation" in tree:
        yield path, tree["value"], tree["standard_deviation"]
    elif isinstance(tree, dict | list):
        for key, inner in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from _figures(inner, (*path, str(key)))
    else:
        yield path, tree, ""


def _within(report: dict[str, Any], parents: list[str]) -> dict[str, Any]:
    for name in parents:
        report = report.setdefault(name, {})
    return report
