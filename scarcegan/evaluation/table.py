"""An evaluation as a flat table, for those who read figures in a spreadsheet."""

import csv
import io

from scarcegan.evaluation.records import Evaluation


def metrics_csv(evaluation: Evaluation) -> str:
    """Return every figure of everybody as CSV: kind, name, test_set, metric, value, low, high, std."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["kind", "name", "test_set", "metric", "value", "low", "high", "std"])
    kinds = {
        "model": {name: model.test for name, model in evaluation.models.items()},
        "scarcegan alone": {name: model.scarcegan for name, model in evaluation.models.items() if model.scarcegan},
        "rival": evaluation.rivals,
        "champion": {name: champion.test for name, champion in evaluation.champions.items()},
    }
    for kind, everybody in kinds.items():
        for name, tests in everybody.items():
            for test_set in evaluation.test_sets:
                for metric, figure in tests[test_set].intervals().items():
                    table.writerow([kind, name, test_set, metric, figure.value, figure.low, figure.high, figure.std])
    return text.getvalue()
