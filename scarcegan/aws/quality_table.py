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
    for block, metrics in report.items():
        if isinstance(metrics, dict):
            table.writerows([block, *row] for row in _rows(metrics))
        else:
            table.writerow([block, "", "", "", json.dumps(metrics), ""])
    return text.getvalue()


def csv_to_report(text: str) -> dict[str, Any]:
    """Return the Model Quality report that `report_to_csv` wrote: the same figures, as SageMaker wants them."""
    report: dict[str, Any] = {}
    for line in csv.DictReader(io.StringIO(text)):
        block, metric, row, column, value, deviation = (line[name] for name in COLUMNS)
        number = json.loads(value)
        if not metric:
            report[block] = number
            continue
        metrics = report.setdefault(block, {})
        if metric == "confusion_matrix":
            metrics.setdefault(metric, {}).setdefault(row, {})[column] = number
        elif row:
            metrics.setdefault(metric, {}).setdefault(row, []).append(number)
        elif deviation:
            metrics[metric] = {"value": number, "standard_deviation": _deviation(deviation)}
        else:
            metrics[metric] = number
    return report


def _rows(metrics: dict[str, Any]) -> Iterator[list[str]]:
    for metric, figure in metrics.items():
        if not isinstance(figure, dict):
            yield [metric, "", "", json.dumps(figure), ""]
        elif "value" in figure:
            deviation = figure["standard_deviation"]
            yield [metric, "", "", json.dumps(figure["value"]), deviation if deviation == "NaN" else repr(deviation)]
        else:
            for row, cells in figure.items():
                named = cells.items() if isinstance(cells, dict) else enumerate(cells)
                yield from ([metric, row, str(column), json.dumps(value), ""] for column, value in named)


def _deviation(text: str) -> float | str:
    return text if text == "NaN" else float(text)
