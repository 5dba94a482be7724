"""Results of trials to figures: means and spreads, paired comparisons, label curve and threshold transfer."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from rivals import RIVALS
from scipy import stats
from trials import GANS

MEASURES = ("pr_auc", "recall_at_1", "recall_at_2", "recall_at_5", "recall_at_1_fpr", "single_pr_auc")
OURS, ALONE, WITHOUT = "release", "scarcegan", "without_scarcegan"
LIGHTGBM = ("lightgbm_labels", "lightgbm_unlabeled_negative", "lightgbm_averaged")
TRANSFERRED = ("release", "published")

Result = dict[str, Any]
BySeed = dict[int, Result]  # what `contest.measure` says, and `cpu_seconds`, by seed


def summarize(results: Iterable[Result]) -> dict[str, Any]:
    """Return figures, tables, verdicts, ablation, threshold transfer and label curve of stored results."""
    results = list(results)
    full = [result for result in results if result["labeled_risky_wanted"] is None]
    tests = by_test(full)
    verdicts = {test: verdict for test, methods in tests.items() if (verdict := judge(methods, tuple(RIVALS)))}
    lightgbm = {test: verdict for test, methods in tests.items() if (verdict := judge(methods, LIGHTGBM))}
    alone = {test: verdict for test, methods in tests.items() if (verdict := judge(methods, tuple(RIVALS), ALONE))}
    gains = [compare(methods[OURS], methods[WITHOUT])["margin"] for methods in tests.values() if WITHOUT in methods]
    figures = {f"quality.{test}.margin": verdict["margin"] for test, verdict in verdicts.items()}
    figures |= {f"quality.{test}.margin_scarcegan": verdict["margin"] for test, verdict in alone.items()}
    figures |= {f"quality.{test}.margin_lightgbm": verdict["margin"] for test, verdict in lightgbm.items()}
    means = {
        "mean_margin": [one["margin"] for one in verdicts.values()],
        "mean_margin_scarcegan": [one["margin"] for one in alone.values()],
        "ensemble_gain": gains,
    }
    figures |= {f"quality.{name}": float(np.mean(values)) for name, values in means.items() if values}
    figures |= curve_margins(results) | calibration(full)
    return {
        "figures": figures,
        "tables": {test: {name: spread(seeds) for name, seeds in methods.items()} for test, methods in tests.items()},
        "verdicts": verdicts,
        "scarcegan": alone,
        "lightgbm": lightgbm,
        "ablation": {test: ablation(methods) for test, methods in tests.items()},
        "transfer": transfer(full),
        "label_curve": label_curve(results),
    }


def by_test(results: Iterable[Result]) -> dict[str, dict[str, BySeed]]:
    """Sort results by test set, method and seed; a data set's first test set has the data set's name."""
    tests: dict[str, dict[str, BySeed]] = defaultdict(lambda: defaultdict(dict))
    for result in results:
        for name, measured in _named_tests(result):
            tests[name][result["method"]][result["seed"]] = measured | {"cpu_seconds": result["cpu_seconds"]}
        for method, own in result["beside"].items():
            for name, measured in _named_tests(result | {"tests": own}):
                tests[name][method][result["seed"]] = measured | {"cpu_seconds": None}
    return tests


def spread(seeds: BySeed) -> dict[str, Any]:
    """Return the number of seeds, and mean and standard deviation over them of each measure."""
    told: dict[str, Any] = {"seeds": len(seeds)}
    for name in (*MEASURES, "cpu_seconds"):
        values = [measured[name] for measured in seeds.values()]
        told[name] = None if None in values else _mean_and_sd(values)
    return told


def judge(methods: Mapping[str, BySeed], rivals: Iterable[str], own: str = OURS) -> dict[str, Any] | None:
    """Compare a method of ours with the best of the rivals by mean PR-AUC; None where one side is missing.

    Only rivals that ran under all of its seeds count.
    """
    ours = methods.get(own, {})
    complete = [name for name in rivals if ours and set(ours) <= set(methods.get(name, {}))]
    if not complete:
        return None
    best = max(complete, key=lambda name: np.mean([methods[name][seed]["pr_auc"] for seed in ours]))
    return {"rival": best, "rivals": len(complete), **compare(ours, methods[best])}


def compare(ours: BySeed, theirs: BySeed) -> dict[str, Any]:
    """Compare two methods' PR-AUC, paired over our seeds.

    Returns:
        `margin` (mean difference), `over_seeds` (95 % t interval; None with one seed), `over_players` (95 % interval
        of a paired bootstrap over test players), `seeds` won and lost, and `verdict`: win, tie or loss.
    """
    differences = np.array([ours[seed]["pr_auc"] - theirs[seed]["pr_auc"] for seed in ours])
    resampled = [np.subtract(ours[seed]["resampled_pr_auc"], theirs[seed]["resampled_pr_auc"]) for seed in ours]
    over_players = np.percentile(np.mean(resampled, axis=0), [2.5, 97.5]).tolist()
    over_seeds = t_interval(differences)
    intervals = [over_players, *([over_seeds] if over_seeds else [])]
    verdict = "tie"
    if all(low > 0 for low, _ in intervals):
        verdict = "win"
    elif all(high < 0 for _, high in intervals):
        verdict = "loss"
    return {
        "margin": float(differences.mean()),
        "over_seeds": over_seeds,
        "over_players": over_players,
        "seeds_won": int(np.sum(differences > 0)),
        "seeds_lost": int(np.sum(differences < 0)),
        "verdict": verdict,
    }


def t_interval(values: np.ndarray) -> list[float] | None:
    """Return Student's 95 % interval of the mean, or None for a single value."""
    if len(values) < 2:
        return None
    half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
    return [float(values.mean() - half), float(values.mean() + half)]


def ablation(methods: Mapping[str, BySeed]) -> dict[str, Any]:
    """Return each variant's PR-AUC minus that of ScarceGAN alone over the seeds that both ran."""
    differences = {}
    for name in (name for name in GANS if name in methods):
        shared = methods[ALONE].keys() & methods[name].keys() if ALONE in methods else ()
        if shared:
            values = [methods[name][seed]["pr_auc"] - methods[ALONE][seed]["pr_auc"] for seed in sorted(shared)]
            differences[name] = _mean_and_sd(values) | {"seeds": len(values)}
    return differences


def transfer(results: Iterable[Result]) -> list[dict[str, Any]]:
    """Return for each test set, method and definition what validation promised and what test players gave.

    `off` is the test value minus the bound, or minus validation's value where nothing is bound.
    """
    found: dict[tuple[str, str, str], list[Result]] = defaultdict(list)
    for result in (one for one in results if one["method"] in TRANSFERRED):
        for definition, told in result["transfer"].items():
            for test, value in told["tests"].items():
                found[_test_name(result, test), result["method"], definition].append(told | {"test_value": value})
    return [_transfer_row(*names, rows) for names, rows in found.items()]


def calibration(results: Iterable[Result]) -> dict[str, float]:
    """Return the mean calibration error on simulated players, before and after the calibration; empty without one."""
    errors = [one["calibration"] for one in results if one["data_set"] == "simulated" and one["method"] == OURS]
    return {
        f"calibration.ece_{when}": float(np.mean([error[when] for error in errors if error]))
        for when in ("before", "after")
        if any(errors)
    }


def curve_margins(results: Iterable[Result]) -> dict[str, float]:
    """Return the release's margins where fewer risky players are labelled, against the rivals that ran there."""
    fewer: dict[tuple[str, int], list[Result]] = defaultdict(list)
    for result in (one for one in results if one["labeled_risky_wanted"]):
        fewer[result["data_set"], result["labeled_risky_wanted"]].append(result)
    figures = {}
    for (data_set, count), group in sorted(fewer.items()):
        told = judge(by_test(group)[data_set], tuple(RIVALS))
        if told:
            figures[f"quality.{data_set}_{count}_labels.margin"] = told["margin"]
    return figures


def label_curve(results: Iterable[Result]) -> dict[str, dict[str, dict[str, Any]]]:
    """Return test set -> number of labelled risky players -> method -> spread, where there is more than one number.

    All numbers are told of the seeds under which there were fewer labels.
    """
    results = list(results)
    curved = {(result["data_set"], result["seed"]) for result in results if result["labeled_risky_wanted"]}
    numbers: dict[str, dict[int, list[Result]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        if (result["data_set"], result["seed"]) in curved:
            numbers[result["data_set"]][result["labeled_risky"]].append(result)
    curves = {}
    for data_set, counts in numbers.items():
        wanted = {one["method"] for group in counts.values() for one in group if one["labeled_risky_wanted"]}
        if wanted:
            curves[data_set] = {
                str(count): {
                    method: spread(seeds) for method, seeds in by_test(group)[data_set].items() if method in wanted
                }
                for count, group in sorted(counts.items())
            }
    return curves


def _transfer_row(test: str, method: str, definition: str, rows: list[Result]) -> dict[str, Any]:
    promised = [row["validation"] if row["bound"] is None else row["bound"] for row in rows]
    values = [row["test_value"] for row in rows]
    return {
        "test": test,
        "method": method,
        "definition": definition,
        "measure": rows[0]["measure"],
        "bound": rows[0]["bound"],
        "validation": _mean_and_sd([row["validation"] for row in rows]),
        "value": _mean_and_sd(values),
        "off": _mean_and_sd(np.subtract(values, promised).tolist()),
    }


def _named_tests(result: Result) -> Iterable[tuple[str, Result]]:
    return [(_test_name(result, test), measured) for test, measured in result["tests"].items()]


def _test_name(result: Result, test: str) -> str:
    first = next(iter(result["tests"]))
    return result["data_set"] if test == first else f"{result['data_set']}_{test}"


def _mean_and_sd(values: list[float]) -> dict[str, float | None]:
    sd = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return {"mean": float(np.mean(values)), "sd": sd}
